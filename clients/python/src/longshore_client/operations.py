"""The operations of the native API, each tried until it is answered. `LongshoreClient` makes uploads of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, TypeVar, cast
from urllib.parse import quote
from uuid import uuid4

from longshore_client.decoding import decode
from longshore_client.errors import ProblemError, UnexpectedAnswer, problem
from longshore_client.results import Attachments, File, Kind, NewUpload, SignedUrl, Upload, UploadStatus
from longshore_client.retries import Retries
from longshore_client.transport import Transport

T = TypeVar("T")


class Operations:
    """Every method raises ProblemError (a leaf of it), TransportError, or UnexpectedAnswer."""

    def __init__(self, transport: Transport, retries: Retries) -> None:
        self._transport = transport
        self._retries = retries

    # -- uploads, step by step -----------------------------------------------------------------------------------------

    async def request_upload(self, new: NewUpload) -> Upload:
        """Ask to bring one file: the answer says how to send the bytes."""
        return decode(Upload, await self._call("POST", "/uploads", _wire(new), headers=_new_idempotency_key()))

    async def request_uploads(self, new: Sequence[NewUpload]) -> list[Upload | ProblemError]:
        """Ask to bring up to 1,000 files in one request: an answer for each, in order; one refused stops no other."""
        body = [_wire(one) for one in new]
        answer = await self._call("POST", "/uploads", body, headers=_new_idempotency_key())
        outcomes: list[Upload | ProblemError] = []
        for item in _items(answer):
            refused = item.get("problem")
            if isinstance(refused, dict):
                status = item.get("status")
                members = cast("dict[str, object]", refused)
                outcomes.append(problem(status if isinstance(status, int) else 400, members))
            else:
                outcomes.append(decode(Upload, item.get("upload")))
        if len(outcomes) != len(new):
            raise UnexpectedAnswer(f"{len(new)} uploads were asked for, {len(outcomes)} answers came")
        return outcomes

    async def renew(self, upload: Upload | str, *, send_by: Literal["put", "post"] = "put") -> Upload:
        """An upload with a fresh link; `send` is None once it is not open any more."""
        upload_id, bearer = _own(upload)
        return decode(Upload, await self._call("POST", f"/uploads/{upload_id}/link", {"send_by": send_by}, bearer))

    async def confirm(self, upload: Upload | str) -> UploadStatus:
        """The bytes are sent: make a file of them. Answers the same however often it is asked."""
        upload_id, bearer = _own(upload)
        return decode(UploadStatus, await self._call("POST", f"/uploads/{upload_id}/confirm", None, bearer))

    async def abort(self, upload: Upload | str) -> None:
        """Give up an open upload; nothing of it stays. Raises Conflict when it is confirmed already."""
        upload_id, bearer = _own(upload)
        await self._call("DELETE", f"/uploads/{upload_id}", None, bearer)

    async def status(self, upload: Upload | str) -> UploadStatus:
        """Where an upload stands."""
        upload_id, bearer = _own(upload, write=False)
        return decode(UploadStatus, await self._call("GET", f"/uploads/{upload_id}", None, bearer))

    # -- files ---------------------------------------------------------------------------------------------------------

    async def file(self, file_id: str, *, token: str | None = None) -> File:
        """A file. `token`: its read token, where the client's own credentials do not see it."""
        return decode(File, await self._call("GET", f"/files/{_segment(file_id)}", None, token))

    async def store(self, file_id: str) -> File:
        """Keep a file for good; revives one that was removed less than a day ago. Needs a secret key."""
        return decode(File, await self._call("PATCH", f"/files/{_segment(file_id)}", {"stored": True}))

    async def remove(self, file_id: str) -> File:
        """Hide a file at once; its bytes go after a day, in which `store` brings it back. Needs a secret key."""
        return decode(File, await self._call("DELETE", f"/files/{_segment(file_id)}"))

    async def signed_url(
        self, file_id: str, operations: str = "", *, lifetime: float = 300, token: str | None = None
    ) -> SignedUrl:
        """A URL that works for `lifetime` seconds (at most a week), for the original or for exactly these operations,
        such as `-/preview/800x600/`. Private files have no other."""
        body = {"operations": operations, "lifetime_s": int(lifetime)}
        return decode(SignedUrl, await self._call("POST", f"/files/{_segment(file_id)}/url", body, token))

    # -- records and kinds ---------------------------------------------------------------------------------------------

    async def record(self, record: str, kind: str) -> Attachments:
        """The current files of a record (`type/id`, `user/42`) and their former versions. Needs a secret key."""
        return decode(Attachments, await self._call("GET", _record_path(record, kind)))

    async def restore(self, record: str, kind: str, version: int, *, position: int = 0) -> Attachments:
        """Make a former version current again, as a new version. Needs a secret key.

        Not repeated when an answer is lost (TransportError): look at the `record` first.
        """
        path, body = f"{_record_path(record, kind)}/restore", {"version": version, "position": position}
        return decode(Attachments, await self._call("POST", path, body, repeatable=False))

    async def kinds(self) -> list[Kind]:
        """The project's kinds. Needs a secret key."""
        return [decode(Kind, item) for item in _items(await self._call("GET", "/kinds"))]

    # ------------------------------------------------------------------------------------------------------------------

    async def _call(
        self,
        method: str,
        path: str,
        body: object = None,
        bearer: str | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        repeatable: bool = True,
    ) -> object:
        return await self._retries.run(
            lambda: self._transport.call(method, path, body, bearer=bearer, headers=headers), repeatable=repeatable
        )


def _own(upload: Upload | str, *, write: bool = True) -> tuple[str, str | None]:
    """An upload's id for a path, and the token that is good for it alone: narrower than the client's credentials."""
    if isinstance(upload, Upload):
        return _segment(upload.id), upload.write_token if write else upload.read_token
    return _segment(upload), None


def _wire(new: NewUpload) -> dict[str, object]:
    members: dict[str, object] = {name: getattr(new, name) for name in NewUpload.__slots__}
    if new.metadata is not None:
        members["metadata"] = dict(new.metadata)
    return {name: value for name, value in members.items() if value is not None}


def _new_idempotency_key() -> dict[str, str]:
    """Made once per request and kept for its retries, so that a lost answer costs no second upload."""
    return {"Idempotency-Key": uuid4().hex}


def _record_path(record: str, kind: str) -> str:
    type_, slash, ident = record.partition("/")
    if not slash or not type_ or not ident:
        raise ValueError(f"a record looks like user/42, not {record!r}")
    return f"/records/{_segment(type_)}/{_segment(ident)}/{_segment(kind)}"


def _segment(text: str) -> str:
    if text in ("", ".", ".."):
        raise ValueError(f"{text!r} is no id")
    return quote(text, safe="")


def _items(answer: object) -> list[dict[str, object]]:
    items = cast("dict[str, object]", answer).get("items") if isinstance(answer, dict) else None
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in cast("list[object]", items)):
        raise UnexpectedAnswer("A list of items was expected")
    return cast("list[dict[str, object]]", items)
