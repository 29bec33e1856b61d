"""The private nginx serves what the test configures, as root and as anybody."""

import urllib.request
from collections.abc import Callable

import pytest

from tests.servers.nginx import Nginx
from tests.servers.process import ServerFailed, is_listening

_GREETING = 'server { listen 127.0.0.1:@PORT@; location / { return 200 "hello"; } }'


def _body(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return answer.read()


def test_nginx_serves_the_given_configuration(nginx: Callable[[str], Nginx]) -> None:
    assert _body(nginx(_GREETING).url) == b"hello"


def test_nginx_reads_files_of_its_private_folder(nginx: Callable[[str], Nginx]) -> None:
    """Its workers must be able to enter a 0700 folder."""
    server = nginx("server { listen 127.0.0.1:@PORT@; root @DIR@/files; }")
    (server.folder / "files").mkdir()
    (server.folder / "files" / "a.bin").write_bytes(b"content")

    assert _body(f"{server.url}/a.bin") == b"content"


def test_reload_takes_a_new_configuration(nginx: Callable[[str], Nginx]) -> None:
    server = nginx(_GREETING)
    server.configure(_GREETING.replace("hello", "changed"))
    server.reload()

    assert {_body(server.url) for _ in range(10)} == {b"changed"}


def test_two_servers_stand_side_by_side_and_stop_alone(nginx: Callable[[str], Nginx]) -> None:
    first, second = nginx(_GREETING), nginx(_GREETING)
    first.stop()

    assert not is_listening(first.port)
    assert _body(second.url) == b"hello"


def test_a_wrong_configuration_fails_with_nginx_own_words(nginx: Callable[[str], Nginx]) -> None:
    with pytest.raises(ServerFailed, match='unknown directive "nonsense"'):
        nginx("nonsense on;")
