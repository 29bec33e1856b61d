"""What the operator may say about clamd."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from longshore.core.sizes import MIB, parse_int


@dataclass(frozen=True, slots=True)
class UnixAddress:
    path: str

    def __str__(self) -> str:
        return self.path


@dataclass(frozen=True, slots=True)
class TcpAddress:
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}" if ":" not in self.host else f"[{self.host}]:{self.port}"


Address = UnixAddress | TcpAddress


class ClamdSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`address` is the path of clamd's socket (`/run/clamav/clamd.ctl`) or `host:port` (`127.0.0.1:3310`).

    `max_size` must not exceed clamd's own `StreamMaxLength` (which ends the connection) nor its `MaxFileSize` (beyond
    which it answers OK without having looked). Both are 100M by default, counted in MiB.
    """

    #: The path of clamd's socket, or `host:port`.
    address: str
    #: Larger files are not scanned, in bytes; not more than clamd's own `StreamMaxLength` and `MaxFileSize`.
    max_size: int = 100 * MIB
    #: Scans at once; further ones wait. clamd itself runs 10 threads by default.
    max_scans: int = 8
    #: How long connecting may take.
    connect_timeout_s: float = 5.0
    #: How long clamd may take no further bytes while it is being fed.
    idle_timeout_s: float = 30.0
    #: One scan from connecting to the answer. clamd gives up on a file by itself after 120 s (`MaxScanTime`).
    scan_timeout_s: float = 180.0
    #: How long a scan may wait for its turn.
    queue_timeout_s: float = 120.0

    def __post_init__(self) -> None:
        parse_address(self.address)
        for name in ("max_size", "max_scans", "connect_timeout_s", "idle_timeout_s", "scan_timeout_s"):
            if getattr(self, name) <= 0:
                raise ValueError(f"`{name}` must be more than nothing")
        if self.max_size > 2_000 * MIB:
            raise ValueError("`max_size` may be at most 2000 MiB: clamd scans no larger files")


def parse_address(text: str) -> Address:
    """Raises ValueError with a sentence."""
    if text.startswith("/"):
        if len(text.encode()) > 107:
            raise ValueError("the path of clamd's socket is longer than the 107 bytes that Unix sockets allow")
        return UnixAddress(text)
    host, colon, digits = text.rpartition(":")
    port = parse_int(digits)
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or port is None or not 0 < port < 65536:
        raise ValueError(f"clamd's address must be the path of its socket or host:port, not {text[:100]!r}")
    return TcpAddress(host, port)
