"""What every test may use. Fixtures of one sort of test live in that folder's own conftest."""

pytest_plugins = ["tests.servers.plugin", "tests.summary"]
