"""What goes wrong on the way, and is tried again."""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from clients.python.tests.conftest import QUICK
from clients.python.tests.fake import KEY, FakeLongshore, Fault, drop, drop_after, html, lose_answer, status
from longshore_client import (
    Conflict,
    Forbidden,
    Invalid,
    LongshoreClient,
    NewUpload,
    ProblemError,
    Progress,
    Retries,
    ServerBusy,
    SourceChanged,
    Throttled,
    TransportError,
    UnexpectedAnswer,
)
from longshore_client.errors import LongshoreError
from longshore_client.retries import NotConnected

CONTENT = os.urandom(5_000_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.mark.parametrize("operation", ["request", "send", "confirm"])
@pytest.mark.parametrize(
    "fault", [status(500), status(503), status(408), html(502), drop], ids=["500", "503", "408", "proxy-502", "drop"]
)
async def test_each_step_is_repeated_until_it_works(
    client: LongshoreClient, server: FakeLongshore, operation: str, fault: Fault
) -> None:
    server.script[operation] = [fault, fault]

    file = await client.upload(CONTENT)

    assert file.digests is not None
    assert file.digests.sha256 == SHA256
    assert server.log.count(operation) == 3
    assert len(server.uploads) == 1


async def test_a_body_cut_in_the_middle_is_sent_again_from_the_start(
    client: LongshoreClient, server: FakeLongshore, tmp_path: Path
) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(CONTENT)
    server.script["send"] = [drop_after(1_000_000), drop_after(2_000_000)]
    heard: list[Progress] = []

    file = await client.upload(path, on_progress=heard.append)

    assert file.digests is not None
    assert file.digests.sha256 == SHA256
    assert server.log == ["request", "send", "link", "send", "link", "send", "confirm", "events"]
    assert [one.sent for one in heard if one.stage == "sending"].count(0) == 3


async def test_a_lost_answer_to_the_bytes_ends_in_412_and_goes_on_to_confirm(
    client: LongshoreClient, server: FakeLongshore
) -> None:
    server.script["send"] = [lose_answer(server._send)]

    file = await client.upload(CONTENT)

    assert file.digests is not None
    assert file.digests.sha256 == SHA256
    assert server.log == ["request", "send", "link", "send", "confirm", "events"]


async def test_lost_answers_to_request_and_confirm_make_no_second_file(
    client: LongshoreClient, server: FakeLongshore
) -> None:
    server.script["request"] = [lose_answer(server._request)]
    server.script["confirm"] = [lose_answer(server._confirm)]

    await client.upload(b"abc")

    keys = {headers["Idempotency-Key"] for headers in server.headers if "Idempotency-Key" in headers}
    assert len(keys) == len(server.uploads) == 1


async def test_an_expired_link_is_renewed(client: LongshoreClient, server: FakeLongshore) -> None:
    server.expired_links = 2

    file = await client.upload(b"abc")

    assert file.is_ready
    assert server.log == ["request", "send", "link", "send", "link", "send", "confirm", "events"]


async def test_a_link_that_is_never_good_is_an_error(client: LongshoreClient, server: FakeLongshore) -> None:
    server.expired_links = 99

    with pytest.raises(Forbidden) as refused:
        await client.upload(b"abc")

    assert refused.value.code == "link-expired"
    assert server.log.count("send") == 3
    assert server.log[-1] == "abort"


@pytest.mark.parametrize("form", ["seconds", "date"])
async def test_retry_after_is_honoured(client: LongshoreClient, server: FakeLongshore, form: str) -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
    server.script["request"] = [status(429, "throttled", Retry_After="1" if form == "seconds" else later)]
    started = time.monotonic()

    await client.upload(b"abc")

    assert time.monotonic() - started >= (1.0 if form == "seconds" else 0.9)


async def test_whoever_asks_for_too_much_patience_is_not_waited_for(
    client: LongshoreClient, server: FakeLongshore
) -> None:
    server.script["request"] = [status(429, "throttled", Retry_After="3600")]

    with pytest.raises(Throttled) as refused:
        await client.upload(b"abc")

    assert refused.value.retry_after == 3600
    assert server.log == ["request"]


async def test_a_server_that_never_recovers_is_an_error_and_the_upload_is_aborted(
    client: LongshoreClient, server: FakeLongshore
) -> None:
    server.script["send"] = [status(507, "storage-full")] * 99

    with pytest.raises(ServerBusy) as refused:
        await client.upload(b"abc")

    assert (refused.value.code, refused.value.status) == ("storage-full", 507)
    assert refused.value.upload_id in server.uploads
    assert server.log.count("send") == QUICK.attempts
    assert server.log[-1] == "abort"


async def test_what_the_server_refuses_is_not_repeated(client: LongshoreClient, server: FakeLongshore) -> None:
    server.script["request"] = [status(400, "bad-name")]

    with pytest.raises(Invalid) as refused:
        await client.upload(b"abc")

    assert (refused.value.code, refused.value.detail) == ("bad-name", "D")
    assert server.log == ["request"]


async def test_a_refusal_in_the_middle_of_a_large_body_is_told_as_it_is(
    client: LongshoreClient, server: FakeLongshore
) -> None:
    server.script["send"] = [status(413, "body-too-large")]

    with pytest.raises(ProblemError) as refused:
        await client.upload(os.urandom(30_000_000))

    assert (refused.value.status, refused.value.code) == (413, "body-too-large")


async def test_nobody_there_is_a_transport_error() -> None:
    async with LongshoreClient("http://127.0.0.1:9", key=KEY, retries=QUICK) as client:
        with pytest.raises(TransportError, match="No connection"):
            await client.upload(b"abc")


async def test_somebody_elses_server_is_noticed(client: LongshoreClient, server: FakeLongshore) -> None:
    server.script["request"] = [html(200)]
    with pytest.raises(UnexpectedAnswer, match="is this a Longshore"):
        await client.upload(b"abc")

    server.script["request"] = [status(301, "moved", Location="https://elsewhere.example/")]
    with pytest.raises(UnexpectedAnswer, match="elsewhere"):
        await client.upload(b"abc")


async def test_a_restore_is_repeated_only_when_it_was_not_done(client: LongshoreClient, server: FakeLongshore) -> None:
    """Each restore makes a new version."""
    server.script["restore"] = [status(503)]
    await client.restore("user/42", "avatar", 1)
    assert server.versions == 2

    server.script["restore"] = [lose_answer(server._restore)]
    with pytest.raises(TransportError):
        await client.restore("user/42", "avatar", 1)
    assert server.versions == 3


async def test_a_file_that_changes_while_it_is_sent_is_not_confirmed(
    client: LongshoreClient, server: FakeLongshore, tmp_path: Path
) -> None:
    path = tmp_path / "growing.log"
    path.write_bytes(CONTENT)

    def grow(progress: Progress) -> None:
        if progress.sent == 0:
            path.write_bytes(CONTENT + b"more")

    with pytest.raises(SourceChanged):
        await client.upload(path, on_progress=grow)

    assert server.log == ["request", "send", "abort"]


async def test_a_file_that_shrinks_while_it_is_sent_is_told_from_a_broken_line(
    client: LongshoreClient, server: FakeLongshore, tmp_path: Path
) -> None:
    path = tmp_path / "shrinking.bin"
    path.write_bytes(CONTENT)

    def shrink(progress: Progress) -> None:
        if progress.sent == 0:
            os.truncate(path, 10)

    with pytest.raises(SourceChanged):
        await client.upload(path, on_progress=shrink)

    assert server.log[0] == "request"
    assert server.log[-1] == "abort"
    assert server.log.count("send") == 1


async def test_an_on_progress_that_raises_ends_the_upload(client: LongshoreClient, server: FakeLongshore) -> None:
    def broken(progress: Progress) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await client.upload(CONTENT, on_progress=broken)

    assert server.log[-1] == "abort"


async def test_an_upload_aborted_elsewhere_is_told(client: LongshoreClient, server: FakeLongshore) -> None:
    upload = await client.request_upload(NewUpload(name="a", type="a/b", size=3))
    await client.abort(upload)

    with pytest.raises(ProblemError) as refused:
        await client.confirm(upload)

    assert refused.value.code == "upload-aborted"


async def test_confirming_without_bytes_is_a_conflict(client: LongshoreClient) -> None:
    upload = await client.request_upload(NewUpload(name="a", type="a/b", size=3))

    with pytest.raises(Conflict, match="bytes-missing"):
        await client.confirm(upload)


async def test_connections_kept_too_long_do_not_hurt(client: LongshoreClient, server: FakeLongshore) -> None:
    """The server closes an idle connection just as it is used again."""
    for _ in range(3):
        server.script["send"] = [drop]
        assert (await client.upload(CONTENT)).is_ready
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("error", "repeatable", "again"),
    [
        (TransportError("cut"), True, True),
        (TransportError("cut"), False, False),
        (NotConnected("nobody"), False, True),
        (ProblemError("a", 500, ""), True, True),
        (ProblemError("a", 500, ""), False, False),
        (ProblemError("a", 503, ""), False, True),
        (ProblemError("a", 501, ""), True, False),
        (ProblemError("a", 404, ""), True, False),
        (UnexpectedAnswer("what"), True, False),
    ],
)
def test_what_is_tried_again(error: LongshoreError, repeatable: bool, again: bool) -> None:
    assert (Retries().wait_before(2, error, repeatable=repeatable) is not None) is again


def test_waits_double_with_jitter_and_end() -> None:
    retries = Retries(attempts=8, first=1.0, longest=10.0)
    error = TransportError("cut")

    for attempt, most in ((2, 1.0), (3, 2.0), (4, 4.0), (5, 8.0), (6, 10.0), (8, 10.0)):
        waits = {retries.wait_before(attempt, error) for _ in range(50)}
        assert len(waits) > 10
        assert all(wait is not None and most / 2 <= wait <= most for wait in waits)
    assert retries.wait_before(9, error) is None
