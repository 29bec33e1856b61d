"""Recognising what a browser would run: HTML, SVG, XML.

Follows the WHATWG's MIME sniffing and is stricter where that is safe: what begins like markup, after anything that
browsers or XML parsers pass over, is never called plain text.
"""

from __future__ import annotations

import re

HTML = "text/html"
SVG = "image/svg+xml"
XML = "application/xml"
XHTML = "application/xhtml+xml"

#: HTML's own elements (the standard's, and the obsolete ones that browsers still know). Those of SVG and MathML that
#: HTML parsers know too stand alone in few files; as roots they are dealt with by name.
_HTML_ELEMENTS = frozenset(
    """
    a abbr acronym address applet area article aside audio b base basefont bdi bdo bgsound big blink blockquote body br
    button canvas caption center cite code col colgroup command content data datalist dd del details dfn dialog dir div
    dl dt em embed fieldset fencedframe figcaption figure font footer form frame frameset h1 h2 h3 h4 h5 h6 head header
    hgroup hr html i iframe image img input ins isindex kbd keygen label legend li link listing main map mark marquee
    math menu menuitem meta meter multicol nav nextid nobr noembed noframes noscript object ol optgroup option output p
    param picture plaintext portal pre progress q rb rp rt rtc ruby s samp script search section select shadow slot
    small source spacer span strike strong style sub summary sup table tbody td template textarea tfoot th thead time
    title tr track tt u ul var video wbr xmp
    """.split()  # noqa: SIM905 - a list of 140 quoted words is nothing to read
)

#: Passed over before the first tag. NUL, because parsers drop it.
_BLANK = re.compile(r"[\t\n\x0b\f\r \0\ufeff\x85\u2028\u2029]*")
#: More declarations and comments than this before the first tag are there to hide it.
_MAX_PROLOG = 100
_TAG = re.compile(r"<(?P<closing>/?)(?P<name>[A-Za-z_][^\s/>\x00<]{0,200})(?P<rest>[^<>]{0,2000})")
_DOCTYPE = re.compile(r"<!doctype\s*(?P<name>[^\s>\[]{0,100})", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"\s[^\s=]+\s*=")


def look(text: str) -> str | None:
    """The media type if `text` (decoded; the beginning of a file) is markup, else None."""
    at, seen_prolog, seen_comment = 0, False, False
    for _ in range(_MAX_PROLOG):
        at = _skip_blank(text, at)
        if text.startswith("<?", at):
            # `<?php` and `<?` of templates are not XML, yet browsers show what follows
            seen_prolog = seen_prolog or text[at + 2 : at + 5].lower() == "xml"
            end = text.find("?>", at)
            if end < 0:
                return XML if seen_prolog else None
            at = end + 2
        elif text.startswith("<!--", at):
            seen_comment = True
            end = text.find("-->", at + 4)
            # HTML parsers end a comment at `<!-->`, too
            if end < 0:
                return XML if seen_prolog else HTML
            at = end + 3
        elif m := _DOCTYPE.match(text, at):
            name = _local(m["name"])
            if name == "html":
                return HTML
            if name == "svg":
                return SVG
            end = _end_of_doctype(text, m.end())
            if end < 0:
                return XML
            at, seen_prolog = end, True
        else:
            break
    else:
        return HTML
    kind = _by_tag(text, at, seen_prolog=seen_prolog)
    if kind is None and seen_prolog:
        return XML
    if kind is None and seen_comment:
        return HTML  # browsers take a leading comment for HTML
    return kind


def _by_tag(text: str, at: int, *, seen_prolog: bool) -> str | None:
    m = _TAG.match(text, at)
    if m is None:
        # `<![CDATA[`, `<!ENTITY`: nothing a text begins with
        return (XML if seen_prolog else HTML) if text.startswith("<!", at) and text[at + 2 : at + 3].isalpha() else None
    name = _local(m["name"])
    if name == "svg":
        return SVG
    if name == "html":
        return XHTML if seen_prolog and "http://www.w3.org/1999/xhtml" in m["rest"] else HTML
    if seen_prolog:
        return XML
    if name in _HTML_ELEMENTS or m["closing"]:
        return HTML
    tag_ends = text.startswith((">", "/>"), m.end()) or m["rest"].endswith("/")
    if not tag_ends or not re.fullmatch(r"[\w.:-]+", m["name"]):
        return None  # `<john@example.com>`, `a <b` and the like
    if " xmlns" in m["rest"] or "\nxmlns" in m["rest"] or f"</{m['name']}" in text:
        return XML
    return HTML if _ATTRIBUTE.search(m["rest"]) else None


def _skip_blank(text: str, at: int) -> int:
    m = _BLANK.match(text, at)
    return m.end() if m else at


def _local(name: str) -> str:
    return name.rpartition(":")[2].lower()


def _end_of_doctype(text: str, at: int) -> int:
    """Where the declaration is over, with its internal subset; -1 when that is not in sight."""
    bracket, close = text.find("[", at), text.find(">", at)
    if bracket < 0 or close < bracket:
        return close + 1 if close >= 0 else -1
    end = text.find("]", bracket)
    close = text.find(">", end) if end >= 0 else -1
    return close + 1 if close >= 0 else -1
