"""Reading and writing the XML that S3 speaks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"


class BadXml(ValueError):
    """The store did not answer with the XML that was expected."""


class Node:
    """An element, its children by local name: stores differ in whether they write S3's namespace."""

    def __init__(self, element: ET.Element) -> None:
        self._element = element

    @property
    def name(self) -> str:
        return self._element.tag.rpartition("}")[2]

    def all(self, name: str) -> Iterator[Node]:
        """The children of that name."""
        return (Node(child) for child in self._element if child.tag.rpartition("}")[2] == name)

    def text(self, name: str) -> str:
        """The text of the first child of that name; empty when there is none."""
        return next((child.content for child in self.all(name)), "")

    def number(self, name: str) -> int:
        """Raises BadXml."""
        try:
            return int(self.text(name))
        except ValueError as e:
            raise BadXml(f"{name} is no number") from e

    def written(self) -> str:
        """As it was, but for attributes."""
        if len(self._element) == 0:
            return leaf(self.name, self.content)
        return element(self.name, *(Node(child).written() for child in self._element))

    @property
    def content(self) -> str:
        return (self._element.text or "").strip()


def parse(body: bytes) -> Node:
    """Raises BadXml. A document type, which could hold entities without end, is not XML that S3 speaks."""
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise BadXml("a document type")
    try:
        return Node(ET.fromstring(body))  # noqa: S314 -- no document type, see above
    except ET.ParseError as e:
        raise BadXml(str(e)) from e


def error_code(body: bytes) -> str:
    """The code of an error document, such as `NoSuchKey`; empty when it is none."""
    try:
        root = parse(body)
    except BadXml:
        return ""
    return root.text("Code") if root.name == "Error" else ""


def element(name: str, *children: str, **attributes: str) -> str:
    """`children` are elements, or made by `text`."""
    given = "".join(f' {key}="{escape(value)}"' for key, value in attributes.items())
    return f"<{name}{given}>{''.join(children)}</{name}>"


def leaf(name: str, value: str | int) -> str:
    return element(name, escape(str(value)))


def document(name: str, *children: str) -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8"?>{element(name, *children, xmlns=NAMESPACE)}'.encode()


def unquoted(etag: str) -> str:
    """An entity tag without its quotes, which S3 sometimes writes as `&quot;` and sometimes leaves out."""
    return etag.strip().strip('"')


def http_date(text: str | None) -> datetime:
    """`Wed, 12 Oct 2009 17:50:00 GMT`. Raises BadXml, as for any part of an answer."""
    try:
        return parsedate_to_datetime(text or "").replace(tzinfo=UTC)
    except ValueError as e:
        raise BadXml("no date") from e


def iso_date(text: str) -> datetime:
    """`2009-10-12T17:50:30.000Z`."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError as e:
        raise BadXml("no date") from e
