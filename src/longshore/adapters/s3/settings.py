"""What the operator may say about an S3 store."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from longshore.core.sizes import GIB
from longshore.ports.storage import Bucket

_BUCKET = Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{2,62}$")
_URL = Meta(pattern=r"^https?://[^/\s?#]+(/[^\s?#]*)?$")


class S3Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An S3 store, at best with one bucket for each class of objects: `longshore storage setup` makes them."""

    endpoint: Annotated[str, _URL]
    """Where the server reaches the store, such as `https://s3.example.com`."""
    public_endpoint: Annotated[str, _URL] | None = None
    """Where people reach it with signed links; the same as `endpoint` when absent."""
    region: str = "us-east-1"
    """The region in signatures."""
    access_key: str
    """The access key."""
    secret_key: str
    """The secret key."""
    bucket: Annotated[str, _BUCKET] = "longshore"
    """One bucket for everything, in the folders `incoming/`, `files/` and `quarantine/`."""
    bucket_incoming: Annotated[str, _BUCKET] | None = None
    """A bucket of its own for what is being uploaded."""
    bucket_files: Annotated[str, _BUCKET] | None = None
    """A bucket of its own for confirmed files."""
    bucket_quarantine: Annotated[str, _BUCKET] | None = None
    """A bucket of its own for infected files."""
    addressing: Literal["path", "virtual"] = "path"
    """Whether the bucket stands in the path or in the host name."""
    connections: Annotated[int, Meta(ge=1, le=1024)] = 64
    """Connections to the store at once."""
    attempts: Annotated[int, Meta(ge=1, le=10)] = 4
    """How often a request is tried when the store fails or is silent."""
    connect_timeout_s: Annotated[float, Meta(gt=0)] = 5.0
    """How long connecting may take."""
    idle_timeout_s: Annotated[float, Meta(gt=0)] = 30.0
    """How long the store may be silent."""
    copy_timeout_s: Annotated[float, Meta(gt=0)] = 600.0
    """How long the store may be silent while it copies or puts parts together."""
    originals: Annotated[int, Meta(ge=0)] = 5 * GIB
    """Bytes of originals kept on the local disk for rendering; the least recently used go first."""

    def place(self, bucket: Bucket) -> tuple[str, str]:
        """The real bucket, and what the keys in it begin with."""
        own = {
            Bucket.INCOMING: self.bucket_incoming,
            Bucket.FILES: self.bucket_files,
            Bucket.QUARANTINE: self.bucket_quarantine,
        }[bucket]
        return (own, "") if own is not None and self._is_unshared(own) else (own or self.bucket, f"{bucket.value}/")

    def _is_unshared(self, name: str) -> bool:
        return [self.bucket_incoming, self.bucket_files, self.bucket_quarantine, self.bucket].count(name) == 1

    def real_buckets(self) -> tuple[str, ...]:
        """Every real bucket once."""
        return tuple(dict.fromkeys(self.place(bucket)[0] for bucket in Bucket))

    @property
    def public_origin(self) -> str:
        """Scheme and host that browsers send to, `https://*.host` where the bucket is in the name."""
        parts = urlsplit(self.public_endpoint or self.endpoint)
        return f"{parts.scheme}://{'*.' if self.addressing == 'virtual' else ''}{parts.netloc}"
