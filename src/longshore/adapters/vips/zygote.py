"""The process that workers are forked from: it has imported the codecs and never runs them.

Run as `python -m longshore.adapters.vips.zygote FD PARENT MEMORY RESULT`: a Unix stream socket to the front, the
front's pid, and the limits of a worker in bytes. Each request is one octet with the socket of a worker-to-be; the
answer is that worker's pid and, on Linux, its pidfd. Forking from a process that has run libvips hangs now and then
(its threads are not there after the fork), so nothing here may touch a pixel. Ends with its socket, or with its parent.
"""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys

from longshore.adapters.vips import confine
from longshore.adapters.vips.wire import FORK, READY


def main() -> None:
    descriptor, parent, memory, result_size = (int(argument) for argument in sys.argv[1:5])
    confine.die_with(parent)
    control = socket.socket(fileno=descriptor)
    # Whoever stops the service by a signal to the whole group means the front; it ends us when its work is done.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # children are reaped by the kernel
    from longshore.adapters.vips import worker  # only now: codecs are imported once the parent is watched

    gc.collect()
    gc.freeze()  # collections in the workers then leave the shared pages alone
    control.sendall(READY)
    while True:
        request, descriptors, _flags, _address = socket.recv_fds(control, len(FORK), 1)
        if not request:
            os._exit(0)
        zygote = os.getpid()
        pid = os.fork()
        if pid == 0:
            control.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            confine.die_with(zygote)
            worker.main(socket.socket(fileno=descriptors[0]), memory=memory, result_size=result_size)
            os._exit(0)
        os.close(descriptors[0])
        _answer(control, pid)


def _answer(control: socket.socket, pid: int) -> None:
    message = str(pid).encode()
    try:
        pidfd = os.pidfd_open(pid)
    except (AttributeError, OSError):  # not Linux, an old kernel, or dead already: the front kills by pid
        control.sendall(message)
        return
    try:
        socket.send_fds(control, [message], [pidfd])
    except BrokenPipeError:  # the front has ended meanwhile: the worker ends with its own socket
        os._exit(0)
    finally:
        os.close(pidfd)


if __name__ == "__main__":
    main()
