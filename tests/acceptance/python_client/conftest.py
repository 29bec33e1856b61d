"""A project for these tests alone, with two kinds."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from longshore_client import LongshoreClient
from tests.servers.longshore import Longshore, ProjectKeys

KINDS = """
[avatar]
accept = ["image/jpeg", "image/png"]
size = "5 MB"

[contract]
visibility = "private"
"""


@pytest.fixture(scope="session")
def keys(server: Longshore) -> ProjectKeys:
    keys = server.new_project("python-client")
    kinds = server.folder / "python-client.toml"
    kinds.write_text(KINDS)
    server.cli("kind", "apply", str(kinds), "--project", keys.name)
    return keys


@pytest.fixture
async def client(server: Longshore, keys: ProjectKeys) -> AsyncGenerator[LongshoreClient]:
    async with LongshoreClient(server.url, key=keys.secret_key) as client:
        yield client
