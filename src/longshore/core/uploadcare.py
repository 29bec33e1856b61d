"""The file objects of the Uploadcare contract (1.7 and 2.4), as plain data. Pure: used by its APIs and by webhooks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from longshore.core.file import File, FileState
from longshore.core.media import OCTET_STREAM, ImageFacts
from longshore.core.names import sanitize
from longshore.core.time import to_wire
from longshore.core.urls import PublicUrls

JsonObject = Mapping[str, Any]


def upload_info(file: File) -> JsonObject:
    """The Upload API's flavour, keys in the recorded order."""
    image = image_info(file.image) if file.image else None
    return {
        "size": file.size,
        "total": file.size,
        "done": file.size,
        "uuid": str(file.id),
        "file_id": str(file.id),
        "original_filename": file.name,
        "is_image": file.image is not None,
        "is_stored": file.stored_at is not None,
        "image_info": image,
        "video_info": None,
        "content_info": content_info(file),
        "is_ready": file.state is not FileState.CHECKING,
        "filename": sanitize(file.name),
        "mime_type": file.declared_type,
        "metadata": dict(file.purpose.metadata),
    }


def rest_file(file: File, urls: PublicUrls) -> JsonObject:
    """The REST API's flavour. Files in checking have the contract's not-ready form; removed ones lose their URL."""
    checking = file.state is FileState.CHECKING
    return {
        "datetime_removed": to_wire(file.removed_at) if file.removed_at else None,
        "datetime_stored": to_wire(file.stored_at) if file.stored_at else None,
        "datetime_uploaded": to_wire(file.uploaded_at),
        "is_image": None if checking else file.image is not None,
        "is_ready": not checking,
        "mime_type": file.declared_type,
        "original_file_url": urls.original(file) if file.is_deliverable else None,
        "original_filename": file.name,
        "size": file.size,
        "url": urls.rest(file.id),
        "uuid": str(file.id),
        "variations": None,
        "content_info": content_info(file),
        "metadata": dict(file.purpose.metadata),
        "tags": [],
    }


def content_info(file: File) -> JsonObject | None:
    """None until the content has been read."""
    if file.detected_type is None:
        return None
    mime = file.detected_type or OCTET_STREAM
    kind, _, subtype = mime.partition("/")
    info: dict[str, JsonObject] = {"mime": {"mime": mime, "type": kind, "subtype": subtype}}
    if file.image:
        info["image"] = image_info(file.image)
    return info


def image_info(facts: ImageFacts) -> JsonObject:
    place = facts.geo_location
    return {
        "dpi": list(facts.dpi) if facts.dpi else None,
        "width": facts.width,
        "format": facts.format,
        "height": facts.height,
        "sequence": facts.sequence,
        "color_mode": facts.color_mode,
        "orientation": facts.orientation,
        "geo_location": {"latitude": place.latitude, "longitude": place.longitude} if place else None,
        "datetime_original": facts.datetime_original,
    }
