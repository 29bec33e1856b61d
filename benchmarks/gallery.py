"""`./run gallery [FOLDER]`: one page with every operation on several pictures, for a person to look at.

Operations come from the registry (`core/imaging/rows.py`): one without an example here stops it. Pictures are made by
code and go through a real Longshore, by its URLs; the page and its pictures are then plain files. Not a part of the
product.
"""

from __future__ import annotations

import html
import io
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from longshore.core.imaging.rows import ROWS
from longshore_client import Client
from tests import corpus, graphics
from tests.servers.longshore import Longshore, running_longshore

WIDTH, HEIGHT = 320, 240
_ACCEPT = {"Accept": "image/webp,*/*"}
LOGO = "LOGO"  # stands for the id of the picture that overlays draw

EXAMPLES: Mapping[str, tuple[str, ...]] = {
    "preview": ("preview/160x160",),
    "resize": ("resize/200x", "resize/x100", "resize/200x200", "resize/400x"),
    "stretch": ("stretch/off/-/resize/500x500", "stretch/fill/-/setfill/fc8/-/resize/400x300"),
    "crop": ("crop/50%x50%/center", "crop/1:1", "crop/160x120/100%,100%", "setfill/fc8/-/crop/400x300/center"),
    "scale_crop": ("scale_crop/160x160/center", "scale_crop/160x80"),
    "trim": ("trim", "trim/40/10"),
    "border_radius": ("border_radius/30", "border_radius/50%", "border_radius/0,60,0,60/-/format/png"),
    "setfill": ("setfill/c8f/-/format/jpeg", "setfill/c8f/-/crop/400x300/center"),
    "autorotate": ("autorotate/no",),
    "rotate": ("rotate/90", "rotate/180"),
    "flip": ("flip",),
    "mirror": ("mirror",),
    "brightness": ("brightness/50", "brightness/-50"),
    "exposure": ("exposure/100", "exposure/-100"),
    "gamma": ("gamma/180", "gamma/50"),
    "contrast": ("contrast/60", "contrast/-60"),
    "saturation": ("saturation/150", "saturation/-60"),
    "vibrance": ("vibrance/200", "vibrance/-80"),
    "warmth": ("warmth/80", "warmth/-80"),
    "enhance": ("enhance", "enhance/100"),
    "sharp": ("sharp", "sharp/20"),
    "grayscale": ("grayscale",),
    "invert": ("invert",),
    "blur": ("blur/40", "blur/200", "blur/20/-150"),
    "blur_region": ("blur_region/50%x50%/25%,25%/150",),
    "overlay": (
        f"overlay/{LOGO}/40%x40%/center/80%",
        f"overlay/{LOGO}/30%x30%/100%,100%",
        "overlay/self/30%x30%/5%,5%",
    ),
    "rect": ("rect/ff000080/50%x20%/25%,70%", "rect/0a0/40x40/20,20"),
    "format": ("format/jpeg", "format/png", "format/webp", "format/avif", "format/preserve"),
    "quality": (
        "quality/lightest/-/format/jpeg",
        "quality/best/-/format/jpeg",
        "quality/smart",
        "quality/smart_retina",
    ),
    "progressive": ("progressive/yes/-/format/jpeg",),
    "strip_meta": ("strip_meta/none", "strip_meta/sensitive"),
    "srgb": ("srgb/icc", "srgb/keep_profile"),
    "max_icc_size": ("max_icc_size/0",),
    "rasterize": ("rasterize",),
    "inline": ("inline/yes",),
    "json": ("json",),
    "jsonp": ("jsonp",),
    "main_colors": ("main_colors", "main_colors/8"),
}

_STYLE = """
body { font: 13px/1.4 system-ui, sans-serif; margin: 24px; background: #fafafa; color: #222 }
table { border-collapse: collapse } th { text-align: left; vertical-align: top; padding: 6px 12px 6px 0 }
thead th { position: sticky; top: 0; background: #fafafa } td { padding: 4px; vertical-align: top; width: 200px }
td div { background: repeating-conic-gradient(#ddd 0 25%, #fff 0 50%) 0 / 16px 16px; width: fit-content }
img { display: block; max-width: 200px; max-height: 200px } small { color: #777 } code { font-size: 12px }
pre { font-size: 9px; max-width: 200px; max-height: 120px; overflow: hidden; white-space: pre-wrap; margin: 0 }
.bad { color: #c00; max-width: 200px }
"""


def _png(pixels: graphics.Pixels) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def _framed() -> bytes:
    """A drawing with a border of one colour, for trim."""
    return _png(np.pad(graphics.drawing(WIDTH - 80, HEIGHT - 60), ((30, 30), (40, 40), (0, 0)), constant_values=240))


PICTURES: Mapping[str, tuple[str, Callable[[], bytes]]] = {
    "photo": ("photo.jpg", lambda: corpus.photo_jpeg(WIDTH, HEIGHT, 2)),
    "portrait": ("portrait.jpg", lambda: corpus.photo_jpeg(WIDTH, HEIGHT, 3, exif=corpus.exif(orientation=6))),
    "drawing": ("drawing.png", _framed),
    "screenshot": ("screenshot.png", lambda: _png(graphics.screenshot(WIDTH, HEIGHT))),
    "alpha": ("alpha.png", lambda: corpus.png(WIDTH, HEIGHT, 4, alpha=True)),
    "gradient": ("gradient.png", lambda: _png(graphics.gradient(WIDTH, HEIGHT))),
}


def main(folder: Path) -> Path:
    """Make the page below `folder`; its path."""
    missing = set(ROWS) - set(EXAMPLES)
    if missing:
        raise SystemExit(f"benchmarks/gallery.py has no example of {', '.join(sorted(missing))}")
    folder.mkdir(parents=True, exist_ok=True)
    with running_longshore() as server:
        ids = _uploaded(server)
        chains = [chain for name in ROWS for chain in EXAMPLES[name]]
        with ThreadPoolExecutor(4) as pool:
            cells = {
                (chain, picture): pool.submit(_cell, server, folder, ids, picture, chain)
                for chain in chains
                for picture in PICTURES
            }
        rows = [(name, chain) for name in ROWS for chain in EXAMPLES[name]]
        body = "".join(
            f"<tr><th>{html.escape(name)}<br><code>{html.escape(chain)}</code></th>"
            + "".join(f"<td>{cells[chain, picture].result()}</td>" for picture in PICTURES)
            + "</tr>\n"
            for name, chain in rows
        )
    head = "".join(f"<th>{picture}</th>" for picture in PICTURES)
    page = folder / "index.html"
    page.write_text(
        f"<!doctype html><meta charset=utf-8><title>Operations</title><style>{_STYLE}</style>"
        f"<h1>{len(ROWS)} operations</h1><table><thead><tr><th></th>{head}</tr></thead>\n{body}</table>"
    )
    return page


def _uploaded(server: Longshore) -> dict[str, str]:
    pictures = {**PICTURES, LOGO: ("logo.png", lambda: _png(graphics.logo(120, 90)))}
    with tempfile.TemporaryDirectory() as folder, Client(server.url, key=server.demo.secret_key) as client:
        ids: dict[str, str] = {}
        for picture, (name, make) in pictures.items():
            path = Path(folder) / name
            path.write_bytes(make())
            ids[picture] = str(client.upload(path).id)
        return ids


def _cell(server: Longshore, folder: Path, ids: Mapping[str, str], picture: str, chain: str) -> str:
    url = f"{server.url}/{ids[picture]}/-/{chain.replace(LOGO, ids[LOGO])}/"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=_ACCEPT)) as answer:
            content, kind = answer.read(), answer.headers.get_content_type()
    except urllib.error.HTTPError as error:
        with error:
            return f"<div class=bad>{error.code} {error.read().decode(errors='replace')}</div>"
    if not kind.startswith("image/"):
        return f"<pre>{html.escape(content.decode(errors='replace')[:700])}</pre>"
    name = "".join(c if c.isalnum() else "-" for c in f"{chain}-{picture}") + "." + kind.partition("/")[2]
    (folder / name).write_bytes(content)
    with Image.open(io.BytesIO(content)) as image:
        size = f"{image.width}x{image.height}"
    return f'<div><img src="{name}" alt=""></div><small>{size} {kind[6:]} {len(content)} B</small>'


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.mkdtemp(prefix="longshore-gallery-"))
    print(main(target).resolve())
