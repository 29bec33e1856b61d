"""What a problem is called in the REST API (contract 2.3)."""

from datetime import timedelta

import pytest

from longshore.core.errors import Busy, Conflict, Forbidden, Invalid, Problem, StorageFull, Throttled
from longshore.core.file import FileNotFound, FileRefused
from longshore.core.webhook import WebhookNotFound
from longshore.http.uploadcare.body import RequestTooLarge
from longshore.http.uploadcare.rest import error_of
from longshore.ports.secrets import SecretUnreadable


@pytest.mark.parametrize(
    ("problem", "status", "detail", "retry_after"),
    [
        (FileNotFound(), 404, "Not found.", None),
        (WebhookNotFound(), 404, "Not found.", None),
        (FileRefused(), 404, "Not found.", None),
        (Throttled(), 429, "Request was throttled. Expected available in 10 seconds.", 10),
        (
            Throttled(retry_after=timedelta(seconds=2.1)),
            429,
            "Request was throttled. Expected available in 3 seconds.",
            3,
        ),
        (Busy(), 503, "Busy, try again shortly", 5),
        (StorageFull(), 507, "There is no room left for this", 60),
        (RequestTooLarge(), 413, "The size of the request is too large.", None),
        (Conflict("No."), 409, "No.", None),
        (Invalid("No."), 400, "No.", None),
        (Forbidden("No."), 403, "No.", None),
        (SecretUnreadable(), 500, "Internal server error.", None),
    ],
)
def test_a_problem_has_a_name_here(problem: Problem, status: int, detail: str, retry_after: int | None) -> None:
    error = error_of(problem)

    assert (error.status, error.body, error.retry_after) == (status, {"detail": detail}, retry_after)
