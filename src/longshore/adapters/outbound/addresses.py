"""Which addresses are public. Pure arithmetic over the IANA special-purpose registries (RFC 6890 and successors).

Not `ipaddress.is_global`: its answers changed between patch releases of Python, and it looks into none of the ways in
which IPv6 carries an IPv4 address.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_FORBIDDEN_4 = {
    ipaddress.IPv4Network(network): word
    for network, word in {
        "0.0.0.0/8": "unspecified",
        "10.0.0.0/8": "private",
        "100.64.0.0/10": "carrier-grade NAT",
        "127.0.0.0/8": "loopback",
        "169.254.0.0/16": "link-local",
        "172.16.0.0/12": "private",
        "192.0.0.0/24": "reserved",
        "192.0.2.0/24": "documentation",
        "192.31.196.0/24": "reserved",
        "192.52.193.0/24": "reserved",
        "192.88.99.0/24": "6to4 relay",
        "192.168.0.0/16": "private",
        "192.175.48.0/24": "reserved",
        "198.18.0.0/15": "benchmarking",
        "198.51.100.0/24": "documentation",
        "203.0.113.0/24": "documentation",
        "224.0.0.0/4": "multicast",
        "240.0.0.0/4": "reserved",
    }.items()
}
#: All of IPv6 that is given to anybody (RFC 4291); the rest is loopback, link-local, unique local, multicast, unused.
_GLOBAL_6 = ipaddress.IPv6Network("2000::/3")
_FORBIDDEN_6 = {
    ipaddress.IPv6Network(network): word
    for network, word in {
        "2001::/32": "Teredo",
        "2001::/23": "reserved",
        "2001:db8::/32": "documentation",
        "2002::/16": "6to4",
        "2620:4f:8000::/48": "reserved",
        "3fff::/20": "documentation",
    }.items()
}
_OUTSIDE_6 = {
    ipaddress.IPv6Network(network): word
    for network, word in {
        "::/128": "unspecified",
        "::1/128": "loopback",
        "::ffff:0:0/96": "IPv4-mapped",
        "::ffff:0:0:0/96": "IPv4-translated",
        "::/96": "IPv4-compatible",
        "64:ff9b:1::/48": "local NAT64",
        "fc00::/7": "private",
        "fe80::/10": "link-local",
        "fec0::/10": "site-local",
        "ff00::/8": "multicast",
    }.items()
}
#: NAT64's well-known prefix (RFC 6052). Where there is only IPv6, every public IPv4 host is reached through it.
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
#: ISATAP (RFC 5214): the interface identifier, with its universal bit either way, carries an IPv4 address.
_ISATAP = (0x0000_5EFE, 0x0200_5EFE)


def forbidden(address: Address) -> str | None:
    """A word for why `address` is not public; None when it is."""
    if isinstance(address, ipaddress.IPv4Address):
        return _first(_FORBIDDEN_4, address)
    if address.scope_id is not None:
        return "link-local"
    if address in _NAT64:
        return _first(_FORBIDDEN_4, ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
    if address not in _GLOBAL_6:
        return _first(_OUTSIDE_6, address) or "reserved"
    if int(address) >> 32 & 0xFFFF_FFFF in _ISATAP:
        return "ISATAP"
    return _first(_FORBIDDEN_6, address)


def literal(host: str) -> Address | None:
    """The address that `host` is, in any notation that a resolver takes for one; None when it is a name.

    `2130706433`, `0x7f.1`, `0177.0.0.1` and `127.1` are all 127.0.0.1 to the C library. Raises ValueError for what
    ends like a number and is no address.
    """
    if ":" in host:
        return ipaddress.IPv6Address(host)
    last = host.rstrip(".").rpartition(".")[2].lower()
    if not (last.isdigit() or (last.startswith("0x") and all(c in "0123456789abcdef" for c in last[2:]))):
        return None
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host.rstrip(".")))
    except OSError as e:
        raise ValueError(f"{host} is not an address") from e


def is_canonical(host: str, address: Address) -> bool:
    """Whether `host` is `address` in its usual notation."""
    return isinstance(address, ipaddress.IPv6Address) or str(address) == host


def _first(
    table: Mapping[ipaddress.IPv4Network, str] | Mapping[ipaddress.IPv6Network, str], address: Address
) -> str | None:
    return next((word for network, word in table.items() if address in network), None)
