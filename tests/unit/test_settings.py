"""Settings: a wrong one stops the start with one sentence that names it."""

from pathlib import Path

import pytest

from longshore.adapters.sql.postgres import BadDatabaseUrl
from longshore.adapters.sql.postgres.settings import parameters
from longshore.wiring.settings import Clamd, DiskChoice, NoScanner, PostgresChoice, SettingsInvalid, SqliteChoice, load


def test_without_anything_the_defaults_hold() -> None:
    settings = load({})

    assert (settings.host, settings.port, settings.data_dir) == ("127.0.0.1", 8700, Path("longshore-data"))
    assert isinstance(settings.scanner, NoScanner)


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "longshore.toml"
    file.write_text('port = 1\nhost = "::1"\n[scanner]\ntype = "clamd"\naddress = "/run/clamd"\n')

    settings = load({"LONGSHORE_PORT": "2", "LONGSHORE_SCANNER__ADDRESS": "127.0.0.1:3310"}, file)
    assert (settings.host, settings.port) == ("::1", 2)
    assert isinstance(settings.scanner, Clamd)
    assert settings.scanner.address == "127.0.0.1:3310"


def test_a_setting_of_the_usual_database_needs_no_type() -> None:
    settings = load({"LONGSHORE_DATABASE__BATCH_ROWS": "1", "LONGSHORE_STORAGE__THREADS": "2"})

    assert settings.database == SqliteChoice(batch_rows=1)
    assert settings.storage == DiskChoice(threads=2)


def test_lists_are_separated_by_commas() -> None:
    assert load({"LONGSHORE_OUTBOUND__ALLOW": "a.test,10.0.0.0/8"}).outbound.allow == ("a.test", "10.0.0.0/8")


def test_the_clients_own_variables_are_not_settings() -> None:
    load({"LONGSHORE_URL": "http://a", "LONGSHORE_SECRET_KEY": "s", "LONGSHORE_PYTHON": "/usr/bin/python3"})


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"LONGSHORE_PORT": "x"}, "LONGSHORE_PORT (port = 'x'): Expected `int`"),
        ({"LONGSHORE_PORT": "70000"}, "LONGSHORE_PORT (port = '70000'): Expected `int` <= 65535"),
        ({"LONGSHORE_PROT": "1"}, "LONGSHORE_PROT (prot = '1'): there is no such setting"),
        ({"LONGSHORE_LOG__LEVLE": "info"}, "LONGSHORE_LOG__LEVLE (log.levle = 'info'): there is no such setting"),
        ({"LONGSHORE_LOG__LEVEL": "loud"}, "LONGSHORE_LOG__LEVEL (log.level = 'loud'): Invalid enum value"),
        ({"LONGSHORE_SCANNER__TYPE": "magic"}, "LONGSHORE_SCANNER__TYPE"),
        ({"LONGSHORE_SCANNER__TYPE": "clamd"}, "address"),
        ({"LONGSHORE_PORT__X": "1", "LONGSHORE_PORT": "1"}, "LONGSHORE_PORT"),
        ({"LONGSHORE_OUTBOUND__ALLOW": "10.0.0.1/8"}, "10.0.0.1/8"),
        ({"LONGSHORE_CONFIG": "/nowhere.toml"}, "cannot be read"),
    ],
)
def test_a_wrong_setting_is_named_in_one_sentence(environment: dict[str, str], says: str) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        load(environment)

    assert says in caught.value.detail
    assert "\n" not in caught.value.detail


def test_a_file_that_is_not_toml_says_where(tmp_path: Path) -> None:
    file = tmp_path / "longshore.toml"
    file.write_text("port = = 1")

    with pytest.raises(SettingsInvalid, match="line 1"):
        load({}, file)


def test_postgresql_is_chosen_by_its_type_and_needs_an_address() -> None:
    chosen = load({"LONGSHORE_DATABASE__TYPE": "postgres", "LONGSHORE_DATABASE__URL": "postgresql://app@db/longshore"})
    assert isinstance(chosen.database, PostgresChoice)
    with pytest.raises(SettingsInvalid, match="url"):
        load({"LONGSHORE_DATABASE__TYPE": "postgres"})


def test_a_bad_address_of_the_database_is_not_quoted() -> None:
    """It may hold a password."""
    for url in ("postgresql://app:hush hush@db:x/y", "hush"):
        with pytest.raises(BadDatabaseUrl) as bad:
            parameters(url)
        assert "hush" not in bad.value.detail
