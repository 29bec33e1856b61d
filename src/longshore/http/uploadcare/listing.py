"""`GET /files/`: its parameters, its page, and the links to the pages beside it (contract 2.5).

Pages are bounded by moments, which are unique in a project (decision 21). `from` is where a page begins, `to` where it
ends, both exclusive and both in the direction of `ordering`; with `to` alone, the page is the one just before it, so
that `previous` leads back through the pages that `next` led through.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import quote

from longshore.core.file import File
from longshore.core.ids import ProjectId
from longshore.core.sizes import parse_int
from longshore.http.uploadcare.call import RestCall, RestError
from longshore.ports.database import FileQuery
from longshore.services.files import Files

MAX_LIMIT, DEFAULT_LIMIT = 1000, 100
MAX_OFFSET = 10_000
"""Skipping costs as much as reading; whoever goes further uses `from`."""
_ORDERINGS: Mapping[str, bool] = {"datetime_uploaded": False, "-datetime_uploaded": True}
_TRUTHS: Mapping[str, bool] = {"true": True, "1": True, "false": False, "0": False}
_KEPT = ("removed", "stored", "limit", "ordering", "include")
"""Parameters that the links to other pages repeat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What is asked for. `begins` and `ends` are `from` and `to`; `kept` are the parameters to repeat, as they came."""

    query: FileQuery
    begins: datetime | None
    ends: datetime | None
    kept: tuple[tuple[str, str], ...]

    @property
    def is_backwards(self) -> bool:
        """The page is found from its end."""
        return self.ends is not None and self.begins is None

    def between(self, begins: datetime | None, ends: datetime | None, *, limit: int, backwards: bool) -> FileQuery:
        """Files strictly between two moments, both in the direction of this list."""
        after, before = (ends, begins) if self.query.descending else (begins, ends)
        return replace(
            self.query,
            after=after,
            before=before,
            limit=limit,
            descending=self.query.descending ^ backwards,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedPage:
    """`next` and `previous` are query strings, None where there is nothing more."""

    files: Sequence[File]
    next: str | None
    previous: str | None


def parse_listing(call: RestCall, project_id: ProjectId) -> Listing:
    """Raises RestError for values that cannot be meant. Unknown parameters are ignored."""
    ordering = call.query("ordering") or "datetime_uploaded"
    if ordering not in _ORDERINGS:
        raise RestError(400, "`ordering` should be `datetime_uploaded` or `-datetime_uploaded`.")
    query = FileQuery(
        project_id=project_id,
        removed=bool(_flag(call, "removed")),
        stored=_flag(call, "stored"),
        descending=_ORDERINGS[ordering],
        limit=min(MAX_LIMIT, _number(call, "limit", DEFAULT_LIMIT, least=1)),
        offset=_number(call, "offset", 0, least=0),
    )
    if query.offset > MAX_OFFSET:
        raise RestError(400, f"`offset` can not be more than {MAX_OFFSET}. Use `from` to go further.")
    return Listing(
        query=query,
        begins=_moment(call, "from"),
        ends=_moment(call, "to"),
        kept=tuple((name, value) for name, value in call.parameters if name in _KEPT),
    )


async def listed(listing: Listing, files: Files) -> ListedPage:
    limit = listing.query.limit
    backwards = listing.is_backwards
    # One more than asked for tells whether the list goes on.
    query = listing.between(listing.begins, listing.ends, limit=limit + 1, backwards=backwards)
    found = list(await files.list(query))
    goes_on = len(found) > limit
    page = found[:limit]
    if backwards:
        page.reverse()
    if not page:
        return ListedPage(files=(), next=None, previous=None)
    first, last = page[0].uploaded_at, page[-1].uploaded_at
    if backwards:
        has_previous, has_next = goes_on, await _any(listing, files, begins=last)
    else:
        has_previous = await _any(listing, files, ends=first)
        has_next = goes_on
    return ListedPage(
        files=page,
        next=_link(listing, ("from", last), ("offset", 0)) if has_next else None,
        previous=_link(listing, ("offset", 0), ("to", first)) if has_previous else None,
    )


async def _any(listing: Listing, files: Files, *, begins: datetime | None = None, ends: datetime | None = None) -> bool:
    query = listing.between(begins, ends, limit=1, backwards=ends is not None)
    return bool(await files.list(replace(query, offset=0)))


def _link(listing: Listing, *bounds: tuple[str, datetime | int]) -> str:
    pairs = [(name, quote(value, safe="")) for name, value in listing.kept]
    for name, bound in bounds:
        text = bound.isoformat(timespec="microseconds") if isinstance(bound, datetime) else str(bound)
        pairs.append((name, quote(text, safe="")))
    return "&".join(f"{name}={value}" for name, value in pairs)


def _flag(call: RestCall, name: str) -> bool | None:
    text = (call.query(name) or "").lower()
    if text and text not in _TRUTHS:
        raise RestError(400, f"`{name}` should be `true` or `false`.")
    return _TRUTHS.get(text)


def _number(call: RestCall, name: str, default: int, *, least: int) -> int:
    text = call.query(name)
    if not text:
        return default
    number = parse_int(text)
    if number is None or number < least:
        raise RestError(400, f"`{name}` should be a whole number, {least} or more.")
    return number


def _moment(call: RestCall, name: str) -> datetime | None:
    text = (call.query(name) or "").strip()
    if not text:
        return None
    try:
        if not text.isascii():
            raise ValueError
        # A plus sign that was not encoded arrives as a space.
        moment = datetime.fromisoformat(f"{text[:10]}{text[10:].replace(' ', '+') if len(text) > 19 else text[10:]}")
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise RestError(400, f"`{name}` should be a date and time in ISO 8601.") from error
