"""Keeps the garbage collector out of the way of starting up.

Importing makes half a million objects that live as long as the program. A full collection walks
all of them, up to 100 ms in which no key is answered, and finds nothing. So nothing is collected
until everything is imported, and from then on what was imported is not looked at any more.
"""

from __future__ import annotations

import gc


def hold() -> None:
    """Collects nothing from now on; ``release`` must follow."""
    gc.disable()


def release() -> None:
    """Collects again, but never what is there now."""
    gc.freeze()
    gc.enable()
