"""The examples of the client's README are run as they stand there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests import corpus
from tests.servers.longshore import SOURCES, Longshore, ProjectKeys

README = (SOURCES / "clients/python/README.md").read_text()
EXAMPLES = re.findall(r"^## (.+?)$.*?^```python\n(.+?)^```$", README, re.DOTALL | re.MULTILINE)
PRINTED = [
    r"[0-9a-f-]{36} 320 http://\S+\nhttp://\S+token=",
    r"sending 0\n(.*\n)*ready 100\n[0-9a-f-]{36} [0-9a-f]{64}\nFile\(.*\n.*No such file",
    r"avatar user/42 u-42",
]


def test_there_are_three_examples() -> None:
    assert len(EXAMPLES) == 3


@pytest.mark.parametrize(
    ("example", "printed"),
    [(example, printed) for (_, example), printed in zip(EXAMPLES, PRINTED, strict=True)],
    ids=[title for title, _ in EXAMPLES],
)
def test_example(
    server: Longshore,
    keys: ProjectKeys,
    example: str,
    printed: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LONGSHORE_SECRET_KEY", keys.secret_key)
    monkeypatch.setenv("LONGSHORE_PUBLIC_KEY", keys.public_key)
    Path("holiday.jpg").write_bytes(corpus.photo_jpeg(320, 240, 1))

    exec(compile(example.replace("https://files.example.com", server.url), "README.md", "exec"), {})

    assert re.search(printed, capsys.readouterr().out)
