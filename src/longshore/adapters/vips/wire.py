"""What the front, the zygote and the workers say to each other: short messages over Unix sockets, with descriptors.

A message is four octets of length, big-endian, and JSON. Workers decode hostile bytes, so the front believes nothing
they say beyond what these types can hold. Imports no codec.
"""

from __future__ import annotations

import array
import asyncio
import os
import socket
import struct
from typing import Any, cast, get_args

import msgspec

from longshore.core.imaging import steps
from longshore.core.imaging.documents import Document
from longshore.core.imaging.encoding import Encode
from longshore.core.imaging.limits import ImageLimits
from longshore.core.imaging.negotiate import OutputFormat
from longshore.core.imaging.plan import Decode, Layer, Plan
from longshore.core.imaging.steps import Step
from longshore.core.media import ImageFacts

#: The zygote says READY once; then each FORK, with a socket, is answered by a pid, with a pidfd.
READY = b"ready"
FORK = b"f"

_LENGTH = struct.Struct(">I")
_LONGEST = 1 << 20

#: Steps travel as [word, fields]: the word chooses the type.
_STEPS: dict[str, type[Step]] = {kind.__name__.lower(): kind for kind in get_args(steps.Step)}
_WORDS = {step: word for word, step in _STEPS.items()}


class WirePlan(msgspec.Struct, frozen=True):
    """`Plan`, its steps made tellable apart; either `encode` or `document` is there."""

    decode: Decode
    steps: list[tuple[str, dict[str, Any]]]
    encode: Encode | None
    document: Document | None
    layers: list[Layer]
    width: int
    height: int

    @classmethod
    def of(cls, plan: Plan) -> WirePlan:
        travelling = [(_WORDS[type(step)], cast("dict[str, Any]", msgspec.to_builtins(step))) for step in plan.steps]
        encode, document = (None, plan.encode) if isinstance(plan.encode, Document) else (plan.encode, None)
        return cls(plan.decode, travelling, encode, document, list(plan.layers), plan.width, plan.height)

    def typed_steps(self) -> tuple[Step, ...]:
        return tuple(msgspec.convert(fields, _STEPS[word]) for word, fields in self.steps)


class InspectJob(msgspec.Struct, frozen=True, tag="inspect"):
    """Descriptors: the source. `deadline` in seconds."""

    limits: ImageLimits
    deadline: float


class RenderJob(msgspec.Struct, frozen=True, tag="render"):
    """Descriptors: the source, the target, one for each overlay. `deadline` in seconds, `result_size` in bytes."""

    plan: WirePlan
    deadline: float
    result_size: int


Job = InspectJob | RenderJob


class Inspected(msgspec.Struct, frozen=True, tag="inspected"):
    """`peak`: the most memory the worker has held so far, in bytes (in the other replies too)."""

    facts: ImageFacts
    peak: int


class Written(msgspec.Struct, frozen=True, tag="written"):
    """The target holds the result. `format` is one of the plan's, None for a document; its size in pixels."""

    format: OutputFormat | None
    width: int
    height: int
    peak: int


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """`code` is a problem's; `detail` a sentence for people."""

    code: str
    detail: str
    peak: int


Reply = Inspected | Written | Failed

encode_job = msgspec.json.Encoder().encode
decode_job = msgspec.json.Decoder(Job).decode
encode_reply = msgspec.json.Encoder().encode
decode_reply = msgspec.json.Decoder(Reply).decode


def send(sock: socket.socket, body: bytes, descriptors: tuple[int, ...] = ()) -> None:
    """Write one message. Raises OSError, also when a non-blocking socket cannot take all of it at once."""
    message = _LENGTH.pack(len(body)) + body
    sent = socket.send_fds(sock, [message], list(descriptors)) if descriptors else sock.send(message)
    while sent < len(message):
        sent += sock.send(message[sent:])


def receive(sock: socket.socket, descriptors: int = 0) -> tuple[bytes, list[int]] | None:
    """Read one message and at most `descriptors` descriptors, blocking; None at the end of the stream."""
    first, found, _flags, _address = socket.recv_fds(sock, 1 << 16, descriptors)
    if not first:
        return None
    buffer = bytearray(first)
    while len(buffer) < _LENGTH.size or len(buffer) < _LENGTH.size + _LENGTH.unpack_from(buffer)[0]:
        more = sock.recv(1 << 16)
        if not more:
            return None
        buffer += more
    return bytes(buffer[_LENGTH.size :]), found


async def receive_async(sock: socket.socket) -> bytes:
    """Read one message from a non-blocking socket. Raises ConnectionError at the end of the stream."""
    loop = asyncio.get_running_loop()
    buffer = bytearray()
    while len(buffer) < _LENGTH.size or len(buffer) < _LENGTH.size + _LENGTH.unpack_from(buffer)[0]:
        more = await loop.sock_recv(sock, 1 << 16)
        if not more or len(buffer) > _LONGEST:
            raise ConnectionResetError("the other side is gone, or says too much")
        buffer += more
    return bytes(buffer[_LENGTH.size :])


async def receive_descriptor(sock: socket.socket) -> tuple[bytes, int | None]:
    """Read one short datagram-like message (at most 64 octets, no length) and a descriptor, if one came with it.

    For the zygote's socket, where requests and answers alternate. Raises ConnectionError at the end of the stream.
    """
    loop = asyncio.get_running_loop()
    readable: asyncio.Future[None] = loop.create_future()
    loop.add_reader(sock, lambda: readable.done() or readable.set_result(None))
    try:
        await readable
    finally:
        loop.remove_reader(sock)
    text, ancillary, _flags, _address = sock.recvmsg(64, socket.CMSG_SPACE(array.array("i").itemsize))
    if not text:
        raise ConnectionResetError("the zygote is gone")
    for level, kind, content in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            descriptor = array.array("i", content[: array.array("i").itemsize])[0]
            os.set_inheritable(descriptor, False)
            return text, descriptor
    return text, None
