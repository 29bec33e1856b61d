"""Looking into an S3 store behind the product's back: synchronous, over httpx, signed by botocore."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import uuid4
from xml.etree import ElementTree as ET

import httpx
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.servers.ceph import ACCESS_KEY, REGION, SECRET_KEY

_S3 = "{http://s3.amazonaws.com/doc/2006-03-01/}"


@dataclass(frozen=True)
class Peek:
    """One bucket."""

    endpoint: str
    bucket: str

    @classmethod
    def new(cls, endpoint: str) -> Peek:
        """A new and empty bucket."""
        peek = cls(endpoint, f"test-{uuid4().hex[:12]}")
        peek.call("PUT").raise_for_status()
        return peek

    def url(self, method: str, key: str = "", query: Mapping[str, str] | None = None) -> str:
        target = f"{self.endpoint}/{self.bucket}{f'/{key}' if key else ''}{f'?{urlencode(query)}' if query else ''}"
        request = AWSRequest(method, target)
        S3SigV4QueryAuth(Credentials(ACCESS_KEY, SECRET_KEY), "s3", REGION, expires=300).add_auth(request)
        return str(request.url)

    def call(
        self, method: str, key: str = "", content: bytes = b"", query: Mapping[str, str] | None = None
    ) -> httpx.Response:
        return httpx.request(method, self.url(method, key, query), content=content, trust_env=False, timeout=30)

    def keys(self, prefix: str = "") -> list[str]:
        found = ET.fromstring(self.call("GET", query={"list-type": "2", "prefix": prefix}).content)
        return sorted(key.text or "" for key in found.iter(f"{_S3}Key"))

    def multiparts(self) -> list[str]:
        """Keys of multipart uploads that nobody has ended."""
        found = ET.fromstring(self.call("GET", query={"uploads": ""}).content)
        return sorted(key.text or "" for key in found.iter(f"{_S3}Key"))

    def content(self, key: str) -> bytes:
        return self.call("GET", key).raise_for_status().content
