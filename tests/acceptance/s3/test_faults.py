"""The store goes away and comes back: clear answers meanwhile, nothing lost."""

from __future__ import annotations

import pytest

from tests.acceptance.driver import Native, refused, until
from tests.acceptance.s3.conftest import on_s3
from tests.servers.ceph import Ceph
from tests.servers.clamd import Clamd


def test_a_store_that_goes_away_and_comes_back_costs_nothing(ceph_to_break: Ceph, clamd: Clamd) -> None:
    patience = {"STORAGE__ATTEMPTS": "2"}
    with on_s3(ceph_to_break, clamd, patience) as (server, _), Native(server) as native:
        before = native.brought(b"before", type="text/plain")
        assert native.deliver(before["id"]).content == b"before"
        sent = native.sent(b"sent", type="text/plain")

        ceph_to_break.kill_gateway()
        assert native.http.get("/readyz").status_code == 503
        answer = native.confirm(sent)
        refused(answer, 503, "upstream", "The object store does not answer")
        assert native.deliver(before["id"], headers={"accept": "*/*"}).status_code == 503
        asked = native.request(b"asked", type="text/plain")  # links are arithmetic

        ceph_to_break.start_gateway()
        until(lambda: native.http.get("/readyz").status_code, lambda status: status == 200)
        assert native.confirm(sent).status_code == 200
        assert native.settle(sent)["state"] == "ready"
        assert native.send(asked, b"asked").status_code == 200
        assert native.deliver(before["id"]).content == b"before"


@pytest.mark.slow
def test_a_check_that_a_dead_store_interrupts_is_made_later(ceph_to_break: Ceph, clamd: Clamd) -> None:
    with on_s3(ceph_to_break, clamd, {"STORAGE__ATTEMPTS": "1"}) as (server, _), Native(server) as native:
        content = bytes(3_000_000)
        upload = native.sent(content)
        assert native.confirm(upload).status_code == 200
        ceph_to_break.kill_gateway()
        ceph_to_break.start_gateway()

        assert native.settle(upload, within=60)["state"] == "ready"
        assert native.deliver(upload.id).content == content


def test_a_frozen_store_is_given_up_in_time(ceph_to_break: Ceph, clamd: Clamd) -> None:
    settings = {"STORAGE__ATTEMPTS": "2", "STORAGE__IDLE_TIMEOUT_S": "0.5"}
    with on_s3(ceph_to_break, clamd, settings) as (server, _), Native(server) as native:
        sent = native.sent(b"sent", type="text/plain")
        ceph_to_break.pause()
        refused(native.confirm(sent), 503, "upstream", "The object store does not answer")
        ceph_to_break.resume()

        assert until(lambda: native.confirm(sent).status_code, lambda status: status == 200)
        assert native.settle(sent)["state"] == "ready"


def test_a_store_that_was_not_set_up_or_refuses_us_stops_the_start_with_a_sentence(ceph: Ceph, clamd: Clamd) -> None:
    with on_s3(ceph, clamd) as (server, _):
        server.process.stop()
        for name, value, sentence in (
            ("STORAGE__BUCKET", "no-such-bucket", "does not exist; `longshore storage setup` makes it"),
            ("STORAGE__SECRET_KEY", "wrong", "does not accept our access key and secret key"),
            ("STORAGE__ACCESS_KEY", "nobody", "does not accept our access key and secret key"),
            ("STORAGE__ENDPOINT", "http://127.0.0.1:9", "The object store does not answer"),
        ):
            kept, server.settings[name] = server.settings[name], value
            done = server.run("serve")
            server.settings[name] = kept
            assert done.returncode == 75
            [line] = done.stderr.strip().splitlines()
            assert sentence in line
            assert "wrong" not in line
