"""What suits a terminal, as far as it tells: how many colours, light or dark, which signs."""

from __future__ import annotations

from collections.abc import Mapping

from services.records import Marks
from tui.themes import DARK, DARK_16, DEFAULT, LIGHT, LIGHT_16

OWN = {DARK.name: DARK_16.name, LIGHT.name: LIGHT_16.name}
"""The app's own themes, and what stands in for them where there are only 16 colours."""


def no_colours(environment: Mapping[str, str]) -> bool:
    """Whether the user wants no colours: ``NO_COLOR`` is set and not empty."""
    return bool(environment.get("NO_COLOR"))


def few_colours(environment: Mapping[str, str]) -> bool:
    """Whether there are 16 colours or none to draw with; goes by what Rich will go by."""
    if not environment:
        return False
    if no_colours(environment):
        return True
    if system := environment.get("TEXTUAL_COLOR_SYSTEM", "").strip().lower():
        return system in ("standard", "windows")
    if environment.get("COLORTERM", "").strip().lower() in ("truecolor", "24bit"):
        return False
    return environment.get("TERM", "").rpartition("-")[2] not in ("256color", "kitty")


def is_light(environment: Mapping[str, str]) -> bool:
    """Whether the terminal says that its background is light.

    Some tell it in ``COLORFGBG`` ("0;15": black on white); most tell nothing, and count as dark.
    """
    ground = environment.get("COLORFGBG", "").rpartition(";")[2]
    return ground in ("7", "15")


def suited(wanted: str, *, chosen: bool, few_colours: bool, environment: Mapping[str, str]) -> str:
    """The theme to begin with.

    ``wanted`` is what the settings say, ``chosen`` whether the user said it. With 16 colours or
    none the app's own themes give way to ones that use the terminal's own palette.
    """
    name = wanted
    if not chosen and is_light(environment):
        name = LIGHT.name
    elif not chosen:
        name = DEFAULT
    return OWN.get(name, name) if few_colours else name


def meant_by(name: str) -> str:
    """The theme to remember for one that stands in for it."""
    return next((own for own, few in OWN.items() if few == name), name)


def wants_ascii(wanted: Marks, encoding: str, environment: Mapping[str, str]) -> bool:
    """Whether this terminal is to get ASCII alone.

    ``encoding`` is what the locale says the terminal's is. The console of a Linux kernel reads
    UTF-8 but has few signs to draw it with.
    """
    if wanted != "auto":
        return wanted == "ascii"
    if environment.get("TERM") in ("linux", "vt100", "vt220", "cons25"):
        return True
    return encoding.lower().replace("-", "") not in ("utf8", "")
