"""Files with bits flipped, bytes lost and parts swapped, through a pool: seeded, bounded, counted."""

import io
import os
import random
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from longshore.adapters.vips import VipsPool
from longshore.core.errors import Problem
from longshore.core.imaging.grammar import parse
from longshore.core.imaging.negotiate import AcceptClass, choose
from longshore.core.imaging.plan import make_plan
from longshore.ports.rendering import RenderCrashed, RenderTimeout
from tests import corpus

_PATHS = ("-/preview/60x60/", "-/scale_crop/40x40/center/", "-/resize/200x/-/format/avif/", "-/strip_meta/none/")


@dataclass
class Outcomes:
    """How many mutated files were rendered, refused with a problem, ended their worker, ran into the deadline."""

    fine: int = 0
    refused: int = 0
    crashed: int = 0
    timeouts: int = 0


def seeds() -> list[bytes]:
    """A small file of every kind that is read."""
    small = Image.fromarray(corpus.photo(160, 120, 3))
    files = [_saved(small, name) for name in ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "AVIF", "BMP", "PCX", "TGA")]
    files.append(_saved(small, "JPEG", progressive=True, exif=corpus.exif(gps=(1, 2)), icc_profile=bytes(500)))
    files.append(_saved(small, "TIFF", compression="tiff_lzw"))
    files.append(_saved(small, "WEBP", save_all=True, append_images=[small.rotate(90)], lossless=True))
    files.append((Path(__file__).parent / "contract" / "heic" / "turned.heic").read_bytes())
    return [*files, corpus.gif_animated(80, 60, 1), corpus.SVG]


def mutated(content: bytes, chance: random.Random) -> bytes:
    """Another file of the same beginnings."""
    changed = bytearray(content)
    for _ in range(chance.choice((1, 3, 20))):
        changed[chance.randrange(len(changed))] = chance.choice((0, 255, chance.randrange(256)))
    if chance.random() < 0.15:
        del changed[chance.randrange(1, len(changed)) :]
    if chance.random() < 0.15:
        start, length = chance.randrange(len(changed)), chance.randrange(64)
        changed[start:start] = changed[chance.randrange(len(changed)) :][:length]
    return bytes(changed)


async def mutate(pool: VipsPool, folder: Path, count: int, *, seed: int) -> Outcomes:
    """Inspect `count` mutated files and render those that pass. What is rendered must be an image of the size promised;
    anything but a Problem is raised."""
    chance, files, outcomes = random.Random(seed), seeds(), Outcomes()
    for number in range(count):
        (folder / "mutated").write_bytes(mutated(chance.choice(files), chance))
        operations = parse(chance.choice(_PATHS)).operations
        accept = chance.choice(list(AcceptClass))
        source = os.open(folder / "mutated", os.O_RDONLY)
        target = os.open(folder / "made", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        try:
            facts = await pool.inspect(source, key=f"inspect {number}")
            plan = make_plan(operations, facts, choose(operations, accept, facts))
            rendered = await pool.render(plan, source, target, key=f"render {number}")
            with Image.open(folder / "made") as made:
                assert made.size == (rendered.width, rendered.height)
            outcomes.fine += 1
        except RenderTimeout:
            outcomes.timeouts += 1
        except RenderCrashed:
            outcomes.crashed += 1
        except Problem:
            outcomes.refused += 1
        finally:
            os.close(source)
            os.close(target)
    return outcomes


def held(pid: int, field: str) -> int:
    """Memory of a process by a line of /proc/<pid>/status (`VmRSS` now, `VmHWM` at most), in bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) << 10
    raise LookupError(field)


def _saved(image: Image.Image, format: str, **options: object) -> bytes:  # noqa: A002 - Pillow's own word
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()
