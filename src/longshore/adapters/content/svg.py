"""Whether an SVG is harmless: an allow list of elements, and no way out of the file.

The document is read once by expat, with namespaces, and never changed. What people see in a browser as SVG must not run
script, load from elsewhere, or send anybody anywhere; and what an application pastes into HTML must not turn into
something else there (`_markup_in_disguise`). Block lists failed elsewhere (media.md 5, rule 9), so what is not known
here is refused, by a rule with a name:

`doctype` `entity` `encoding` `instruction` `element` `namespace` `event` `script-url` `reference` `css` `animation`
`base` `markup` `depth` `elements` `size`
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import NoReturn
from xml.parsers import expat

from longshore.adapters.content import svg_names
from longshore.adapters.content.css import check_css
from longshore.core.media import BrokenMedia
from longshore.core.sizes import KIB, MIB
from longshore.ports.content import UnsafeSvg

MAX_SIZE = 10 * MIB
MAX_DEPTH = 200
MAX_ELEMENTS = 200_000
#: Parsing more than this takes over a millisecond, so it leaves the event loop.
_AT_ONCE = 4 * KIB

#: The only foreign thing that may be inside: pictures that cannot hold anything active.
_RASTER = re.compile(
    r"data:image/(png|jpe?g|gif|webp|avif|bmp)(;charset=[a-z0-9-]+)?;base64,[A-Za-z0-9+/=\s]*", re.IGNORECASE
)
_FRAGMENT = re.compile(r"#[^\s\"'()<>\\]*")
#: Numbers, coordinates, colours and words: most of every drawing.
_PLAIN = re.compile(r"[\w\s.,#%+-]{0,5000}", re.ASCII)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
#: Browsers drop these from URLs before they look at the scheme.
_DROPPED = dict.fromkeys([*range(0x21), 0x7F, *range(0x80, 0xA1), 0xAD, *range(0x200B, 0x2010), 0x2028, 0x2029, 0xFEFF])
_RUNNING = ("javascript:", "vbscript:", "livescript:", "mocha:", "data:text/", "data:application/", "data:image/svg")
_W3C_DTD = re.compile(r"https?://www\.w3\.org/(TR|Graphics)/[A-Za-z0-9/._-]*svg[A-Za-z0-9/._-]*\.dtd")
_ENCODINGS = frozenset({"utf-8", "utf8", "utf-16", "us-ascii", "ascii", "iso-8859-1"})
_INSTRUCTIONS = re.compile(r"xpacket|adobe-xap-filters|adobe-[a-z-]+")
#: Attributes whose value is a URL, in any namespace.
_URLS = frozenset({"href", "src", "action", "formaction", "data", "poster", "background", "ping", "cite", "codebase"})
_REFUSED = frozenset({"srcdoc", "manifest", "archive", "classid", "profile", "longdesc", "http-equiv"})
_LABELS = frozenset(
    {"id", "class", "name", "title", "alt", "label", "lang", "unicode", "glyph-name", "content", "role"}
)
#: Elements that hold text only, and whose text HTML reads by other rules.
_RAW_TEXT = ("style", "title", "desc")
_ANIMATED_VALUES = frozenset({"to", "from", "by", "values"})


class StrictSvgJudge:
    """The `SvgJudge` port. UnsafeSvg's field `rule` names the rule (see the module)."""

    async def judge(self, body: bytes) -> None:
        if len(body) <= _AT_ONCE:
            judge_svg(body)
        else:
            await asyncio.to_thread(judge_svg, body)


def judge_svg(body: bytes) -> None:
    """See `SvgJudge.judge`. CPU: about 0.15 s for each MiB of dense markup."""
    if len(body) > MAX_SIZE:
        refuse("size", f"The SVG is larger than {MAX_SIZE // MIB} MiB")
    _Reading().read(body)


def refuse(rule: str, sentence: str) -> NoReturn:
    raise UnsafeSvg(sentence, rule=rule)


class _Reading:
    """One pass through one document. Handlers raise; expat passes that on and stops."""

    def __init__(self) -> None:
        self._open: list[tuple[str, str]] = []
        self._elements = 0
        self._style: list[str] = []

    def read(self, body: bytes) -> None:
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.namespace_prefixes = True  # names come as namespace, name and prefix
        parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        handlers: dict[str, Callable[..., object]] = {
            "XmlDeclHandler": self._declaration,
            "StartDoctypeDeclHandler": self._doctype,
            "EntityDeclHandler": self._entity,
            "SkippedEntityHandler": self._entity,
            "ExternalEntityRefHandler": self._entity,
            "UnparsedEntityDeclHandler": self._entity,
            "NotationDeclHandler": self._entity,
            "AttlistDeclHandler": self._entity,
            "ElementDeclHandler": self._entity,
            "ProcessingInstructionHandler": self._instruction,
            "CommentHandler": self._comment,
            "StartCdataSectionHandler": self._cdata,
            "StartElementHandler": self._start,
            "EndElementHandler": self._end,
            "CharacterDataHandler": self._text,
        }
        for name, handler in handlers.items():
            setattr(parser, name, handler)
        try:
            parser.Parse(body, True)
        except expat.ExpatError as e:
            raise BrokenMedia(f"The SVG is not well-formed XML (line {e.lineno}): {expat.ErrorString(e.code)}") from e
        except (LookupError, UnicodeError, ValueError) as e:  # from Python's codecs, for encodings that expat lacks
            raise BrokenMedia("The SVG is not well-formed XML: its encoding cannot be read") from e

    # ---------------------------------------------------------------------------------------------- around the root

    def _declaration(self, version: str, encoding: str | None, standalone: int) -> None:
        """Other encodings could read differently in a browser than here."""
        if encoding is not None and encoding.lower() not in _ENCODINGS:
            refuse("encoding", f"The SVG's encoding {encoding[:40]!r} is not allowed; use UTF-8")

    def _doctype(self, name: str, system_id: str | None, public_id: str | None, has_internal_subset: int) -> None:
        if has_internal_subset:
            refuse("doctype", "The SVG declares entities or attributes of its own in its DOCTYPE")
        if system_id and not _W3C_DTD.fullmatch(system_id):
            refuse("doctype", "The SVG's DOCTYPE refers to something that is not the SVG standard's")

    def _entity(self, *_: object) -> None:
        refuse("entity", "The SVG uses entities that it would have to declare or load")

    def _instruction(self, target: str, _: str) -> None:
        if not _INSTRUCTIONS.fullmatch(target):
            refuse("instruction", f"The SVG holds the processing instruction <?{target[:40]}?>")

    def _comment(self, text: str) -> None:
        """Pasted into HTML, `<!-->` is a whole comment, and in what HTML takes for raw text there are none."""
        if text.startswith((">", "->")) or (self._inside(*_RAW_TEXT) and "<" in text):
            refuse("markup", "The SVG holds a comment that HTML would end at another place")

    def _cdata(self) -> None:
        if not self._inside("style"):
            refuse("markup", "The SVG holds a CDATA section outside a style sheet, which HTML would read as markup")

    # ------------------------------------------------------------------------------------------------------ elements

    def _start(self, qualified: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        if self._elements > MAX_ELEMENTS:
            refuse("elements", f"The SVG has more than {MAX_ELEMENTS} elements")
        if len(self._open) >= MAX_DEPTH:
            refuse("depth", f"The SVG's elements are nested more than {MAX_DEPTH} deep")
        namespace, name, prefix = _split(qualified)
        if not self._open and (namespace not in svg_names.OURS or name != "svg"):
            raise BrokenMedia("The root of the document is not <svg>")
        if self._inside(*_RAW_TEXT):
            refuse("markup", f"The SVG holds <{name[:40]}> where only text belongs")
        if namespace in svg_names.OURS:
            if name not in svg_names.ELEMENTS:
                refuse("element", f"The SVG holds <{name[:40]}>, which is not allowed")
        elif not prefix or not svg_names.is_editors(namespace):  # without a prefix, HTML would take it for its own
            refuse("namespace", f"The SVG holds <{name[:40]}> of the namespace {namespace[:80]!r}")
        self._open.append((namespace, name))
        for key, value in attributes.items():
            _check_attribute(name, *_split(key)[:2], value)
        if name in svg_names.ANIMATIONS:
            _check_animation(attributes)

    def _end(self, _: str) -> None:
        namespace, name = self._open.pop()
        if namespace in svg_names.OURS and name == "style":
            css, self._style = "".join(self._style), []
            if "<" in css:
                refuse("markup", "The SVG's style sheet holds markup")
            check_css(css)

    def _text(self, text: str) -> None:
        if self._inside("style"):
            self._style.append(text)

    def _inside(self, *names: str) -> bool:
        """Whether the innermost open element is one of SVG's called so."""
        return bool(self._open) and self._open[-1][0] in svg_names.OURS and self._open[-1][1] in names


def _split(qualified: str) -> tuple[str, str, str]:
    """Namespace, name, prefix. Neither of them can hold a space: expat refuses that in a namespace."""
    parts = qualified.split(" ")
    return ("", parts[0], "") if len(parts) == 1 else (parts[0], parts[1], parts[2] if len(parts) > 2 else "")


# ---------------------------------------------------------------------------------------------------------- attributes


def _check_attribute(element: str, namespace: str, name: str, value: str) -> None:
    lower = name.lower()
    if lower.startswith("on") or namespace in svg_names.EVENTS:
        refuse("event", f"The SVG's <{element[:40]}> has the event handler {name[:40]!r}")
    if namespace == svg_names.XML and lower == "base":
        refuse("base", "The SVG changes what its references refer to (xml:base)")
    if lower in _REFUSED:
        refuse("reference", f"The SVG's <{element[:40]}> has the attribute {name[:40]!r}")
    if lower not in _URLS and _PLAIN.fullmatch(value):
        return
    # nobody needs a thousand characters before a scheme, but embedded pictures have millions behind theirs
    bare = (value if lower in _ANIMATED_VALUES else value[:1000]).translate(_DROPPED).lower()
    if any(part.startswith(_RUNNING) for part in bare.split(";")):
        refuse("script-url", f"The SVG's attribute {name[:40]!r} holds a URL that runs script")
    if lower in _URLS:
        _check_reference(element, name, value.strip())
    elif namespace in svg_names.OURS and (lower == "style" or _may_be_css(lower, value)):
        check_css(value)


def _may_be_css(name: str, value: str) -> bool:
    """Presentation attributes are CSS; names and labels are not, and may hold parentheses."""
    return ("(" in value or "\\" in value) and name not in _LABELS and not name.startswith(("data-", "aria-"))


def _check_reference(element: str, name: str, value: str) -> None:
    if not value or _FRAGMENT.fullmatch(value):
        return
    if element in svg_names.PICTURES and _RASTER.fullmatch(value):
        return
    refuse("reference", f"The SVG's <{element[:40]}> refers to something outside it in {name[:40]!r}")


def _check_animation(attributes: dict[str, str]) -> None:
    """An animation may set any attribute later, so it may not touch those that are judged above."""
    target = attributes.get("attributeName", "").strip()
    lower = target.rpartition(":")[2].lower()
    if lower in _URLS or lower in _REFUSED or lower.startswith("on") or lower in ("style", "base"):
        refuse("animation", f"The SVG animates {target[:40]!r}")
    for key in _ANIMATED_VALUES & attributes.keys():
        if any(_SCHEME.match(part.strip()) for part in attributes[key].split(";")):
            refuse("animation", "The SVG animates an attribute into a URL")
