"""A document cut into overlapping pieces of so many tokens.

Tokens are estimated by a pattern: what a tokenizer makes one token of is, in most scripts, a word
of up to eight letters, three digits, two signs, or one CJK character. That is within a fifth of
``o200k_base`` for prose in many languages, code and tables, needs no model file of 75 MB, and the
same text always gives the same pieces.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from services.engine.retrieval.blocks import MOST_TOKENS, NUMBERED, Block, Place, Unreadable

_TOKEN = re.compile(
    r"[A-Za-z]{1,8}|[0-9]{1,3}|[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7ff]|[\u0370-\u04ff]{1,5}"
    r"|[^\W\d_]{1,4}|\d{1,2}|_|[^\w\s]{1,2}|\s{2,16}|\n"
)
# Where a text may be parted, and how gladly: behind a row, a sentence, a paragraph, a page.
_ROW, _SENTENCE, _PARAGRAPH, _PLACE = 1, 2, 3, 4
_END = re.compile(
    r"\n+|[.!?…;](?:[\"'”’»)\]]{1,2})?[^\S\n]+|[。！？；][”’」』）]{0,2}\n*|[؟۔।][^\S\n]*"
)
_SENTENCE_ENDS = '.!?…:。！？؟۔।"”»'
# The last quarter of a piece is where its end is chosen.
_CHOICE = 4
_SMALLEST = 8


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of the document's text, exactly as it stands there, and where it begins."""

    text: str
    place: Place | None


@dataclass(slots=True)
class _Cuts:
    """Where a text may be parted: offsets, the tokens before each, and its rank."""

    offsets: list[int]
    tokens: list[int]
    ranks: list[int]


def token_count(text: str) -> int:
    """About how many tokens a text is."""
    return len(_TOKEN.findall(text))


def chunks_of(
    blocks: Sequence[Block],
    size: int,
    overlap: int,
    alive: Callable[[], None] = lambda: None,
    most: int = MOST_TOKENS,
) -> Iterator[Chunk]:
    """Pieces of at most ``size`` tokens, each but the first beginning ``overlap`` before the end
    of the one before it, or a little less.

    Raises ``Unreadable`` for a document of more than ``most`` tokens.
    """
    text = "".join(block.text for block in blocks)
    cuts = _cuts(blocks, text, max(_SMALLEST, size // _CHOICE // 2), alive)
    if cuts.tokens[-1] > most:
        raise Unreadable(
            f"The file holds about {cuts.tokens[-1]:,} tokens of text, and a file of a vector "
            f"store may hold {most:,}. Split it into smaller files."
        )
    places = _Places(blocks, text)
    for begin, end in _pieces(cuts, size, overlap):
        piece = text[cuts.offsets[begin] : cuts.offsets[end]]
        if piece.strip():
            alive()
            yield Chunk(piece, places.of(cuts.offsets[begin], cuts.offsets[end]))


def _pieces(cuts: _Cuts, size: int, overlap: int) -> Iterator[tuple[int, int]]:
    """Pairs of cuts, as indices."""
    tokens, last = cuts.tokens, len(cuts.tokens) - 1
    begin = 0
    while begin < last:
        end = bisect_right(tokens, tokens[begin] + size) - 1
        if end >= last:
            yield begin, last
            return
        end = max(end, begin + 1)
        early = bisect_left(tokens, tokens[begin] + size - size // _CHOICE, begin + 1, end)
        # Of equally good ends the last.
        end = max(range(early, end + 1), key=lambda at: (cuts.ranks[at], at))
        yield begin, end
        if not overlap:
            begin = end
            continue
        start = bisect_left(tokens, tokens[end] - overlap, begin + 1, end)
        late = bisect_right(tokens, tokens[end] - overlap + overlap // _CHOICE, start, end)
        begin = max(range(start, max(late, start + 1)), key=lambda at: (cuts.ranks[at], -at))


def _cuts(blocks: Sequence[Block], text: str, longest: int, alive: Callable[[], None]) -> _Cuts:
    cuts = _Cuts([0], [0], [_PLACE])

    def add(end: int, tokens: int, rank: int) -> None:
        cuts.offsets.append(end)
        cuts.tokens.append(cuts.tokens[-1] + tokens)
        cuts.ranks.append(rank)

    at = 0
    for number, block in enumerate(blocks):
        alive()
        following = blocks[number + 1].place if number + 1 < len(blocks) else None
        stop = at + len(block.text)
        for end, rank in _ends(text, at, stop):
            tokens = token_count(text[at:end])
            if tokens > longest:
                for part, count in _parted(text, at, end, longest):
                    add(part, count, 0)
                cuts.ranks[-1] = rank
            elif tokens or not cuts.ranks[-1]:
                add(end, tokens, rank)
            else:
                # Nothing but a blank line: it belongs to what is before it.
                cuts.offsets[-1] = end
                cuts.ranks[-1] = max(cuts.ranks[-1], _PARAGRAPH)
            at = end
        if block.text and not _same(block.place, following):
            cuts.ranks[-1] = _PLACE
    return cuts


def _ends(text: str, begin: int, stop: int) -> Iterator[tuple[int, int]]:
    """The ends of the rows and sentences of a block, each with its rank; the last is its end."""
    at = begin
    for found in _END.finditer(text, begin, stop):
        at = found.end()
        mark = found.group()
        if mark[0] != "\n":
            yield at, _PARAGRAPH if mark[-1] == "\n" else _SENTENCE
        elif len(mark) > 1:
            yield at, _PARAGRAPH
        else:
            ended = found.start() > begin and text[found.start() - 1] in _SENTENCE_ENDS
            yield at, _SENTENCE if ended else _ROW
    if at < stop:
        yield stop, _ROW


def _parted(text: str, begin: int, end: int, longest: int) -> Iterator[tuple[int, int]]:
    """A sentence that is too long for one piece, in parts of up to ``longest`` tokens.

    Between words where there are any; each part with its number of tokens.
    """
    count = behind = 0
    blank = last = begin
    for token in _TOKEN.finditer(text, begin, end):
        start = token.start()
        if start > begin and (text[start - 1].isspace() or text[start].isspace()):
            blank, behind = start, 0
        if count == longest:
            if blank > last:
                yield blank, count - behind
                last, count = blank, behind
            else:
                yield start, count
                last, count, behind = start, 0, 0
        count += 1
        behind += 1
    yield end, count


def _same(place: Place | None, other: Place | None) -> bool:
    """Whether the reader is still at one page, slide, sheet or section."""
    names = ("page", "slide", "sheet", "section")
    return all((place or {}).get(name) == (other or {}).get(name) for name in names)


class _Places:
    """The places of pieces, asked in their order: lines are counted on from the last one."""

    def __init__(self, blocks: Sequence[Block], text: str):
        self._blocks = [block for block in blocks if block.text]
        self._ends = list(accumulate(len(block.text) for block in self._blocks))
        self._text = text
        self._counted = (0, 0, 0)

    def of(self, begin: int, end: int) -> Place | None:
        number = bisect_right(self._ends, begin)
        place = self._blocks[number].place
        if place is None:
            return None
        if "line" in place:
            return {**place, "line": int(place["line"]) + self._lines(number, begin)}
        last = self._blocks[max(number, bisect_left(self._ends, end))].place or {}
        for name in NUMBERED:
            if last.get(name, place.get(name)) != place.get(name) and _alike(place, last):
                return {**place, "to": last[name]}
        return place

    def _lines(self, number: int, begin: int) -> int:
        """Lines between the block's beginning and this offset."""
        block, at, lines = self._counted
        if block != number:
            at, lines = (self._ends[number - 1] if number else 0), 0
        lines += self._text.count("\n", at, begin)
        self._counted = (number, begin, lines)
        return lines


def _alike(place: Place, last: Place) -> bool:
    return place.get("sheet") == last.get("sheet")
