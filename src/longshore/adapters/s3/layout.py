"""Where an object lies: the key in a bucket of its own, or below the bucket's word in a shared one.

incoming/<upload>                           while the upload is open; afterwards an empty mark, see `objects.retire`
files/<file>/<seal>-<random>                confirmed bytes, written once
quarantine/<file>/<seal>-<random>
longshore.json                              the findings of `longshore storage setup`, beside files: incoming expires
"""

from __future__ import annotations

from longshore.adapters.s3.settings import S3Settings
from longshore.ports.storage import Bucket, ObjectKey, is_key_name

RECORD = "longshore.json"


class Layout:
    def __init__(self, settings: S3Settings) -> None:
        self._places = {bucket: settings.place(bucket) for bucket in Bucket}

    def place(self, key: ObjectKey) -> tuple[str, str]:
        """Real bucket and key. Raises ValueError for what is no key, so that nothing else can be named."""
        if not is_key_name(key.name):
            raise ValueError(f"not a key: {key.name[:80]!r}")
        bucket, prefix = self._places[key.bucket]
        return bucket, prefix + key.name

    def range(self, bucket: Bucket) -> tuple[str, str]:
        """Real bucket, and what the keys of `bucket` begin with."""
        return self._places[bucket]

    def key(self, bucket: Bucket, real: str) -> ObjectKey | None:
        """The inversion of `place`; None for what is not ours."""
        name = real.removeprefix(self._places[bucket][1])
        return ObjectKey(bucket, name) if is_key_name(name) else None
