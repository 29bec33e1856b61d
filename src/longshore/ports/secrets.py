"""Secrets at rest, and the keys derived from the installation's master key (decision 5)."""

from __future__ import annotations

from typing import Protocol

from longshore.core.errors import Problem


class SecretUnreadable(Problem):
    """A stored secret does not decrypt: the master key is not the one it was encrypted with."""

    code = "secret-unreadable"
    title = "A stored secret cannot be read with the present master key"


class SecretBox(Protocol):
    """Authenticated encryption with the master key."""

    def encrypt(self, secret: str) -> bytes: ...

    def decrypt(self, sealed: bytes) -> str:
        """Raises SecretUnreadable."""
        ...

    def key_for(self, purpose: str) -> bytes:
        """32 bytes that differ by purpose and stay the same as long as the master key does."""
        ...
