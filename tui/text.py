"""The one way untrusted text reaches the screen.

Model output, tool output, file names, titles, error bodies and ids may hold anything a terminal
would obey, and things that only look like nothing. Two views of such a text:

- :func:`safe` for chat and labels: every control is shown as a symbol and does nothing; what
  ordinary writing needs (emoji sequences, joiners in scripts that use them) passes.
- :func:`visible` for approvals, names, URLs and arguments: no two texts look the same.

Everything here works on the text as a whole, so a sequence that arrived in pieces is as inert as
one that arrived at once. None of it is markup: hand results to ``Content`` (:func:`content`) or to
widgets with ``markup=False``.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textual.content import Content

TAB = 4
MARKS_PER_CELL = 8

# Everything that needs a second look: controls, invisible format characters, fillers, joiners,
# variation selectors, surrogates, non-characters. Spelled out because building it from the
# Unicode tables would cost more than the whole start of the app.
_SUSPECT = (
    "\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\xad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5"
    "\\u180b-\\u180f\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\u3164\\ud800-\\udfff"
    "\\ufdd0-\\ufdef\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\ufffb\\ufffe\\uffff"
    "\\U000110bd\\U000110cd\\U00013430-\\U0001345f\\U0001bca0-\\U0001bca3"
    "\\U0001d173-\\U0001d17a\\U0001fffe\\U0001ffff\\U000e0000-\\U000e0fff"
)
_FLAG = "\\U0001f3f4[\\U000e0030-\\U000e0039\\U000e0061-\\U000e007a]{1,6}\\U000e007f"
_suspects = re.compile(f"{_FLAG}|[{_SUSPECT}]")
# The others are compiled when the first text needs them (re keeps them): plain text never does.
_STRICT_SUSPECTS = f"[{_SUSPECT}]"
# Where combining marks can be: a run this long is looked at one by one.
_MARK_AREAS = (
    f"[\\u0300-\\u1cff\\u1dc0-\\u1dff\\u20d0-\\u20ff\\u2de0-\\u2dff\\u302a-\\u302f\\u3099\\u309a"
    f"\\ua66f-\\uabff\\ufe20-\\ufe2f\\U00010000-\\U0001efff]{{{MARKS_PER_CELL + 1},}}"
)
_ISOLATES = "[\\u2066-\\u2069]"
_EMOJI = (
    "[\\xa9\\xae\\u203c\\u2049\\u20e3\\u2122\\u2139\\u2190-\\u21ff\\u2300-\\u27bf\\u2900-\\u297f"
    "\\u2b00-\\u2bff\\u3030\\u303d\\u3297\\u3299\\U0001f000-\\U0001faff]"
)
_KEYCAP = "[0-9#*]"
# Scripts whose spelling needs joiners: Arabic to Sinhala, Myanmar, Khmer and their neighbours.
_JOINING = "[\\u0600-\\u0dff\\u1000-\\u109f\\u1780-\\u17ff\\u1a20-\\u1aaf\\ua8e0-\\ua8ff]"
_RIGHT_TO_LEFT = "[\\u0590-\\u08ff\\ufb1d-\\ufdcf\\ufdf0-\\ufdff\\ufe70-\\ufefc]"
_IDEOGRAPH = "[\\u3400-\\u9fff\\uf900-\\ufaff\\U00020000-\\U0003ffff]"


def _mark(character: str) -> str:
    """The visible stand-in of one character."""
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    return f"\\u{{{code:X}}}"


def _suspect(match: re.Match[str]) -> str:
    """What :func:`safe` shows for one suspect, judged by its neighbours."""
    found = match[0]
    if len(found) > 1:  # a flag of a region, whole
        return found
    text, start, end = match.string, match.start(), match.end()
    before = text[start - 1] if start else ""
    after = text[end] if end < len(text) else ""
    code = ord(found)
    allowed = False
    if code == 0x200D:
        base = text[start - 2] if before == "\ufe0f" and start > 1 else before
        allowed = bool(re.match(_EMOJI, base) and re.match(_EMOJI, after)) or bool(
            re.match(_JOINING, before)
        )
    elif code == 0x200C:
        allowed = bool(re.match(_JOINING, before) and re.match(_JOINING, after))
    elif code in (0xFE0E, 0xFE0F):
        allowed = bool(re.match(_EMOJI, before)) or (
            bool(re.match(_KEYCAP, before)) and after == "\u20e3"
        )
    elif code in (0x200E, 0x200F, 0x61C):
        allowed = bool(re.match(_RIGHT_TO_LEFT, before) or re.match(_RIGHT_TO_LEFT, after))
    elif 0xE0100 <= code <= 0xE01EF:
        allowed = bool(re.match(_IDEOGRAPH, before))
    elif 0x2066 <= code <= 0x2069:
        allowed = True  # balanced: the others were shown before this is asked
    return found if allowed else _mark(found)


def _show_unbalanced_isolates(text: str) -> str:
    """Isolates stay where a line opens and closes them in order; elsewhere they are shown."""
    lines = text.split("\n")
    for number, line in enumerate(lines):
        depth = 0
        for found in re.findall(_ISOLATES, line):
            depth += -1 if found == "\u2069" else 1
            if depth < 0:
                break
        if depth:
            lines[number] = re.sub(_ISOLATES, lambda match: _mark(match[0]), line)
    return "\n".join(lines)


def _cut_marks(match: re.Match[str]) -> str:
    kept: list[str] = []
    marks = 0
    for character in match[0]:
        marks = marks + 1 if unicodedata.category(character) in ("Mn", "Me") else 0
        if marks <= MARKS_PER_CELL:
            kept.append(character)
    return "".join(kept)


def safe(text: str, *, strict: bool = False) -> str:
    """``text`` with every control inert and visible, for chat and labels.

    Line feeds stay, CR LF becomes LF, tabs become spaces. ``strict`` (for code) also shows the
    joiners, selectors and isolates that prose may keep.
    """
    if text.isascii() and text.isprintable():
        return text
    if "\r" in text:
        text = text.replace("\r\n", "\n")
    if "\t" in text:
        text = text.expandtabs(TAB)
    if strict:
        text = re.sub(_STRICT_SUSPECTS, lambda match: _mark(match[0]), text)
    elif _suspects.search(text):
        if re.search(_ISOLATES, text):
            text = _show_unbalanced_isolates(text)
        text = _suspects.sub(_suspect, text)
    if text.isascii():
        return text
    return re.sub(_MARK_AREAS, _cut_marks, text)


def safe_line(text: str, limit: int | None = None) -> str:
    """``text`` on one line, for titles, names and notifications: line ends become ``⏎``.

    ``limit`` is the most characters to keep; what is cut is told by an ellipsis.
    """
    if limit is not None and len(text) > 4 * limit + 64:
        text = text[: 4 * limit + 64]  # no work on what cannot be shown
        cut = True
    else:
        cut = False
    line = safe(text.strip()).replace("\n", "⏎")
    if limit is not None and (cut or len(line) > limit):
        line = line[: max(0, limit - 1)] + "…"
    return line


_ordinary = re.compile(r"[ -\[\]-~]*")
# Letters, marks and symbols by category that nevertheless draw nothing.
_blank = re.compile(
    "[\\u034f\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u2800\\u3164\\ufe00-\\ufe0f\\uffa0"
    "\\U000e0100-\\U000e01ef]"
)
_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"})


def _hides(character: str) -> bool:
    """Whether this character is invisible, or obeyed instead of drawn."""
    return character != " " and (
        unicodedata.category(character) in _HIDDEN_CATEGORIES or bool(_blank.match(character))
    )


def visible(text: str, *, keep_newlines: bool = False) -> str:
    """``text`` so that no two texts look the same, for what is approved or followed.

    Printable ASCII and ordinary letters pass; everything invisible, every control and the
    backslash itself become ``\\u{HEX}``, and so do marks that would melt with their letter into
    another character. With ``keep_newlines`` a line feed stays a line break (still injective: a
    line feed is then the only thing that breaks a line).
    """
    if _ordinary.fullmatch(text):
        return text
    shown: list[str] = []
    previous = ""
    marks = 0
    for character in text:
        if character == "\n" and keep_newlines:
            shown.append(character)
            previous, marks = "", 0
            continue
        escape = character == "\\" or _hides(character)
        if not escape and not character.isascii():
            if unicodedata.category(character)[0] == "M":
                marks += 1
                # A mark without a letter, out of order or after another one is told apart only
                # by its number; so is one that composes.
                escape = not previous or previous == " " or marks > 1
            else:
                marks = 0
            pair = previous + character
            escape = escape or unicodedata.normalize("NFC", pair) != pair
        elif not escape:
            marks = 0
        if escape:
            shown.append(f"\\u{{{ord(character):X}}}")
            previous, marks = "}", 0
        else:
            shown.append(character)
            previous = character
    return "".join(shown)


def hidden_characters(text: str) -> dict[str, int]:
    """What in ``text`` cannot be seen: ``{"U+202E RIGHT-TO-LEFT OVERRIDE": 2, ...}``.

    In order of appearance, with how often each occurs; line feeds and tabs do not count.
    """
    found: dict[str, int] = {}
    if text.isascii() and text.isprintable():
        return found
    for character in text:
        if character not in "\n\t" and _hides(character):
            name = unicodedata.name(character, "")
            label = f"U+{ord(character):04X} {name}".rstrip()
            found[label] = found.get(label, 0) + 1
    return found


def for_clipboard(text: str) -> str:
    """``text`` as stored, without the controls that a terminal it is pasted into would obey."""
    return "".join(
        character
        for character in text.replace("\r\n", "\n")
        if character in "\n\t" or unicodedata.category(character) not in ("Cc", "Cs")
    )


def content(text: str, style: str = "") -> Content:
    """Safe ``text`` as Textual content in one ``style``; nothing in it is read as markup."""
    from textual.content import Content

    return Content.styled(safe(text), style) if style else Content(safe(text))
