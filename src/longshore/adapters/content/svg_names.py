"""The words of SVG that are harmless, and the namespaces that drawing programs leave in their files."""

from __future__ import annotations

SVG = "http://www.w3.org/2000/svg"
XLINK = "http://www.w3.org/1999/xlink"
XML = "http://www.w3.org/XML/1998/namespace"
#: Elements without a namespace become SVG when somebody pastes the file into HTML, so they are judged as SVG.
OURS = frozenset({SVG, ""})
#: XML Events attach handlers by attributes of their own namespace.
EVENTS = frozenset({"http://www.w3.org/2001/xml-events"})

#: SVG 1.1 and 2 without what runs script, holds other languages, or loads: script, handler, listener, foreignObject,
#: iframe, audio, video, canvas, embed, object, discard, color-profile, cursor, font-face-uri, altGlyph, tref.
ELEMENTS = frozenset(
    """
    svg g defs symbol use switch view a title desc metadata style
    path rect circle ellipse line polyline polygon image
    text tspan textPath
    linearGradient radialGradient meshgradient meshrow meshpatch stop solidcolor pattern hatch hatchpath
    clipPath mask marker filter
    feBlend feColorMatrix feComponentTransfer feComposite feConvolveMatrix feDiffuseLighting feDisplacementMap
    feDistantLight feDropShadow feFlood feFuncA feFuncB feFuncG feFuncR feGaussianBlur feImage feMerge feMergeNode
    feMorphology feOffset fePointLight feSpecularLighting feSpotLight feTile feTurbulence
    animate animateColor animateMotion animateTransform mpath set
    font font-face font-face-src font-face-name font-face-format glyph missing-glyph hkern vkern
    flowRoot flowRegion flowPara flowSpan
    """.split()  # noqa: SIM905 - quoted one by one they are nothing to read
)
ANIMATIONS = frozenset({"animate", "animateColor", "animateMotion", "animateTransform", "set"})
#: Where a picture may stand as `data:`. Not `use`: what it refers to becomes part of the document.
PICTURES = frozenset({"image", "feImage"})

#: Notes of drawing programs and about rights. Browsers know no elements of these, so they are only text.
_EDITORS = (
    "http://www.inkscape.org/",
    "http://sodipodi.sourceforge.net/",
    "http://inkscape.sourceforge.net/",
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "http://www.w3.org/2000/01/rdf-schema#",
    "http://creativecommons.org/ns#",
    "http://web.resource.org/cc/",
    "http://purl.org/dc/",
    "http://ns.adobe.com/",
    "adobe:ns:meta/",
    "http://www.bohemiancoding.com/sketch/",
    "http://www.serif.com/",
    "https://www.figma.com/",
    "http://www.figma.com/",
    "http://vectornator.io",
    "https://boxy-svg.com",
    "http://boxy-svg.com",
    "http://www.corel.com/",
    "http://xml.openoffice.org/",
    "http://sun.com/xmlns/",
    "http://www.gimp.org/",
    "http://www.iptc.org/",
    "http://iptc.org/",
    "http://schemas.microsoft.com/visio/",
    "http://svgjs.com/",
    "http://svgjs.dev/",
    "https://www.affinity.",
)


def is_editors(namespace: str) -> bool:
    return namespace.startswith(_EDITORS)
