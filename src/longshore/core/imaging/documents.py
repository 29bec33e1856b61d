"""Answers in JSON about a picture: which fields, what is known before a pixel is read, and what only pixels tell."""

from __future__ import annotations

import json
from dataclasses import dataclass

from longshore.core.imaging.operations import Document as DocumentOperation
from longshore.core.imaging.operations import Jsonp, MainColors, Operation, normalise
from longshore.core.imaging.steps import Size
from longshore.core.media import ImageFacts

DOCUMENT_SIDE = 128
"""Pixels of the largest side of the picture that colours and hashes are computed of."""

CALLBACK = "uploadcare_callback"


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A document to write. `known` is a JSON object with every field, in order, those that pixels tell as null.

    `colours`: how many main colours to find; 0: `hash` and `blurhash` instead. `callback`: the function to call with
    it, empty for plain JSON.
    """

    known: str
    colours: int = 0
    callback: str = ""

    @property
    def content_type(self) -> str:
        return "application/javascript" if self.callback else "application/json"


def make_document(
    document: DocumentOperation, operations: tuple[Operation, ...], facts: ImageFacts, result: Size, file_id: str
) -> Document:
    """The document that `document` asks for about the `result` of `operations` (contract 3.5).

    Of the untouched file `json` is flat; of anything else, and for `main_colors`, the file is in `original` and `id` is
    the path of what is described.
    """
    done = [op for op in normalise(operations) if op.positional or op.name == "autorotate"]
    path = f"/{file_id}/" + "".join(f"-/{op.canonical}/" for op in done)
    original = _original(facts, file_id)
    size: dict[str, object] = {"width": result.width, "height": result.height}
    hashes: dict[str, object] = {"hash": None, "blurhash": None}
    fields: dict[str, object]
    if isinstance(document, MainColors):
        fields = {**size, "main_colors": None, "id": path, "original": original}
        return Document(known=json.dumps(fields), colours=document.count)
    if done:
        fields = {**size, "id": path, "original": original, **hashes}
    else:
        more = {"dpi": facts.dpi, "sequence": facts.sequence, "color_mode": facts.color_mode}
        fields = {**original, **more, **size, **hashes}
    return Document(known=json.dumps(fields), callback=CALLBACK if isinstance(document, Jsonp) else "")


def _original(facts: ImageFacts, file_id: str) -> dict[str, object]:
    place = facts.geo_location
    return {
        "id": file_id,
        "width": facts.width,
        "height": facts.height,
        "format": facts.format,
        "orientation": facts.orientation,
        "geo_location": {"latitude": place.latitude, "longitude": place.longitude} if place else None,
        "datetime_original": facts.datetime_original,
    }
