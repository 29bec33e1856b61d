"""Attachments, webhooks, tokens and repeated requests."""

from __future__ import annotations

import json

import jwt
import pytest

from longshore.core.errors import Problem, Unauthenticated
from longshore.core.file import FileState
from longshore.core.job import JobState
from longshore.core.principal import GrantTooNarrow, Server, TokenExpired, TokenInvalid, Uploader
from longshore.core.signing import jwt_key, webhook_signature
from longshore.core.upload import KeyReused, NotYourUpload, Record
from longshore.core.webhook import WebhookEvent
from longshore.services.asking import NewUpload
from longshore.services.projects import NewProject
from longshore.services.uploads import Requested
from longshore.services.webhooks import NewWebhook
from tests.services.conftest import JPEG, App

USER = Record("user", "42")


async def test_a_new_version_becomes_current_once_it_is_ready(app: App) -> None:
    await app.kind("avatar")
    first = await app.ready(kind="avatar", record=USER)
    second = await app.confirmed(kind="avatar", record=USER)

    attached = await app.attachments.of(app.project, USER, "avatar")
    assert [(one.file.id, one.current) for one in attached] == [(second.id, False), (first.id, True)]

    await app.work()
    attached = await app.attachments.of(app.project, USER, "avatar")
    assert [(one.file.id, one.current) for one in attached] == [(second.id, True), (first.id, False)]


async def test_a_refused_version_never_displaces_the_one_people_see(app: App) -> None:
    await app.kind("avatar")
    good = await app.ready(kind="avatar", record=USER)
    app.scanner.says = "Eicar-Test-Signature"
    bad = await app.ready(kind="avatar", record=USER)

    assert bad.state is FileState.QUARANTINED
    attached = await app.attachments.of(app.project, USER, "avatar")
    assert [one.file.id for one in attached if one.current] == [good.id]


async def test_restoring_makes_a_new_version(app: App) -> None:
    await app.kind("avatar")
    first = await app.ready(kind="avatar", record=USER)
    await app.ready(kind="avatar", record=USER)

    attached = await app.attachments.restore(app.project, USER, "avatar", 0, 1, "test")
    newest = attached[0]
    assert (newest.attachment.version, newest.file.id, newest.current) == (3, first.id, True)


async def test_a_webhook_hears_of_a_file_signed_and_again_after_a_failure(app: App) -> None:
    new = NewWebhook(target_url="https://hooks.test/a", event=WebhookEvent.FILE_UPLOADED, signing_secret="s3cret")
    webhook = await app.webhooks.create(app.project, new)
    app.receiver.status = 500
    file = await app.ready()
    assert len(app.receiver.calls) == 1

    app.receiver.status = 200
    app.clock.pass_(seconds=6)
    await app.work()
    url, body, headers = app.receiver.calls[1]
    assert url == "https://hooks.test/a"
    assert headers["X-Uc-Signature"] == webhook_signature("s3cret", body)
    assert json.loads(body)["data"]["uuid"] == str(file.id)
    log = await app.webhooks.deliveries(app.project, webhook.id)
    assert [(one.attempt, one.status) for one in log] == [(2, 200), (1, 500)]
    assert await app.jobs(JobState.WAITING) == []


async def test_a_webhook_for_infections_hears_of_those_only(app: App) -> None:
    new = NewWebhook(target_url="https://hooks.test/a", event=WebhookEvent.FILE_INFECTED)
    await app.webhooks.create(app.project, new)
    await app.ready()
    app.scanner.says = "Eicar-Test-Signature"
    file = await app.ready()

    assert [json.loads(body)["data"]["uuid"] for _, body, _ in app.receiver.calls] == [str(file.id)]


# -- repeated requests -------------------------------------------------------------------------------------------------


async def test_the_same_idempotency_key_answers_the_same_uploads(app: App) -> None:
    wanted = [NewUpload(name=f"{n}.jpg", type="image/jpeg", size=n + 1) for n in range(3)]
    first = await app.uploads.request(app.server, wanted, idempotency_key="k")
    again = await app.uploads.request(app.server, wanted, idempotency_key="k")

    assert [_ids(one) for one in first] == [_ids(one) for one in again]


async def test_an_idempotency_key_is_not_for_another_request(app: App) -> None:
    await app.uploads.request(app.server, [NewUpload(name="a", type="a/b", size=1)], idempotency_key="k")

    with pytest.raises(KeyReused):
        await app.uploads.request(app.server, [NewUpload(name="b", type="a/b", size=1)], idempotency_key="k")


async def test_a_bad_item_of_a_batch_fails_alone_and_again_the_same(app: App) -> None:
    wanted = [NewUpload(name="../..", type="a/b", size=1), NewUpload(name="a", type="a/b", size=1)]
    first = await app.uploads.request(app.server, wanted, idempotency_key="k")
    again = await app.uploads.request(app.server, wanted, idempotency_key="k")

    for answers in (first, again):
        assert isinstance(answers[0], Problem)
        assert answers[0].code == "bad-name"
    assert _ids(first[1]) == _ids(again[1])


def _ids(answer: Requested | Problem) -> tuple[object, ...]:
    assert isinstance(answer, Requested), answer
    return answer.upload.id, answer.write_token, answer.read_token


# -- who may -----------------------------------------------------------------------------------------------------------


def _token(app: App, **claims: object) -> str:
    payload = {
        "iss": app.project.public_key,
        "aud": "longshore",
        "sub": "u-42",
        "exp": int(app.clock.now().timestamp()) + 60,
        **claims,
    }
    return jwt.encode(payload, jwt_key(app.secret_key), algorithm="HS256")


async def test_an_upload_token_names_its_uploader_and_group(app: App) -> None:
    principal = await app.access.principal(_token(app, group="premium", kinds=["avatar"]), None)

    assert isinstance(principal, Uploader)
    assert (principal.uploader, principal.group, principal.kinds) == ("u-42", "premium", frozenset({"avatar"}))


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "other"},
        {"sub": ""},
        {"sub": "a b"},
        {"kinds": 7},
        {"limits": []},
        {"limits": {"size": -1}},
        {"nbf": 1e12},
    ],
)
async def test_an_upload_token_with_a_wrong_claim_is_refused(app: App, claims: dict[str, object]) -> None:
    with pytest.raises(TokenInvalid):
        await app.access.principal(_token(app, **claims), None)


async def test_an_expired_token_says_so(app: App) -> None:
    token = _token(app)
    app.clock.pass_(seconds=61)

    with pytest.raises(TokenExpired):
        await app.access.principal(token, None)


@pytest.mark.parametrize("algorithm", ["none", "HS512"])
async def test_a_token_of_another_algorithm_is_refused(app: App, algorithm: str) -> None:
    key = None if algorithm == "none" else jwt_key(app.secret_key) * 2
    token = jwt.encode({"iss": app.project.public_key, "sub": "u", "exp": 2e9}, key or "", algorithm=algorithm)

    with pytest.raises(TokenInvalid):
        await app.access.principal(token, None)


async def test_a_token_signed_by_another_project_is_refused(app: App) -> None:
    _, foreign = await app.projects.create(NewProject(name="other"))
    payload = {"iss": app.project.public_key, "aud": "longshore", "sub": "u", "exp": 2_000_000_000}

    with pytest.raises(TokenInvalid):
        await app.access.principal(jwt.encode(payload, jwt_key(foreign.secret), algorithm="HS256"), None)


async def test_a_token_allows_only_so_many_files(app: App) -> None:
    principal = await app.access.principal(_token(app, limits={"files": 2}), None)
    new = NewUpload(name="a", type="a/b", size=1)

    await app.uploads.request(principal, [new, new])
    with pytest.raises(GrantTooNarrow):
        await app.uploads.request(principal, [new])


async def test_a_revoked_key_stops_working(app: App) -> None:
    key = await app.projects.create_key(app.project)
    assert isinstance(await app.access.principal(key.secret, None), Server)

    await app.projects.revoke_key(app.project, key.id)
    app.clock.pass_(seconds=2)
    with pytest.raises(Unauthenticated):
        await app.access.principal(key.secret, None)


async def test_one_uploads_token_is_not_for_another(app: App) -> None:
    first, second = await app.requested(), await app.requested()

    with pytest.raises(TokenInvalid):
        await app.access.principal(first.write_token, None, second.upload.id)


async def test_the_read_token_may_not_confirm(app: App) -> None:
    requested = await app.requested()
    await app.bring(requested.upload.id, JPEG)
    reader = await app.access.principal(requested.read_token, None, requested.upload.id)

    with pytest.raises(NotYourUpload):
        await app.confirming.confirm(reader, requested.upload.id)
