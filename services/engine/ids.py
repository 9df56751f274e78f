"""Identifiers as the hosted API made them.

Prefix plus 24 letters and digits and nothing else after the underscore: clients match
``thread_([a-zA-Z0-9]+)`` in error texts, which a UUID with hyphens would break.
"""

from __future__ import annotations

import secrets
import string

_ALPHABET = string.ascii_letters + string.digits


def new_file_id() -> str:
    """Files alone have a hyphen after their prefix, and 22 characters."""
    return "file-" + "".join(secrets.choice(_ALPHABET) for _ in range(22))


def new_batch_id() -> str:
    """Batches of files have 32 hexadecimal digits."""
    return f"vsfb_{secrets.token_hex(16)}"


def new_id(prefix: str) -> str:
    """A new identifier such as ``thread_4fW...``; ``prefix`` is without the underscore."""
    return f"{prefix}_" + "".join(secrets.choice(_ALPHABET) for _ in range(24))
