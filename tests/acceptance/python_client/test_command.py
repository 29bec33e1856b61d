"""`longshore upload`, as people and scripts call it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import corpus
from tests.servers.longshore import SOURCES, Longshore, ProjectKeys


class Command:
    def __init__(self, server: Longshore, keys: ProjectKeys) -> None:
        self.keys = keys
        self.environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "PYTHONPATH": f"{SOURCES / 'src'}:{SOURCES / 'clients/python/src'}",
            "LONGSHORE_URL": server.url,
            "LONGSHORE_SECRET_KEY": keys.secret_key,
        }

    def __call__(self, *arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-W", "error", "-m", "longshore.cli", "upload", *map(str, arguments)],
            env={**self.environment, **variables},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@pytest.fixture
def upload(server: Longshore, keys: ProjectKeys) -> Command:
    return Command(server, keys)


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """Two photographs and a text, one of them in a folder of its own."""
    (tmp_path / "album" / "more").mkdir(parents=True)
    (tmp_path / "album" / "a.jpg").write_bytes(corpus.photo_jpeg(64, 48, 1))
    (tmp_path / "album" / "b.jpg").write_bytes(corpus.photo_jpeg(64, 48, 2))
    (tmp_path / "album" / "more" / "c.txt").write_text("hello")
    return tmp_path / "album"


def test_files_and_folders_are_uploaded_and_listed(upload: Command, album: Path) -> None:
    done = upload(album, album / "a.jpg")

    assert (done.returncode, done.stderr) == (0, "")
    lines = sorted(line.split("  ") for line in done.stdout.splitlines())
    assert {Path(path).name for _, path, _ in lines} == {"a.jpg", "b.jpg", "c.txt"}
    assert len(lines) == 3
    assert all(url.startswith(upload.environment["LONGSHORE_URL"] + "/" + uuid) for uuid, _, url in lines)


def test_everything_that_can_be_said_is_said(upload: Command, album: Path) -> None:
    options = "--kind avatar --record user/88 --position 5 --uploader u-88 --group premium --store --parallel 2 --json"

    done = upload(album / "a.jpg", album / "b.jpg", *options.split(), "--metadata", "a=b=c", "--metadata", "d=e")

    assert done.returncode == 0, done.stderr
    files: list[dict[str, Any]] = [item["file"] for item in json.loads(done.stdout)]
    assert [(file["name"], file["position"], file["record"]) for file in files] == [
        ("a.jpg", 5, "user/88"),
        ("b.jpg", 6, "user/88"),
    ]
    assert all(file["stored_at"] for file in files)
    assert (files[0]["kind"], files[0]["uploader"], files[0]["group"]) == ("avatar", "u-88", "premium")
    assert files[0]["metadata"] == {"a": "b=c", "d": "e"}


def test_one_that_is_refused_stops_no_other_and_shows_in_the_exit_code(upload: Command, album: Path) -> None:
    (album / "broken.jpg").write_bytes(corpus.truncated(corpus.photo_jpeg(640, 480, 1)))

    done = upload(album, "--json")

    assert done.returncode == 1
    items = {Path(item["path"]).name: item for item in json.loads(done.stdout)}
    assert items["a.jpg"]["file"]["state"] == "ready"
    assert items["broken.jpg"]["file"] is None
    assert items["broken.jpg"]["error"]["code"] == "broken-media"
    assert "broken.jpg: " in done.stderr
    assert "Traceback" not in done.stderr


def test_without_waiting_it_answers_before_the_check(upload: Command, album: Path) -> None:
    done = upload(album / "more" / "c.txt", "--no-wait", "--json")

    assert done.returncode == 0
    assert json.loads(done.stdout)[0]["file"]["state"] in ("checking", "ready")


@pytest.mark.parametrize(
    ("arguments", "variables", "told"),
    [
        (["missing.jpg"], {}, "no file or folder missing.jpg"),
        ([], {}, "PATH..."),
        (["{album}", "--metadata", "novalue"], {}, "KEY=VALUE"),
        (["{album}", "--key", "a", "--token", "b"], {}, "one of --key"),
        (["{album}"], {"LONGSHORE_SECRET_KEY": ""}, "Who uploads?"),
        (["{album}"], {"LONGSHORE_URL": "nonsense"}, "base_url"),
        (["{empty}"], {}, "no files"),
        (["{album}", "--parallel", "0"], {}, "--parallel"),
    ],
)
def test_a_wrong_command_line_is_told_with_exit_code_2(
    upload: Command, album: Path, tmp_path: Path, arguments: list[str], variables: dict[str, str], told: str
) -> None:
    (tmp_path / "empty").mkdir()
    given = [one.format(album=album, empty=tmp_path / "empty") for one in arguments]

    done = upload(*given, **variables)

    assert done.returncode == 2
    assert told in " ".join(done.stderr.replace("│", "").split())


def test_the_command_line_wins_over_the_environment(upload: Command, album: Path) -> None:
    done = upload(album / "a.jpg", "--key", "wrong")

    assert done.returncode == 1
    assert "unauthenticated" in done.stderr
    assert upload(album / "a.jpg", "--public-key", upload.keys.public_key).returncode == 0
    around = {"LONGSHORE_SECRET_KEY": "", "LONGSHORE_PUBLIC_KEY": upload.keys.public_key}
    assert upload(album / "a.jpg", **around).returncode == 0


def test_a_name_that_steers_terminals_is_shown_harmless(upload: Command, album: Path) -> None:
    nasty = album / "a\x1b[2Jb.txt"
    nasty.write_text("x")

    done = upload(nasty)

    assert done.returncode == 1
    assert "\x1b" not in done.stdout + done.stderr
