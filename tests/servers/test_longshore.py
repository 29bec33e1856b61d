"""The server fixture itself: it starts as a user would start it, and its commands see the same data."""

from tests.servers.longshore import Longshore, running_longshore


def test_the_server_starts_with_a_demo_project(server: Longshore) -> None:
    assert server.demo.name == "demo"
    assert server.demo.public_key
    assert server.demo.secret_key


def test_a_second_start_finds_everything_again() -> None:
    with running_longshore() as server:
        before = server.demo
        server.process.stop()
        server.process.start()
        assert server.cli("project", "show", "demo")["secret_key"] == before.secret_key


def test_a_second_server_on_the_same_folder_is_refused(server: Longshore) -> None:
    done = server.run("serve")

    assert done.returncode == 4
    assert "being served already" in done.stderr
