"""`longshore storage setup`: buckets, rules for web pages, rules that end what we would forget; then what the store
can do is found out and recorded. Safe to repeat. Rules that others made are kept.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from longshore.adapters.s3.answers import document, element, leaf
from longshore.adapters.s3.connection import Connection
from longshore.adapters.s3.faults import BucketMissing
from longshore.adapters.s3.objects import S3ObjectStore
from longshore.adapters.s3.probe import CONDITIONAL, CORS, LIFECYCLE, POST, PRIVATE, Probe
from longshore.adapters.s3.record import Abilities, write_record
from longshore.core.errors import Problem
from longshore.ports.storage import Bucket, ObjectMissing

INCOMING_DAYS = 3
"""Nothing of an upload is wanted so long; the sweeper is a day earlier."""
_OURS = "longshore-"
_WITHOUT = {
    CONDITIONAL: "no: links can be used again until they expire; what is delivered never changes by that",
    POST: "no: uploads by form are not offered",
    CORS: "no: browsers cannot send straight to the store",
    LIFECYCLE: "no: only the sweeper ends what was forgotten",
    PRIVATE: "no: forbid `s3:PutObjectAcl` and public ACLs by a policy of your own",
}


@dataclass(frozen=True, slots=True)
class Done:
    what: str
    is_done: bool
    says: str


class Setup:
    def __init__(self, connection: Connection, objects: S3ObjectStore) -> None:
        self._connection = connection
        self._objects = objects

    async def run(self, origins: Sequence[str]) -> Sequence[Done]:
        """`origins` are those of the web pages that may send, or `*`: the signed link is what allows. Raises Upstream
        when the buckets cannot be made; what else a store lacks is told."""
        done = [await self._make(bucket) for bucket in self._connection.settings.real_buckets()]
        incoming, _ = self._connection.settings.place(Bucket.INCOMING)
        done.append(await self._tried("web pages", lambda: self._allow_pages(incoming, origins)))
        for bucket in self._connection.settings.real_buckets():
            done.append(await self._tried(f"lifecycle of {bucket}", lambda bucket=bucket: self._set_lifecycle(bucket)))
            done.append(await self._tried(f"no public access to {bucket}", lambda bucket=bucket: self._close(bucket)))
        found = await Probe(self._connection, self._objects).holds(CONDITIONAL, POST, CORS, LIFECYCLE, PRIVATE)
        abilities = Abilities(
            post=found[POST],
            conditional=found[CONDITIONAL],
            cors=found[CORS],
            lifecycle=found[LIFECYCLE],
            private=found[PRIVATE],
        )
        await write_record(self._connection, abilities)
        done += [Done(what, holds, "yes" if holds else _WITHOUT[what]) for what, holds in found.items()]
        return done

    async def _make(self, bucket: str) -> Done:
        try:
            await self._connection.call("HEAD", bucket)
            return Done(f"bucket {bucket}", True, "was there")
        except (BucketMissing, ObjectMissing):
            region = self._connection.settings.region
            placed = document("CreateBucketConfiguration", leaf("LocationConstraint", region))
            # the first region has no name in this call
            await self._connection.call("PUT", bucket, body=[] if region == "us-east-1" else [placed])
            return Done(f"bucket {bucket}", True, "made")

    async def _tried(self, what: str, work: Callable[[], Awaitable[None]]) -> Done:
        try:
            await work()
        except Problem as problem:
            return Done(what, False, problem.detail)
        return Done(what, True, "set")

    async def _allow_pages(self, bucket: str, origins: Sequence[str]) -> None:
        rule = element(
            "CORSRule",
            leaf("ID", f"{_OURS}uploads"),
            *(leaf("AllowedMethod", method) for method in ("PUT", "POST", "GET", "HEAD")),
            *(leaf("AllowedOrigin", origin) for origin in origins),
            leaf("AllowedHeader", "*"),
            leaf("ExposeHeader", "ETag"),
            leaf("MaxAgeSeconds", 3600),
        )
        kept = await self._others(bucket, "cors", "CORSRule")
        await self._set(bucket, "cors", document("CORSConfiguration", *kept, rule))

    async def _set_lifecycle(self, bucket: str) -> None:
        rules: list[str] = []
        for kind in Bucket:
            real, prefix = self._connection.settings.place(kind)
            if real != bucket:
                continue
            ends = [element("AbortIncompleteMultipartUpload", leaf("DaysAfterInitiation", INCOMING_DAYS))]
            if kind is Bucket.INCOMING:
                ends.insert(0, element("Expiration", leaf("Days", INCOMING_DAYS)))
            rules.append(
                element(
                    "Rule",
                    leaf("ID", f"{_OURS}{kind.value}"),
                    element("Filter", leaf("Prefix", prefix)),
                    leaf("Status", "Enabled"),
                    *ends,
                )
            )
        kept = await self._others(bucket, "lifecycle", "Rule")
        await self._set(bucket, "lifecycle", document("LifecycleConfiguration", *kept, *rules))

    async def _close(self, bucket: str) -> None:
        """A sender's header about publicity is ignored. Not `BlockPublicAcls`: Ceph 16 then refuses every PUT."""
        try:
            found = (await self._connection.call("GET", bucket, query={"publicAccessBlock": ""})).xml()
        except Problem:
            found = None  # never set
        if found is not None and found.text("IgnorePublicAcls") == "true":
            return
        closed = {"BlockPublicAcls": "false", "IgnorePublicAcls": "true"}
        closed |= {"BlockPublicPolicy": "true", "RestrictPublicBuckets": "true"}
        body = document("PublicAccessBlockConfiguration", *(leaf(name, value) for name, value in closed.items()))
        await self._set(bucket, "publicAccessBlock", body)

    async def _set(self, bucket: str, kind: str, body: bytes) -> None:
        digest = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()  # S3 demands it here
        await self._connection.call("PUT", bucket, query={kind: ""}, headers={"content-md5": digest}, body=[body])

    async def _others(self, bucket: str, kind: str, name: str) -> list[str]:
        """The rules that are not ours, as they are."""
        try:
            found = (await self._connection.call("GET", bucket, query={kind: ""})).xml()
        except ObjectMissing:
            return []
        return [rule.written() for rule in found.all(name) if not rule.text("ID").startswith(_OURS)]
