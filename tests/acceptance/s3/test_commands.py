"""`longshore storage setup` and `longshore doctor --storage`."""

from __future__ import annotations

from uuid import uuid4

from tests.s3 import Peek
from tests.servers.ceph import Ceph, ceph_settings
from tests.servers.longshore import Longshore
from tests.servers.process import short_folder


def test_three_buckets_are_made_and_everything_demanded_holds(ceph: Ceph) -> None:
    name = f"test-{uuid4().hex[:8]}"
    buckets = {f"STORAGE__BUCKET_{part.upper()}": f"{name}-{part}" for part in ("incoming", "files", "quarantine")}
    with short_folder("longshore") as folder:
        server = Longshore(folder, {**ceph_settings(ceph, name), **buckets})
        for _ in range(2):
            assert {line["state"] for line in server.cli("storage", "setup")} == {"ok"}
        found = server.cli("doctor", "--storage")

    assert {line["what"] for line in found if line["state"] != "ok"} == set()
    assert len(found) == 18
    assert Peek(ceph.endpoint, f"{name}-files").keys() == ["longshore.json"]
    assert Peek(ceph.endpoint, f"{name}-incoming").keys() == []
    rules = Peek(ceph.endpoint, f"{name}-incoming").call("GET", query={"lifecycle": ""}).text
    assert rules.count("<Rule>") == 1, "repeating it adds nothing"


def test_without_s3_there_is_nothing_to_set_up() -> None:
    with short_folder("longshore") as folder:
        done = Longshore(folder, {}).run("storage", "setup")

    assert done.returncode == 2
    assert "LONGSHORE_STORAGE__TYPE=s3" in done.stderr
