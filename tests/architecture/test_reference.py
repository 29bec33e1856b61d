"""The reference is made from the code, complete, and committed as it would be made now."""

import re
from pathlib import Path

import pytest

from longshore.cli.reference import operations, pages, problems, table
from longshore.core.job import POLICIES, JobKind

FOLDER = Path(__file__).parents[2] / "docs" / "reference"


@pytest.mark.parametrize("name", sorted(pages()))
def test_the_page_is_as_the_code_says(name: str) -> None:
    """`./run docs` makes it again."""
    assert (FOLDER / name).read_text(encoding="utf-8") == pages()[name]


def test_every_setting_says_what_it_means() -> None:
    rows = re.findall(r"^\| `(LONGSHORE_\w+)`.*?\|.*?\| (.*) \|$", pages()["settings.md"], re.MULTILINE)

    assert len(rows) > 30
    assert [name for name, meaning in rows if not meaning.strip()] == []


def test_every_problem_that_an_operation_names_is_among_the_errors() -> None:
    known = set(problems())

    assert [problem for one in table() for problem in one.problems if problem not in known] == []


def test_every_problem_has_a_code_and_a_sentence_of_its_own() -> None:
    vague = [kind for kind in problems() if not kind.title or kind.title == "Something went wrong"]

    assert [kind.__name__ for kind in vague if kind.code != "problem"] == []


def test_every_job_kind_has_a_policy_and_every_url_operation_a_sentence() -> None:
    assert set(POLICIES) == set(JobKind)
    assert [kind.__name__ for kind in operations() if not kind.__doc__] == []
