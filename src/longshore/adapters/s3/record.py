"""What a store can do, as `longshore storage setup` found out: kept in the store, where every process reads it."""

from __future__ import annotations

import msgspec

from longshore.adapters.s3 import faults
from longshore.adapters.s3.connection import Connection
from longshore.adapters.s3.layout import RECORD
from longshore.ports.storage import Bucket, ObjectMissing


class Abilities(msgspec.Struct, frozen=True, kw_only=True):
    """What is missing is not offered. Without a record everything is believed to be there."""

    post: bool = True
    """Forms with a policy."""
    conditional: bool = True
    """`If-None-Match: *`: a link can be used once only."""
    cors: bool = True
    """The store's own rules for web pages."""
    lifecycle: bool = True
    """Rules that end what we would forget."""
    private: bool = True
    """Senders cannot make their object public by a header."""


async def read_record(connection: Connection) -> Abilities | None:
    """None when `storage setup` has not run. Raises Upstream and its kinds: wrong keys, bucket missing, ..."""
    bucket, _ = connection.settings.place(Bucket.FILES)
    try:
        reply = await connection.call("GET", bucket, RECORD)
    except ObjectMissing:
        return None
    try:
        return msgspec.json.decode(reply.body, type=Abilities)
    except msgspec.MsgspecError as e:
        raise faults.unreadable() from e


async def write_record(connection: Connection, abilities: Abilities) -> None:
    bucket, _ = connection.settings.place(Bucket.FILES)
    body = msgspec.json.format(msgspec.json.encode(abilities))
    await connection.call("PUT", bucket, RECORD, headers={"content-type": "application/json"}, body=[body])
