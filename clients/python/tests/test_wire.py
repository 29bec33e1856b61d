"""Our results against the server's own answers: nothing that we need is missing there, nothing is called otherwise."""

from __future__ import annotations

import dataclasses

import pytest

import longshore_client
from longshore.http.native import bodies

#: What is not on the wire: File.read_token comes from the request's answer.
_OURS = {"File": {"read_token"}}
_PAIRS = {
    "Attachments": "RecordAnswer",
    "Digests": "DigestsAnswer",
    "File": "FileAnswer",
    "Image": "ImageAnswer",
    "Kind": "KindAnswer",
    "NewUpload": "NewUploadBody",
    "Place": "PlaceAnswer",
    "Position": "PositionAnswer",
    "Refusal": "RefusalAnswer",
    "Send": "SendAnswer",
    "SignedUrl": "SignedUrlAnswer",
    "Step": "StepAnswer",
    "StepProgress": "ProgressAnswer",
    "Upload": "UploadAnswer",
    "UploadStatus": "UploadStatus",
    "Urls": "UrlsAnswer",
    "Version": "VersionAnswer",
}


@pytest.mark.parametrize("name", _PAIRS)
def test_every_field_is_on_the_wire(name: str) -> None:
    ours = {field.name for field in dataclasses.fields(getattr(longshore_client, name))} - _OURS.get(name, set())

    assert ours == set(getattr(bodies, _PAIRS[name]).__struct_fields__)
