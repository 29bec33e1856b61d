"""URLs that we hand out: always constructed from the configured public bases, never stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote, unquote

from longshore.core import signing
from longshore.core.errors import Forbidden
from longshore.core.file import File
from longshore.core.ids import FileId
from longshore.core.names import sanitize
from longshore.core.sizes import parse_int


class DeliveryTokenInvalid(Forbidden):
    code = "delivery-token-invalid"
    title = "This file is private: the URL's token is missing, has expired, or is for something else"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicUrls:
    """Bases without a trailing slash, such as `http://127.0.0.1:8700`."""

    cdn: str
    api: str
    upload: str

    def file(self, file_id: FileId, operations: str = "") -> str:
        """`operations` as in the URL grammar, with its slashes: `-/preview/800x600/`."""
        return f"{self.cdn}/{file_id}/{operations}"

    def original(self, file: File) -> str:
        """The contract's `original_file_url`: sanitized name, no trailing slash."""
        return f"{self.cdn}/{file.id}/{quote(sanitize(file.name))}"

    def rest(self, file_id: FileId) -> str:
        return f"{self.api}/files/{file_id}/"


def signed_path(path: str) -> tuple[str, str]:
    """`path` as it is written in a URL, and as a delivery token names it: decoded, and itself alone.

    Raises ValueError for what a token cannot name: a `*` at the end would open all that begins alike.
    """
    written = quote(path, safe="/%!$&'()+,;=:@")
    decoded = unquote(written, errors="strict")
    if decoded.endswith("*") or "~" in decoded or not decoded.isprintable():
        raise ValueError("no token can name this path alone")
    return written, decoded


def delivery_token(secret_hex: str, acl: str, expires_at: datetime) -> str:
    """The value of `?token=` (contract 3.8) that allows `acl`: one path, or a prefix ending in `*`."""
    expires = int(expires_at.timestamp())
    return f"exp={expires}~acl={acl}~hmac={signing.delivery_acl_signature(secret_hex, expires, acl)}"


def check_delivery_token(secret_hex: str, token: str | None, path: str, now: datetime) -> None:
    """Raises DeliveryTokenInvalid unless `token` allows the decoded `path` now."""
    fields: dict[str, str] = {}
    for part in (token or "").split("~"):
        name, _, value = part.partition("=")
        if name in fields:
            raise DeliveryTokenInvalid
        fields[name] = value
    expires, acl = parse_int(fields.get("exp", "")), fields.get("acl", "")
    if expires is None or not acl or set(fields) != {"exp", "acl", "hmac"}:
        raise DeliveryTokenInvalid
    genuine = signing.equal(signing.delivery_acl_signature(secret_hex, expires, acl), fields["hmac"])
    if not genuine or expires < now.timestamp():
        raise DeliveryTokenInvalid
    if not (path == acl or (acl.endswith("*") and path.startswith(acl[:-1]))):
        raise DeliveryTokenInvalid
