"""The parameters of upload calls (contract 1.2): found in query and body alike, checked, and turned into ours."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl

from longshore.core.upload import METADATA_KEY_LENGTH, METADATA_KEYS, METADATA_VALUE_LENGTH
from longshore.http.uploadcare.errors import Code, UploadError

MAX_FIELDS = 1000
MAX_TAGS, MAX_TAG_LENGTH = 50, 100
_METADATA = re.compile(r"metadata\[(.*)\]", re.DOTALL)
_METADATA_KEY = re.compile(r"[A-Za-z0-9_.:-]+")
_TAG = re.compile(r"[a-z0-9_.-]+")
_ECHOED = 200
"""Longer keys are cut where a message quotes them."""

#: Texts that clients send for yes and no. What is neither, an empty text for one, counts as not said.
_TRUTHS: Mapping[str, bool] = {"1": True, "true": True, "0": False, "false": False}


class Fields:
    """Named texts, several per name possible; the last one counts, so that the body wins over the query."""

    def __init__(self) -> None:
        self._pairs: list[tuple[str, str]] = []

    def add(self, name: str, value: str) -> None:
        """Raises UploadError for null characters and for too many fields."""
        if "\0" in name or "\0" in value:
            raise UploadError(Code.NULL_CHARACTERS)
        if len(self._pairs) >= MAX_FIELDS:
            raise UploadError(Code.TOO_MANY_FIELDS)
        self._pairs.append((name, value))

    def add_encoded(self, text: bytes) -> None:
        """A query string, or a body of type application/x-www-form-urlencoded. Raises UploadError."""
        try:
            pairs = parse_qsl(text.decode("latin-1"), keep_blank_values=True, max_num_fields=MAX_FIELDS)
        except ValueError as error:
            raise UploadError(Code.TOO_MANY_FIELDS) from error
        for name, value in pairs:
            self.add(name, value)

    def get(self, name: str) -> str:
        """Empty when it was not sent."""
        return next((value for key, value in reversed(self._pairs) if key == name), "")

    def flag(self, name: str) -> bool | None:
        return _TRUTHS.get(self.get(name).lower())

    @property
    def wants_json_errors(self) -> bool:
        return bool(self.flag("jsonerrors"))

    def metadata(self) -> Mapping[str, str]:
        """All of `metadata[<key>]`. Raises UploadError naming the first that is wrong."""
        found: dict[str, str] = {}
        for name, value in self._pairs:
            match = _METADATA.fullmatch(name)
            if match is None:
                continue
            key = match[1]
            _check_metadata(key, value)
            if key in found:
                raise UploadError(Code.METADATA_KEY_DUPLICATED, key)
            found[key] = value
        if len(found) > METADATA_KEYS:
            raise UploadError(Code.METADATA_TOO_MANY, METADATA_KEYS)
        return found

    def tags(self) -> tuple[str, ...]:
        """Lower-cased, trimmed, each once, in the order of their first appearance. Raises UploadError."""
        return parse_tags(self.get("tags").split(","))


def parse_tags(texts: Iterable[str]) -> tuple[str, ...]:
    tags = tuple(dict.fromkeys(filter(None, (text.strip().lower() for text in texts))))
    if len(tags) > MAX_TAGS:
        raise UploadError(Code.TAGS_INVALID, f"a file can have at most {MAX_TAGS}")
    for tag in tags:
        if len(tag) > MAX_TAG_LENGTH or not _TAG.fullmatch(tag):
            raise UploadError(Code.TAGS_INVALID, f"`{tag[:_ECHOED]}` is not 1 to {MAX_TAG_LENGTH} of a-z 0-9 - _ .")
    return tags


def _check_metadata(key: str, value: str) -> None:
    echoed = key[:_ECHOED]
    if not key:
        raise UploadError(Code.METADATA_KEY_EMPTY)
    if len(key) > METADATA_KEY_LENGTH:
        raise UploadError(Code.METADATA_KEY_TOO_LONG, echoed, METADATA_KEY_LENGTH)
    if not _METADATA_KEY.fullmatch(key):
        raise UploadError(Code.METADATA_KEY_FORBIDDEN, echoed)
    if not value:
        raise UploadError(Code.METADATA_VALUE_EMPTY, echoed)
    if len(value) > METADATA_VALUE_LENGTH:
        raise UploadError(Code.METADATA_VALUE_TOO_LONG, echoed, METADATA_VALUE_LENGTH)
