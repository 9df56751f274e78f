"""The keys that hold: the table's, and what the user's settings change about them.

A keymap that cannot be meant never stops the app. What is wrong with it is told in sentences, and
these rules decide:

- What the user wrote wins over a default: the command that had the key goes without it.
- Of two commands to which the user gave one key, the first in the file has it; the other keeps the
  keys it had.
- A key that terminals send for another one, or that would take letters out of the message, is
  refused; the command keeps the keys it had.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

from tui.command import ENCLOSING, NO_KEY, Command
from tui.commands import BY_ID, COMMANDS, readable

OTHER_KEYS: Mapping[str, str] = {
    "ctrl+m": "Enter",
    "ctrl+i": "Tab",
    "ctrl+h": "Backspace",
    "ctrl+left_square_bracket": "Esc",
}
"""Keys that are another one on terminals without a keyboard protocol."""
SHARED: frozenset[frozenset[str]] = frozenset(
    {
        frozenset({"run.cancel", "approval.park"}),
        frozenset({"run.cancel", "pane.leave"}),
        frozenset({"pane.leave", "approval.park"}),
    }
)
"""Commands that share Esc by design: whatever makes sense first is done."""
_MODIFIERS = ("ctrl", "alt", "shift", "super", "meta", "hyper")
_NAMED = {
    *("up", "down", "left", "right", "home", "end", "pageup", "pagedown", "insert", "delete"),
    *("enter", "escape", "tab", "backspace", *(f"f{number}" for number in range(1, 25))),
}
_SHORT = {"esc": "escape", "del": "delete", "pgup": "pageup", "pgdn": "pagedown", "ins": "insert"}
_REPLACED = {
    "solidus": "slash",
    "reverse_solidus": "backslash",
    "commercial_at": "at",
    "hyphen_minus": "minus",
    "plus_sign": "plus",
    "low_line": "underscore",
}


def _sign_name(sign: str) -> str:
    name = unicodedata.name(sign).lower().replace("-", "_").replace(" ", "_")
    return _REPLACED.get(name, name)


_SIGNS = {sign: _sign_name(sign) for sign in " !\"#$%&'()*+-./:;<=>?@[\\]^_`{|}~"}
"""What Textual calls the keys of signs."""


@dataclass(frozen=True, slots=True)
class Keys:
    """``keymap`` has an entry for every command, as Textual wants it; ``problems`` are sentences
    about what the user asked for."""

    keymap: Mapping[str, str]
    problems: tuple[str, ...] = ()


@dataclass(slots=True)
class _Deal:
    """Keys being dealt out, by command id."""

    keys: dict[str, tuple[str, ...]]
    own: dict[str, tuple[str, ...]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def dealt(wanted: Mapping[str, str]) -> Keys:
    """The keys of all commands after the user's ``wanted``: keys by command id, in its order."""
    deal = _Deal({command.id: _split(command.keys) for command in COMMANDS})
    if not wanted:
        return Keys({})
    for id, text in wanted.items():
        _take(deal, id, text)
    for id, keys in deal.own.items():
        for other in COMMANDS:
            if other.id in deal.own or not meet(BY_ID[id], other):
                continue
            lost = [key for key in deal.keys[other.id] if key in keys]
            if lost:
                deal.keys[other.id] = tuple(k for k in deal.keys[other.id] if k not in lost)
                left = deal.keys[other.id]
                still = f"it still has {_told(left)}" if left else "the palette still has it"
                deal.problems.append(
                    f'Settings, keymap: {_told(lost)} is now "{BY_ID[id].title}" ({id}) and no '
                    f'longer "{other.title}" ({other.id}); {still}. To have no more of this '
                    f'sentence, give {other.id} keys of its own there, or "".'
                )
    keymap = {id: ",".join(keys) or NO_KEY for id, keys in deal.keys.items()}
    return Keys(keymap, tuple(deal.problems))


def _take(deal: _Deal, id: str, text: str) -> None:
    """Note what the user wants for one command, if it can be."""
    command = BY_ID.get(id)
    if command is None:
        deal.problems.append(f"Settings, keymap: there is no command {id}; F1 lists the ids.")
        return
    kept = f"{id} keeps {_told(deal.keys[id]) or 'to the palette'}"
    keys: list[str] = []
    for written in _split(text):
        key = named(written)
        why = f"there is no key {written}" if key is None else refusal(command, key)
        if key is None or why:
            deal.problems.append(f"Settings, keymap: {why}, so {kept}.")
            return
        for other_id, others in deal.own.items():
            if key in others and meet(command, BY_ID[other_id]):
                deal.problems.append(
                    f'Settings, keymap: {readable(key)} is given to "{BY_ID[other_id].title}" '
                    f'({other_id}) and to "{command.title}" ({id}). The first has it; {kept}.'
                )
                return
        keys.append(key)
    deal.own[id] = deal.keys[id] = tuple(keys)


def meet(one: Command, other: Command) -> bool:
    """Whether one key could mean both commands in some focus, and is not meant to."""
    together = (
        one.where == other.where
        or one.where in ENCLOSING[other.where]
        or other.where in ENCLOSING[one.where]
    )
    return together and one.id != other.id and frozenset({one.id, other.id}) not in SHARED


def refusal(command: Command, key: str) -> str:
    """Why this command cannot have this key; empty if it can."""
    if key in OTHER_KEYS:
        return f"{readable(key)} is {OTHER_KEYS[key]} on most terminals"
    writes = _writes(key)
    if writes and (command.priority or command.where in ("composer", "form")):
        return f"{readable(key)} is needed for writing"
    return ""


def named(written: str) -> str | None:
    """A key as Textual names it, from how a person may write it; None when there is no such key."""
    *modifiers, last = written.strip().split("+")
    if not last:  # the key is the plus sign itself
        modifiers, last = [each for each in modifiers if each], "plus"
    modifiers = [each.strip().lower() for each in modifiers]
    if any(each not in _MODIFIERS for each in modifiers):
        return None
    if len(last) == 1:
        last = _SIGNS.get(last, last.lower() if modifiers else last)
    else:
        last = last.strip().lower()
        last = _SHORT.get(last, last)
        if last not in _NAMED and last not in _SIGNS.values():
            return None
    return "+".join([*sorted(modifiers), last])


def _writes(key: str) -> bool:
    """Whether the key writes a character."""
    return "+" not in key and (len(key) == 1 or key in _SIGNS.values())


def _split(keys: str) -> tuple[str, ...]:
    return tuple(key.strip() for key in keys.split(",") if key.strip())


def _told(keys: tuple[str, ...] | list[str]) -> str:
    return ", ".join(readable(key) for key in keys)
