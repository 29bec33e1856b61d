"""`GET /files/`: pages, links, totals (contract 2.5)."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.acceptance.uploadcare.wire import Wire
from tests.servers.longshore import Longshore


@pytest.fixture(scope="module")
def shelf(server: Longshore) -> Iterator[Wire]:
    """Seven files: 0 to 6 in the order of upload; 5 is not stored, 6 is removed."""
    with Wire(server.url, server.new_project("listing")) as wire:
        ids = [wire.uploaded(str(n), b"x", ("UPLOADCARE_STORE", "0" if n == 5 else "1")) for n in range(7)]
        wire.rest("DELETE", f"/files/{ids[6]}/storage/")
        yield wire


def names(page: dict[str, Any]) -> str:
    return "".join(file["original_filename"] for file in page["results"])


def listed(wire: Wire, query: str = "") -> dict[str, Any]:
    answer = wire.rest("GET", f"/files/{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def followed(wire: Wire, link: str) -> dict[str, Any]:
    assert link.startswith(f"{wire.url}/files/?")
    return listed(wire, link.removeprefix(f"{wire.url}/files/"))


def escaped(moment: str) -> str:
    return moment.replace("Z", "+00:00").replace(":", "%3A").replace("+", "%2B")


def test_a_list_has_the_contracts_shape(shelf: Wire) -> None:
    page = listed(shelf)

    assert list(page) == ["next", "previous", "total", "totals", "per_page", "results"]
    assert (page["next"], page["previous"], page["per_page"]) == (None, None, 100)
    assert (page["total"], page["totals"]) == (6, {"removed": 1, "stored": 5, "unstored": 1})
    assert names(page) == "012345"
    assert page["results"][0] == shelf.rest("GET", f"/files/{page['results'][0]['uuid']}/").json()


@pytest.mark.parametrize(
    ("query", "shown", "total"),
    [
        ("?stored=true", "01234", 5),
        ("?stored=True&removed=False", "01234", 5),
        ("?stored=0", "5", 1),
        ("?removed=1", "6", 1),
        ("?removed=true&stored=", "6", 1),
        ("?ordering=-datetime_uploaded", "543210", 6),
        ("?limit=2&offset=3", "34", 6),
        ("?limit=5000", "012345", 6),
        ("?query_parameters=%7B%27limit%27%3A+1%7D", "012345", 6),
    ],
)
def test_lists_are_filtered_and_ordered(shelf: Wire, query: str, shown: str, total: int) -> None:
    page = listed(shelf, query)

    assert (names(page), page["total"]) == (shown, total)


def test_next_and_previous_are_spelt_as_recorded(shelf: Wire) -> None:
    first = listed(shelf, "?limit=2&ordering=-datetime_uploaded")
    last = escaped(first["results"][-1]["datetime_uploaded"])
    assert first["next"] == f"{shelf.url}/files/?limit=2&ordering=-datetime_uploaded&from={last}&offset=0"
    assert first["previous"] is None

    second = followed(shelf, first["next"])
    begin = escaped(second["results"][0]["datetime_uploaded"])
    assert second["previous"] == f"{shelf.url}/files/?limit=2&ordering=-datetime_uploaded&offset=0&to={begin}"


@pytest.mark.parametrize("ordering", ["datetime_uploaded", "-datetime_uploaded"])
def test_pages_lead_there_and_back(shelf: Wire, ordering: str) -> None:
    page = listed(shelf, f"?limit=2&ordering={ordering}&stored=&unknown=1")
    there = [names(page)]
    while page["next"]:
        page = followed(shelf, page["next"])
        there.append(names(page))
    back = [names(page)]
    while page["previous"]:
        page = followed(shelf, page["previous"])
        back.append(names(page))

    assert "".join(there) == ("012345" if ordering[0] != "-" else "543210")
    assert back == there[::-1]
    assert [len(part) for part in there] == [2, 2, 2]


def test_bounds_are_exclusive_and_a_bare_plus_is_understood(shelf: Wire) -> None:
    moments = [file["datetime_uploaded"] for file in listed(shelf)["results"]]

    assert names(listed(shelf, f"?from={moments[1]}")) == "2345"
    assert names(listed(shelf, f"?from={moments[1].replace('Z', '+00:00')}")) == "2345"
    assert names(listed(shelf, f"?from={moments[1]}&to={moments[4]}")) == "23"
    assert names(listed(shelf, f"?to={moments[4]}&limit=2")) == "23"
    assert names(listed(shelf, f"?from={moments[3]}&ordering=-datetime_uploaded")) == "210"
    assert names(listed(shelf, "?from=2016-09-30")) == "012345"
    assert names(listed(shelf, "?from=2999-01-01T00:00:00")) == ""


@pytest.mark.parametrize(
    "query",
    [
        "?limit=0",
        "?limit=-1",
        "?limit=%D9%A3",
        "?limit=1e3",
        f"?limit={1 << 63}",
        "?offset=-1",
        "?offset=10001",
        f"?offset={1 << 63}",
        "?from=yesterday",
        "?from=%D9%A2016-09-30",
        "?from=0001-01-01T00:00:00%2B14:00",
        "?to=2016-13-30",
        "?stored=maybe",
        "?ordering=size",
        "?" + "&".join(f"p{n}=1" for n in range(200)),
    ],
)
def test_values_that_cannot_be_meant_are_refused(shelf: Wire, query: str) -> None:
    answer = shelf.rest("GET", f"/files/{query}")

    assert answer.status_code == 400
    assert list(answer.json()) == ["detail"]


def test_an_empty_project_lists_nothing(server: Longshore) -> None:
    with Wire(server.url, server.new_project("empty")) as wire:
        assert listed(wire) == {
            "next": None,
            "previous": None,
            "total": 0,
            "totals": {"removed": 0, "stored": 0, "unstored": 0},
            "per_page": 100,
            "results": [],
        }
