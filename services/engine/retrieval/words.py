"""Texts and queries as the words that the index holds.

The index splits at blanks only; what a word is, is decided here: Unicode's word boundaries, small
letters, stems of the text's language (languages.py), pairs of characters for scripts without
blanks, and names (``snake_case``, ``camelCase``, ``a.dotted.name``, ``a/path``, addresses) both
whole and in parts. A name's whole is written without what joins it, so that ``file_name``,
``fileName`` and ``file-name`` are one word. Tokens hold letters, digits, marks and a language's
tag: nothing that a query would have to escape.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from services.engine.retrieval.languages import TAGS, is_small, language_of, stem, stems

# Counts up when the same text would give other tokens than before: the index is made anew then.
ANALYSIS = 1
LONGEST = 64
QUERY_WORDS = 256
MATCHED_WORDS = 64
REMEMBERED = 50_000

_JOINERS = r"./:@'’&+=?%~#\\-"
_STRONG = re.compile(r"[/:@&+=?%~#\\]+")
_APOSTROPHES = re.compile(r"['’]")
_THOUSANDS = re.compile(r"\d{1,3}(?:[.,]\d{3})+")
# Where a name's parts meet: aB, ABc, a1, 1a.
_CUTS = re.compile(
    r"(?<=[a-zß-öø-ÿ])(?=[A-ZÀ-ÖØ-Þ])|(?<=[A-Z])(?=[A-Z][a-z])"
    r"|(?<=\d)(?=[^\W\d_])|(?<=[^\W\d_])(?=\d)"
)
# Han, kana, Hangul, and the South-East Asian scripts that put no blanks between words.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3130-\u318f"
    "\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff"
    "\U0001b000-\U0001b16f\U00020000-\U000323af"
)
_RUNS = re.compile(f"([{_UNSPACED}]+)")
_SPECIAL = {"c++": "cplusplus", "c#": "csharp", "f#": "fsharp"}
# Shapes a word, shows nothing: soft hyphen, joiners, directions.
_INVISIBLE = re.compile("[\u00ad\u061c\u180e\u200c-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")


@dataclass(frozen=True, slots=True)
class Term:
    """One word of a query: any of its ``forms`` in the index is this word."""

    forms: tuple[str, ...]
    begins: bool = False
    """The forms are beginnings of tokens: one character of a script written in pairs."""
    small: bool = False
    """One of the words that every text of some language has; they tell little."""

    @property
    def match(self) -> str:
        """The term in the language of FTS5's MATCH."""
        behind = "*" if self.begins else ""
        return " OR ".join(f'"{form}"{behind}' for form in self.forms)


def analysed(text: str) -> str:
    """The tokens of a text as they stand in the index, separated by blanks; "" without any.

    The same text gives the same tokens. No text is refused: what is no word is left out.
    """
    words = text.split()
    language = language_of(words)
    tokens = filter(None, map(_memory(language).__getitem__, words))
    if language is None:
        return " ".join(tokens)
    return " ".join((TAGS[language], *tokens))


def tokens_in(text: str) -> Callable[[str], list[str]]:
    """For what stands between two blanks of ``text``: the tokens that ``analysed`` makes of it."""
    memory = _memory(language_of(text.split()))
    return lambda written: memory[written].split()


def terms(text: str, languages: Sequence[str] = tuple(TAGS)) -> list[Term]:
    """The words of a query, in order and with repeats, for an index that holds these languages.

    Of a very long query the first words.
    """
    found: list[Term] = []
    for word in _words(text[: QUERY_WORDS * LONGEST]):
        for part, kind in _parts(word):
            if kind == _PAIRS:
                pairs = [Term((pair,)) for pair in _pairs(part)]
                found.extend(pairs or [Term((part,), begins=True)])
            elif kind == _WORD:
                found.append(Term(tuple(stems(part, languages)), small=is_small(part)))
            else:
                found.append(Term((part,)))
        if len(found) >= QUERY_WORDS:
            break
    return found[:QUERY_WORDS]


def query_of(text: str) -> str | None:
    """An FTS5 MATCH expression for any of the words of ``text``; None when it holds no word."""
    return match_any(list(dict.fromkeys(terms(text)))[:MATCHED_WORDS])


def match_any(wanted: Iterable[Term]) -> str | None:
    return " OR ".join(dict.fromkeys(term.match for term in wanted)) or None


# --- words ------------------------------------------------------------------------------------


def _words(text: str) -> list[str]:
    """The words and joined names of a text, as written."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text))
    return _word_pattern(text.isascii()).findall(text)


@cache
def _word_pattern(ascii_only: bool) -> re.Pattern[str]:
    letter = r"[a-zA-Z0-9_]" if ascii_only else rf"[\w{_marks()}]"
    joined = rf"{letter}+(?:(?:[{_JOINERS}]+|,(?=\d{{3}}(?!\d))){letter}+)*"
    return re.compile(rf"\b(?:[cC](?:\+\+|#)|[fF]#)(?!\w)|{joined}")


def _marks() -> str:
    """Every combining mark, for a character class: they are inside words, ``\\w`` has none."""
    ranges: list[str] = []
    begin = None
    for number in range(0x300, 0x1E950):
        if unicodedata.category(chr(number)) in ("Mn", "Mc"):
            begin = number if begin is None else begin
        elif begin is not None:
            ranges.append(f"{chr(begin)}-{chr(number - 1)}")
            begin = None
    return "".join(ranges)


class _Memory(dict[str, str]):
    """The tokens of whatever stood between two blanks of a text in one language, once met."""

    def __init__(self, language: str | None):
        super().__init__()
        self._language = language
        self._words: dict[str, str] = {}
        self._lock = threading.Lock()

    def __missing__(self, written: str) -> str:
        made = " ".join(filter(None, map(self._word, _words(written))))
        self._keep(self, written, made)
        return made

    def _word(self, word: str) -> str:
        made = self._words.get(word)
        if made is None:
            made = " ".join(self._tokens(word))
            self._keep(self._words, word, made)
        return made

    def _keep(self, memory: dict[str, str], key: str, value: str) -> None:
        if len(key) <= LONGEST:
            with self._lock:
                if len(memory) >= REMEMBERED:
                    memory.clear()
                memory[key] = value

    def _tokens(self, word: str) -> Iterator[str]:
        for part, kind in _parts(word):
            if kind == _PAIRS:
                # The last one alone too: then each character is some token's beginning.
                yield from _pairs(part)
                yield part[-1]
            else:
                yield stem(part, self._language) if kind == _WORD else part


@cache
def _memory(language: str | None) -> _Memory:
    return _Memory(language)


def _pairs(run: str) -> list[str]:
    return [run[at : at + 2] for at in range(len(run) - 1)]


# --- names and their parts --------------------------------------------------------------------

_WORD, _EXACT, _PAIRS = range(3)
Part = tuple[str, int]


def _parts(raw: str) -> list[Part]:
    """What a word or joined name is found by, in small letters, each once."""
    if raw.isascii() and raw.isalpha() and (raw[1:].islower() or raw.isupper() or len(raw) == 1):
        return [(raw[:LONGEST].lower(), _WORD)]
    if raw.lower() in _SPECIAL:
        return [(_SPECIAL[raw.lower()], _EXACT)]
    found: dict[Part, None] = {}
    pieces = [piece for piece in _APOSTROPHES.split(raw) if piece]
    # An apostrophe parts what it joins (l'homme, Mary's); what is left of the small word is none.
    long = [piece for piece in pieces if len(piece) > 1] or pieces
    for piece in long:
        for part in _RUNS.split(piece):
            if _RUNS.match(part):
                found[part, _PAIRS] = None
            else:
                found.update(dict.fromkeys(_name(part)))
    return list(found)


def _name(name: str) -> Iterator[Part]:
    """The whole of a name, its segments, its words and their parts."""
    if _THOUSANDS.fullmatch(name):
        yield _folded(re.sub(r"\D", "", name))
        return
    segments = [segment for segment in _STRONG.split(name) if segment]
    if len(segments) > 1 and len(name) <= LONGEST:
        yield from _whole(name)
    for segment in segments:
        runs = [run for run in re.split(r"[.,_-]+", segment) if run]
        if len(runs) > 1 and len(segment) <= LONGEST:
            yield from _whole(segment)
        for run in runs:
            yield from _run(run)


def _run(run: str) -> Iterator[Part]:
    parts = _CUTS.split(run)
    yield _folded(run)
    # More than that is no name but an identifier without words, such as a hash.
    if 1 < len(parts) <= 6:
        yield from (_folded(part) for part in parts if len(part) > 1 or part.isdigit())


def _whole(name: str) -> Iterator[Part]:
    joined = re.sub(r"[\W_]+", "", name)
    if joined:
        yield _folded(joined)


def _folded(part: str) -> Part:
    part = part[:LONGEST]  # what is longer is found by how it begins
    small = part.lower() if part.isascii() else unicodedata.normalize("NFKC", part.casefold())
    if small.isalpha() or not any(letter.isdecimal() for letter in small):
        return small, _WORD
    if not small.isascii():
        digits = (
            str(unicodedata.decimal(letter)) if letter.isdecimal() else letter for letter in small
        )
        small = "".join(digits)
    return small, _EXACT
