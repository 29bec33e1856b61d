"""A form's files on their way in: each is stored under `incoming` as it arrives, however large, and stays there until
it is decided what becomes of the request (decision 13)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass

from longshore.core.ids import FileId, Ids
from longshore.core.sizes import KIB, MIB
from longshore.http.multipart import Form, Part
from longshore.http.uploadcare.errors import Code, UploadError
from longshore.http.uploadcare.fields import Fields
from longshore.ports.storage import BodyTooLarge, ObjectKey, ObjectStore

MAX_FILES = 100
FIELDS_SIZE = 1 * MIB
"""All fields that are not files, together; they are kept in memory."""
FRAMING = FIELDS_SIZE + MIB
"""What a form may be larger than its files."""
MAX_PART_HEADER = 32 * KIB
"""A name of 4 KB, in UTF-8, is sent twice by pyuploadcare: as the field's name and as the file's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spooled:
    """A file that has arrived: its form field, what the sender calls it, and where it lies."""

    field: str
    name: str
    content_type: str | None
    size: int
    key: ObjectKey


Admit = Callable[[], Awaitable[int]]
"""How many bytes the file that is about to come may have, by what is known of the request so far."""


class Spool:
    """Belongs to one request. Use `opened`: what was not kept is deleted at its end."""

    def __init__(self, objects: ObjectStore, ids: Ids) -> None:
        self._objects = objects
        self._ids = ids
        self._keys: list[ObjectKey] = []
        self.files: list[Spooled] = []

    @classmethod
    @contextlib.asynccontextmanager
    async def opened(cls, objects: ObjectStore, ids: Ids) -> AsyncGenerator[Spool]:
        spool = cls(objects, ids)
        try:
            yield spool
        finally:
            # Also when the sender left or the server stops: nothing of it stays.
            await asyncio.shield(spool.discard())

    async def take(self, form: Form, fields: Fields, admit: Admit) -> None:
        """Read the whole form: files into the store, all else into `fields`.

        Raises UploadError, FormInvalid, BodyIncomplete, what `admit` and the store raise.
        """
        size = 0
        while (part := await form.next()) is not None:
            if part.filename is None:
                value = b""
                async for piece in part:
                    value += piece
                    if size + len(value) > FIELDS_SIZE:
                        raise UploadError(Code.REQUEST_TOO_LARGE)
                size += len(value)
                fields.add(part.name, value.decode("utf-8", "replace"))
            else:
                await self._take_file(part, part.filename, await admit())

    async def _take_file(self, part: Part, name: str, limit: int) -> None:
        if "\0" in part.name or "\0" in name:
            raise UploadError(Code.NULL_CHARACTERS)
        if len(self.files) >= MAX_FILES:
            raise UploadError(Code.TOO_MANY_FILES)
        key = ObjectKey.incoming(FileId(self._ids.uuid4()))
        self._keys.append(key)
        try:
            stored = await self._objects.put(key, part, limit=limit, content_type=part.content_type)
        except BodyTooLarge as error:
            raise UploadError(Code.FILE_TOO_LARGE) from error
        # A form's file input that nobody filled is sent without a name and without bytes.
        if name or stored.size:
            self.files.append(
                Spooled(field=part.name, name=name, content_type=part.content_type, size=stored.size, key=key)
            )

    def keep(self) -> None:
        """The files have become uploads."""
        self._keys.clear()

    async def discard(self) -> None:
        for key in self._keys:
            await self._objects.delete(key)
        self._keys.clear()
