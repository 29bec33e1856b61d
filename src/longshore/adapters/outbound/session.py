"""aiohttp, set up so that it connects to judged addresses only. Loaded with the first request, not with the process."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Generator

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from longshore import __version__
from longshore.adapters.outbound.guard import Guard
from longshore.adapters.outbound.settings import OutboundSettings
from longshore.ports.outbound import BadUrl, NoAnswer


class _JudgedAddresses(AbstractResolver):
    """aiohttp asks here for every name it connects to, and connects to what it gets. Certificates are still checked
    against the name."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=str(address),
                port=port,
                family=socket.AF_INET if address.version == 4 else socket.AF_INET6,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address in await self._guard.addresses(host)
        ]

    async def close(self) -> None:
        """Nothing is held."""


def open_session(guard: Guard, settings: OutboundSettings) -> aiohttp.ClientSession:
    context = ssl.create_default_context()
    if settings.ca_file is not None:
        context.load_verify_locations(settings.ca_file)
    connector = aiohttp.TCPConnector(
        resolver=_JudgedAddresses(guard),
        use_dns_cache=False,  # a cache could outlive a change of what is allowed
        force_close=True,  # a stale connection would fail a POST, which cannot be repeated blindly
        limit=64,
        limit_per_host=8,  # one slow receiver must not take all
        ssl=context,
    )
    return aiohttp.ClientSession(
        connector=connector,
        trust_env=False,  # a proxy would resolve names by itself
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,  # a small answer may expand to gigabytes
        # `ceil_threshold`: else aiohttp rounds longer limits up to whole seconds
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=settings.connect_timeout_s, ceil_threshold=3600),
        headers={"User-Agent": f"Longshore/{__version__}", "Accept-Encoding": "identity"},
        skip_auto_headers=["Content-Type"],
    )


@contextlib.contextmanager
def translated(host: str | None) -> Generator[None]:
    """aiohttp's errors as ours. The URL's path and query stay out of messages: they may hold secrets."""
    try:
        yield
    except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError) as e:
        raise BadUrl from e
    except aiohttp.ClientConnectorDNSError as e:
        raise NoAnswer(f"The name {host} was not found", reason="name") from e
    except (aiohttp.ClientConnectorCertificateError, aiohttp.ClientSSLError, ssl.SSLError) as e:
        raise NoAnswer(f"No secure connection to {host}: {_tls_reason(e)}", reason="tls") from e
    except TimeoutError as e:  # before OSError, of which it is one; aiohttp's are both
        raise NoAnswer(f"{host} did not answer in time", reason="slow") from e
    except aiohttp.ClientConnectorError as e:
        raise NoAnswer(f"{host} refused the connection", reason="refused") from e
    except aiohttp.ClientResponseError as e:
        raise NoAnswer(f"{host} answered something that is not HTTP", reason="nonsense") from e
    except (aiohttp.ClientError, OSError) as e:
        raise NoAnswer(f"{host} cut the connection", reason="cut") from e


def _tls_reason(error: Exception) -> str:
    cause = error.certificate_error if isinstance(error, aiohttp.ClientConnectorCertificateError) else error
    return str(getattr(cause, "verify_message", "") or getattr(cause, "reason", "") or "handshake failed")
