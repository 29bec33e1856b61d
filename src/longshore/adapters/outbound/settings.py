"""What the operator may say about requests to the outside."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable

import msgspec

from longshore.adapters.outbound.addresses import Address, Network

_HOST = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*")


class OutboundSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`allow` exempts from the address check (decision 32): host names (`hooks.internal`), addresses, CIDR networks.

    A name is exempt whatever it resolves to. `ca_file` is a PEM file of certificate authorities that are trusted
    besides the system's.
    """

    allow: tuple[str, ...] = ()
    """Host names, addresses and networks that are called although they are not public, separated by commas."""
    connect_timeout_s: float = 10.0
    """How long connecting may take; resolving the name falls under the whole call's limit."""
    ca_file: str | None = None
    """A PEM file of certificate authorities trusted besides the system's."""

    def __post_init__(self) -> None:
        Exempt(self.allow)
        if self.connect_timeout_s <= 0:
            raise ValueError("`connect_timeout_s` must be more than nothing")


class Exempt:
    """The operator's allow list, ready for questions. Raises ValueError with a sentence naming the wrong entry."""

    def __init__(self, entries: Iterable[str]) -> None:
        self._networks: list[Network] = []
        self._hosts: set[str] = set()
        for entry in entries:
            try:
                self._networks.append(ipaddress.ip_network(entry))
            except ValueError as e:
                host = entry.lower().rstrip(".")
                # `10.0.0.1/8` and `10.0.0` are mistakes, not names
                if not _HOST.fullmatch(host) or host.rpartition(".")[2].isdigit():
                    raise ValueError(
                        f"`allow` takes host names, addresses and networks such as 10.1.0.0/16, not {entry[:100]!r}"
                    ) from e
                self._hosts.add(host)

    def host(self, host: str) -> bool:
        return host.lower().rstrip(".") in self._hosts

    def address(self, address: Address) -> bool:
        return any(address in network for network in self._networks)
