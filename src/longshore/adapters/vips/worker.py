"""One worker: reads jobs from its socket, one at a time, until the socket ends. Runs in processes forked by the zygote.

Nothing is opened here: originals and targets come as descriptors. Importing this module imports every codec.
"""

from __future__ import annotations

import os
import socket
import struct
import sys
import traceback
from typing import assert_never

import pyvips

from longshore.adapters.vips import confine, decode
from longshore.adapters.vips.facts import inspect
from longshore.adapters.vips.render import render
from longshore.adapters.vips.wire import (
    Failed,
    Inspected,
    InspectJob,
    Job,
    RenderJob,
    Reply,
    Written,
    decode_job,
    encode_reply,
    receive,
    send,
)
from longshore.core.errors import Problem
from longshore.core.imaging.plan import MAX_LAYERS
from longshore.core.media import BrokenMedia
from longshore.ports.rendering import RenderCrashed

#: What decoders written in Python and C raise for bytes that are not what they should be.
_DECODING = (
    pyvips.Error,
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    struct.error,
    LookupError,
    ArithmeticError,
    RuntimeError,  # Pillow's AVIF
)
_SAID = 120  # characters of a library's complaint that are passed on


def main(sock: socket.socket, *, memory: int, result_size: int) -> None:
    """Serve jobs until the other end closes. The limits are for the life of this process, in bytes."""
    decode.prepare()
    confine.limit(memory=memory, result_size=result_size)
    while True:
        message = receive(sock, 2 + MAX_LAYERS)
        if message is None:
            return
        body, descriptors = message
        reply = _work(decode_job(body), descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        send(sock, encode_reply(reply))


def _work(job: Job, descriptors: list[int]) -> Reply:
    confine.allow(job.deadline)
    try:
        match job:
            case InspectJob():
                return Inspected(facts=inspect(descriptors[0], job.limits), peak=confine.peak())
            case RenderJob():
                source, target, *overlays = descriptors
                output, width, height = render(job.plan, source, overlays, target, job.result_size)
                return Written(format=output, width=width, height=height, peak=confine.peak())
            case _:
                assert_never(job)
    except Problem as problem:
        return _failed(problem)
    except MemoryError:
        return _failed(RenderCrashed("The image needs more memory than allowed"))
    except _DECODING as error:
        said = " ".join(str(error).split())
        if "out of memory" in said:
            return _failed(RenderCrashed("The image needs more memory than allowed"))
        return _failed(BrokenMedia(f"The image cannot be decoded: {_printable(said) or type(error).__name__}"))
    except Exception as error:  # noqa: BLE001 - a decoder may raise anything; the front must hear of it
        traceback.print_exc(file=sys.stderr)
        return _failed(RenderCrashed(f"The image could not be processed ({type(error).__name__})"))
    finally:
        confine.rest()


def _failed(problem: Problem) -> Failed:
    return Failed(code=problem.code, detail=problem.detail, peak=confine.peak())


def _printable(text: str) -> str:
    return "".join(character for character in text if character.isprintable())[:_SAID]
