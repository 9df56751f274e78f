"""What Word, PowerPoint and Excel files have in common: a ZIP archive, looked at before unpacking.

Only the parse worker imports this.
"""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

from services.engine.retrieval.blocks import Unreadable
from services.engine.retrieval.decoding import read_bytes

MOST_ENTRIES = 10_000
MOST_XML = 100 * 1024 * 1024
MOST_BYTES = 512 * 1024 * 1024
MOST_RATIO = 100
# An archive this small when unpacked does no harm, however well it was packed.
HARMLESS = 10 * 1024 * 1024
_COMPOUND = bytes.fromhex("d0cf11e0a1b11ae1")
_PROLOG = 64 * 1024
_DECLARATION = re.compile(rb"<!(?:DOCTYPE|ENTITY)")


def check_archive(path: Path, kind: str, ending: str) -> None:
    """Raises ``Unreadable`` for what is no archive, is locked, or unpacks to too much.

    ``kind`` is what the file should be ("Word document"), ``ending`` its extension.
    """
    if read_bytes(path, 8) == _COMPOUND:
        raise _of_old(path, kind, ending)
    try:
        with zipfile.ZipFile(path) as archive:
            _check_sizes(archive, path.stat().st_size, kind)
            for entry in archive.infolist():
                if _is_xml(entry):
                    _check_prolog(archive, entry, kind)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, NotImplementedError, OSError):
        raise Unreadable(f"The {kind} is damaged, or the file is none.") from None


def _of_old(path: Path, kind: str, ending: str) -> Unreadable:
    """What Office wrote before 2007, and what it still wraps encrypted files in."""
    if "EncryptedPackage".encode("utf-16-le") in read_bytes(path, HARMLESS):
        return Unreadable(f"The {kind} is encrypted; save it without a password.")
    return Unreadable(
        f"Files of the Office formats before 2007 cannot be read: save the {kind} as .{ending}.",
        "unsupported_file",
    )


def _check_sizes(archive: zipfile.ZipFile, size: int, kind: str) -> None:
    entries = archive.infolist()
    whole = sum(entry.file_size for entry in entries)
    if (
        len(entries) > MOST_ENTRIES
        or whole > MOST_BYTES
        or sum(entry.file_size for entry in entries if _is_xml(entry)) > MOST_XML
        or (whole > HARMLESS and whole > MOST_RATIO * size)
    ):
        raise Unreadable(
            f"The {kind} was not opened: unpacked it would be {whole / 2**20:,.0f} MB in "
            f"{len(entries):,} parts, more than such a file may be."
        )
    if sum(entry.compress_size for entry in entries) > size:
        # Entries that overlap would be unpacked several times.
        raise zipfile.BadZipFile
    if any(entry.flag_bits & 1 for entry in entries):
        raise Unreadable(f"The {kind} is encrypted; save it without a password.")


def _is_xml(entry: zipfile.ZipInfo) -> bool:
    return entry.filename.lower().endswith((".xml", ".rels", ".vml"))


def _check_prolog(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, kind: str) -> None:
    """Office files declare no entities; one that does means to grow while it is read."""
    with archive.open(entry) as part:
        # Without the zeros, for UTF-16 says the same in two bytes a letter.
        begin = part.read(_PROLOG).replace(b"\0", b"")
    if _DECLARATION.search(begin):
        raise Unreadable(f"The {kind} was not opened: its XML declares entities of its own.")
