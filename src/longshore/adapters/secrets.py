"""Secrets at rest (decision 5): AES-256-GCM under keys derived from one master key.

The master key is 32 random bytes: in the environment, or in a file that only our user may read. It never encrypts
anything itself. Losing it means losing every stored secret, so nothing here ever replaces one that exists.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import os
import secrets
import stat
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from longshore.core.errors import Problem
from longshore.ports.secrets import SecretUnreadable

KEY_SIZE = 32
_NONCE_SIZE = 12
_TAG_SIZE = 16
#: The first byte of every sealed secret says how it was made.
_VERSION = b"\x01"
_CONTEXT = b"longshore secret"


class BadMasterKey(Problem):
    """There is no usable master key: what was given is not one, or its file is not safe. One sentence says why."""

    code = "bad-master-key"
    title = "The master key cannot be used"


class MasterKeyBox:
    """The `SecretBox` port. A sealed secret is version (1 byte), nonce (12), ciphertext, tag (16)."""

    def __init__(self, master_key: bytes) -> None:
        if len(master_key) != KEY_SIZE:
            raise BadMasterKey(f"The master key must have {KEY_SIZE} bytes, not {len(master_key)}")
        self._master_key = master_key
        self._cipher = AESGCM(self._derived(b"seal/1"))

    def encrypt(self, secret: str) -> bytes:
        # random nonces are safe for 2^32 secrets under one key (NIST SP 800-38D, 8.3); there are thousands
        nonce = secrets.token_bytes(_NONCE_SIZE)
        return _VERSION + nonce + self._cipher.encrypt(nonce, secret.encode(), _CONTEXT + _VERSION)

    def decrypt(self, sealed: bytes) -> str:
        if sealed[:1] != _VERSION or len(sealed) < 1 + _NONCE_SIZE + _TAG_SIZE:
            raise SecretUnreadable("A stored secret is damaged, or was made by a newer release")
        nonce, ciphertext = sealed[1 : 1 + _NONCE_SIZE], sealed[1 + _NONCE_SIZE :]
        try:
            return self._cipher.decrypt(nonce, ciphertext, _CONTEXT + _VERSION).decode()
        except InvalidTag as e:
            raise SecretUnreadable from e

    def key_for(self, purpose: str) -> bytes:
        return self._derived(b"purpose/" + purpose.encode())

    def _derived(self, info: bytes) -> bytes:
        """HKDF-SHA256 (RFC 5869). No salt: the master key is uniformly random already."""
        hkdf = HKDF(algorithm=hashes.SHA256(), length=KEY_SIZE, salt=None, info=b"longshore/" + info)
        return hkdf.derive(self._master_key)


def parse_master_key(text: str) -> bytes:
    """32 bytes from 64 hexadecimal digits or from base64 (either alphabet). Raises BadMasterKey, never quoting it."""
    text = text.strip()
    raw = b""
    if len(text) == 2 * KEY_SIZE:
        with contextlib.suppress(ValueError):
            raw = bytes.fromhex(text)
    if not raw:
        padded = text.replace("-", "+").replace("_", "/").rstrip("=")
        padded += "=" * (-len(padded) % 4)
        with contextlib.suppress(binascii.Error, ValueError):
            raw = base64.b64decode(padded, validate=True)
    if len(raw) != KEY_SIZE:
        raise BadMasterKey(
            "The master key must be 32 bytes, written as 64 hexadecimal digits or as base64 (openssl rand -base64 32)"
        )
    if len(set(raw)) < 8:  # 32 random bytes have fewer than one time in 10^40
        raise BadMasterKey("The master key must be random (openssl rand -base64 32)")
    return raw


def load_master_key(path: Path, *, given: str | None = None) -> bytes:
    """The master key: `given` (from the environment) if there is one, else the file's, which is made when absent.

    Of several processes that find no file at the same time, one makes it and all get the same key. Raises BadMasterKey
    for a file that others may read, that is damaged, or that cannot be read or made. Blocks; for the start.
    """
    if given is not None:
        return parse_master_key(given)
    try:
        try:
            return _read(path)
        except FileNotFoundError:
            _create(path)
            return _read(path)
    except OSError as e:
        raise BadMasterKey(f"The master key file {path} cannot be read or made: {e.strerror or e}") from e


def _read(path: Path) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a pipe must not stop the start
    with os.fdopen(descriptor, encoding="ascii", errors="replace") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise BadMasterKey(f"The master key file {path} is not a regular file")
        if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise BadMasterKey(f"The master key file {path} can be read by others; run: chmod 600 {path}")
        text = file.read(1024)
    try:
        return parse_master_key(text)
    except BadMasterKey as e:
        raise BadMasterKey(f"The master key file {path} is damaged; restore it from your backup") from e


def _create(path: Path) -> None:
    """Make the file, whole and durable or not at all; leave it alone when somebody was faster."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(base64.b64encode(secrets.token_bytes(KEY_SIZE)) + b"\n")
            file.flush()
            os.fsync(descriptor)
        with contextlib.suppress(FileExistsError):
            os.link(partial, path)  # unlike a rename, never replaces
    finally:
        partial.unlink()
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
