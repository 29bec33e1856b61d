"""The one guard between us and addresses that outsiders name (decision 32).

A URL is parsed once, by the parser that also makes the connection. A host that is an address is judged at once; a name
is resolved once, all its addresses are judged, and only those are connected to: a second look at DNS, which could say
something else by then, does not happen.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from yarl import URL

from longshore.adapters.outbound import addresses
from longshore.adapters.outbound.settings import Exempt
from longshore.ports.outbound import AddressForbidden, BadUrl

#: Addresses of a host name, as text. Raises OSError when there is none.
Resolve = Callable[[str], Awaitable[Sequence[str]]]

_MAX_URL = 8192
#: Not even spaces: parsers disagree on what they drop. A backslash is a slash to some.
_UNFIT = re.compile(r"[\x00-\x20\x7f\\]")
_AUTHORITY = re.compile(r"[a-z]+://([^/?#]*)", re.IGNORECASE)
_NAME = re.compile(r"(?=.{1,253}\.?$)([a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}\.?")


class Guard:
    """`resolve` replaces the system's name resolution, for tests."""

    def __init__(self, exempt: Exempt, resolve: Resolve | None = None) -> None:
        self._exempt = exempt
        self._system = SystemResolver()
        self._resolve = resolve or self._system

    def target(self, url: str) -> URL:
        """`url` parsed. Raises BadUrl, and AddressForbidden when its host is an address that is not public."""
        if len(url) > _MAX_URL or _UNFIT.search(url):
            raise BadUrl("The URL is too long or holds spaces, control characters or backslashes")
        try:
            parsed = URL(url)
            host, port = parsed.raw_host, parsed.port
        except ValueError as e:
            raise BadUrl from e
        if parsed.scheme not in ("http", "https") or not host:
            raise BadUrl("The URL must begin with http:// or https:// and name a host")
        # the parser drops an empty user name and takes `[name]` for a name: the text itself is looked at
        authority = _AUTHORITY.match(url)
        if parsed.raw_user is not None or authority is None or "@" in authority[1]:
            raise BadUrl("The URL must not hold a user name or password")
        if "[" in authority[1] and ":" not in host:
            raise BadUrl("The URL's host is neither a name nor an address")
        if not port:
            raise BadUrl("The URL's port is not valid")
        self._check_literal(host)
        return parsed.with_fragment(None)

    async def addresses(self, host: str) -> list[addresses.Address]:
        """What `host`, a name, resolves to: every address judged. Raises OSError, AddressForbidden."""
        found = [ipaddress.ip_address(text) for text in await self._resolve(host)]
        if not found:
            raise OSError(f"{host} has no address")
        if not self._exempt.host(host):
            for address in found:
                self._check(address, host)
        return found

    def close(self) -> None:
        self._system.close()

    def _check_literal(self, host: str) -> None:
        try:
            address = addresses.literal(host)
        except ValueError as e:
            raise BadUrl("The URL's host is neither a name nor an address") from e
        if address is None:
            if not _NAME.fullmatch(host.lower()):
                raise BadUrl("The URL's host is not a valid name")
        else:
            self._check(address, host)
            if not addresses.is_canonical(host, address):
                raise BadUrl("An address must be written as four decimal numbers")

    def _check(self, address: addresses.Address, host: str) -> None:
        why = addresses.forbidden(address)
        if why is not None and not self._exempt.address(address):
            # the address itself is not told: whoever asks could map our network by it
            raise AddressForbidden(f"{host} leads to an address that is not public ({why})", host=host)


class SystemResolver:
    """The system's own resolution, in threads of its own: slow name servers must not hold up other work."""

    def __init__(self, threads: int = 8) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="resolve")

    async def __call__(self, host: str) -> Sequence[str]:
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._threads, _getaddrinfo, host)
        return list(dict.fromkeys(found))

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _getaddrinfo(host: str) -> list[str]:
    return [str(sockaddr[0]) for *_, sockaddr in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]
