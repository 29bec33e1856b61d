"""Whether a style sheet, a `style` attribute, or a presentation attribute loads or runs anything."""

from __future__ import annotations

import functools
import re

from longshore.ports.content import UnsafeSvg

_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_ESCAPE = re.compile(r"\\(?:([0-9A-Fa-f]{1,6})(?:\r\n|[ \t\r\n\f])?|(\r\n|[\r\n\f])|(.)|\Z)", re.DOTALL)
_AT_RULE = re.compile(r"@\s*([\w-]+)")
# each of these takes linear time: style sheets may be megabytes long
_FUNCTION = re.compile(r"(?<![\w-])([\w-]+)\(")
_URL = re.compile(r"url\(([\"']?)(?P<target>[^\"'()]*)\1\)")
_FRAGMENT = re.compile(r"#[^\s\"'()\\]*")
_PICTURE_OR_FONT = re.compile(
    r"data:(image/(png|jpe?g|gif|webp|avif|bmp)|font/(woff2?|ttf|otf|sfnt)|application/(x-)?font-(woff2?|ttf|otf|sfnt)"
    r"|application/font-sfnt|application/x-font-(truetype|opentype))(;charset=[a-z0-9-]+)?;base64,[a-z0-9+/=]*"
)

_AT_RULES = frozenset(
    {"charset", "media", "font-face", "keyframes", "-webkit-keyframes", "-moz-keyframes", "supports", "page"}
)
#: Functions that only compute, of values, transforms, shapes, filters and selectors. Not among them, on purpose:
#: image(), image-set(), cross-fade(), src(), element(), expression(), paint(), attr().
_FUNCTIONS = frozenset(
    """
    url format local rgb rgba hsl hsla hwb lab lch oklab oklch color color-mix device-cmyk icc-color
    var env calc min max clamp round mod rem sin cos tan pow sqrt hypot log exp abs sign
    matrix matrix3d translate translatex translatey translatez translate3d scale scalex scaley scalez scale3d
    rotate rotatex rotatey rotatez rotate3d skew skewx skewy perspective
    path inset circle ellipse polygon rect xywh ray shape
    blur brightness contrast drop-shadow grayscale hue-rotate invert opacity saturate sepia
    linear-gradient radial-gradient conic-gradient repeating-linear-gradient repeating-radial-gradient
    cubic-bezier steps linear spring counter counters
    not is where has lang dir nth-child nth-last-child nth-of-type nth-last-of-type host
    selector
    """.split()  # noqa: SIM905 - quoted one by one they are nothing to read
)
_RUNNING = ("javascript:", "vbscript:", "expression(", "-moz-binding", "behavior:")


def check_css(css: str) -> None:
    """Raises UnsafeSvg (`css`) for what loads from outside the file, runs, or is not known to be harmless."""
    if len(css) <= _SHORT:
        _judged(css)
    else:
        _judge(css)


def _judge(css: str) -> None:
    # comments may hide in escapes and escapes in comments: what a browser could read either way is judged twice
    for text in (_unescaped(_COMMENT.sub("", css)), _COMMENT.sub("", _unescaped(css))):
        _check(text.lower())


#: Drawings repeat a few declarations thousands of times.
_SHORT = 200
_judged = functools.lru_cache(maxsize=4096)(_judge)


def _check(css: str) -> None:
    joined = re.sub(r"\s+", "", css)
    for word in _RUNNING:
        if word in joined:
            raise UnsafeSvg(f"The SVG's styles hold {word!r}", rule="css")
    for m in _AT_RULE.finditer(css):
        if m[1] not in _AT_RULES:
            raise UnsafeSvg(f"The SVG's styles hold @{m[1][:40]}", rule="css")
    for m in _FUNCTION.finditer(css):
        if m[1] not in _FUNCTIONS:
            raise UnsafeSvg(f"The SVG's styles hold the function {m[1][:40]}()", rule="css")
    # without blanks, because fonts and pictures are often wrapped
    targets = [m["target"] for m in _URL.finditer(joined)]
    if len(targets) != joined.count("url("):
        raise UnsafeSvg("The SVG's styles hold a url() that does not end", rule="css")
    for target in targets:
        if target and not _FRAGMENT.fullmatch(target) and not _PICTURE_OR_FONT.fullmatch(target):
            raise UnsafeSvg("The SVG's styles refer to something outside it", rule="css")


def _unescaped(css: str) -> str:
    r"""CSS escapes resolved (`\75 rl(` is `url(`), by CSS Syntax 3, section 4.3.7."""

    def character(m: re.Match[str]) -> str:
        if m[1]:
            code = int(m[1], 16)
            return chr(code) if 0 < code <= 0x10FFFF and not 0xD800 <= code < 0xE000 else "\ufffd"
        return m[3] or ""

    return _ESCAPE.sub(character, css)
