"""Markdown into pieces, as the text arrives.

What can no longer change is settled and never parsed again; the rest, the tail, is parsed with each
addition. Inside a list, a table or a fence the tail begins at the last item, row or page, so that
the cost of an addition does not grow with the answer. The result depends on the text alone, not on
how it was cut: additions pass the same fixed places (:data:`SLICE`) however they come.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tui.text import safe
from tui.transcript.parser import References, block_tokens, closing
from tui.transcript.pieces import Piece
from tui.transcript.render_code import PAGE, FencePage, language_of
from tui.transcript.render_markdown import LISTS, BlockPiece, ItemPiece, ListRun, gap_between
from tui.transcript.render_table import TableRun, table_parts

if TYPE_CHECKING:
    from markdown_it.token import Token

SLICE = 4_096  # characters between two places where an overlong tail is looked for
LONGEST_TAIL = 8_192  # characters that are parsed again with each addition, at most

# A citation's marker that is not whole yet is shown when it is.
_marker_begun = re.compile("【[^】\n]{0,160}\\Z")
# The beginning of a line that may still become something else: shown when it is decided.
_undecided = re.compile(
    r"[ >]*(?:[-=+*_~`]{1,2}|#{1,6}|\d{1,3}[.)]?|\|[-: |]*|:?-+[-: |]*)[ \t]*\Z"
)


@dataclass(slots=True)
class _Resume:
    """Where the tail begins: what it goes on with, and what stood before it."""

    prefix: str = ""  # lines to parse before the tail, so that it is read as what it is part of
    run: ListRun | TableRun | None = None
    index: int = 0  # of the tail's first item in its list
    language: str | None = None  # of the fence that goes on
    context: str = ""  # the page of code before
    joined: bool = False  # the tail goes on in the middle of a line
    before: str = ""  # kind of the block before
    blank: bool = False  # a blank line stood before


@dataclass(slots=True)
class _Found:
    """A piece of the tail and how to begin a later tail with it. ``line`` counts in the tail."""

    line: int
    piece: Piece
    resume: _Resume
    stop: int = 0  # the line after it, where something within could reach beyond
    open_fence: bool = False


class Document:
    """The pieces of one Markdown text."""

    def __init__(self) -> None:
        self.pieces: list[Piece] = []
        self.parsed = 0  # characters parsed so far, repeats included: what additions cost
        self._references = References()
        self._settled_references = self._references.known
        self._settled = 0
        self._tail = ""
        self._length = 0
        self._finished = False
        self._resume = _Resume()

    def cite(self, cited: dict[str, int]) -> None:
        """What the markers of citations are drawn as: their numbers."""
        self._references.cite(cited)

    def append(self, text: str) -> int:
        """Add ``text``. Returns the index of the first piece that is new or changed."""
        changed = self._settled
        while text:
            room = SLICE - self._length % SLICE
            self._tail += text[:room]
            self._length += len(text[:room])
            text = text[room:]
            if not self._length % SLICE and len(self._tail) > LONGEST_TAIL:
                self._parse_long()
            elif not self._length % SLICE or not text:
                self._parse()
        return changed

    def finish(self) -> int:
        """No more text follows: what was undecided is shown. Returns as :meth:`append`."""
        changed = self._settled
        if not self._finished:
            self._finished = True
            self._parse()
        return changed

    def _decided(self) -> str:
        """The tail without what the next character may turn into something else."""
        tail = self._tail
        if self._finished:
            return tail
        if tail.endswith("\r"):
            tail = tail[:-1]
        start = tail.rfind("\n") + 1
        if _undecided.match(tail, start):
            return tail[:start]
        begun = _marker_begun.search(tail, max(start, len(tail) - 170))
        return tail[: begun.start()] if begun else tail

    def _parse(self) -> list[_Found]:
        tail = safe(self._decided())
        resume = self._resume
        source = resume.prefix + tail
        self.parsed += len(source)
        skip = resume.prefix.count("\n")
        tokens, known, defined = block_tokens(source, self._settled_references)
        self._references.learn(known)
        found = self._found(tokens, source.split("\n"), skip)
        self._set_gaps(found, tail.split("\n"))
        del self.pieces[self._settled :]
        self.pieces += [each.piece for each in found]
        self._settle(found, [(start - skip, end - skip) for start, end in defined], tail)
        return found

    def _found(self, tokens: list[Token], lines: list[str], skip: int) -> list[_Found]:
        blank = frozenset(
            number for number in range(1, len(lines)) if not lines[number - 1].strip(" >\t")
        )
        found: list[_Found] = []
        at = 0
        while at < len(tokens):
            end = closing(tokens, at)
            block = tokens[at : end + 1]
            first = at == 0
            at = end + 1
            start, stop = block[0].map or [0, 0]
            kind = block[0].type.removesuffix("_open")
            if kind == "fence":
                found += self._fence(block[0], lines, skip, first)
            elif kind in LISTS:
                found += self._items(block, lines, skip, blank, first)
            elif kind == "table":
                found += self._rows(block, lines, skip, first)
            else:
                piece = BlockPiece(block, "\n".join(lines[start:stop]), blank, self._references)
                found.append(_Found(start - skip, piece, _Resume(), stop - skip))
        return found

    def _fence(self, token: Token, lines: list[str], skip: int, first: bool) -> list[_Found]:
        resume = self._resume
        start, stop = token.map or [0, 0]
        goes_on = first and resume.language is not None
        opening = lines[start]
        language = language_of(token.info)
        code = token.content.splitlines(keepends=True)
        is_open = stop - start - 1 == len(code)  # a closed one has a line more
        context = resume.context if goes_on else ""
        found: list[_Found] = []
        for begin in range(0, len(code), PAGE) or (0,):
            page = "".join(code[begin : begin + PAGE])
            fresh = begin == 0 and not goes_on
            joined = begin == 0 and goes_on and resume.joined
            piece = FencePage(page, language, context=context, first=fresh, joined=joined)
            later = (
                _Resume()
                if fresh
                else _Resume(opening + "\n", language=language, context=context, joined=joined)
            )
            line = start - skip if fresh else start + 1 - skip + begin
            found.append(_Found(line, piece, later))
            context = page
        found[-1].open_fence = is_open
        return found

    def _items(
        self, block: list[Token], lines: list[str], skip: int, blank: frozenset[int], first: bool
    ) -> list[_Found]:
        resume = self._resume if first else _Resume()
        ordered = block[0].type == "ordered_list_open"
        run, index = resume.run, resume.index
        if not (
            first
            and isinstance(run, ListRun)
            and (run.ordered, run.markup) == (ordered, block[0].markup)
        ):
            run = ListRun(ordered, block[0].markup, int(block[0].attrs.get("start", 1)))
            index = 0
        # Read after an item of the same list, so that only what may follow an item is tried; its
        # text is so far right that nothing becomes a part of it.
        marker = f"1{block[0].markup}" if ordered else block[0].markup
        prefix = f"{marker}    x\n"
        found: list[_Found] = []
        at = 1 if not index else closing(block, 1) + 1
        while at < len(block) - 1:
            end = closing(block, at)
            item = block[at : end + 1]
            at = end + 1
            start, stop = item[0].map or [0, 0]
            source = "\n".join(lines[start:stop])
            piece = ItemPiece(item, source, blank, self._references, run, index)
            later = _Resume(prefix if index else "", run=run, index=index)
            found.append(_Found(start - skip, piece, later, stop - skip))
            index += 1
        run.count = index
        return found

    def _rows(self, block: list[Token], lines: list[str], skip: int, first: bool) -> list[_Found]:
        resume = self._resume
        known = resume.run if first and isinstance(resume.run, TableRun) else None
        start = block[0].map[0] if block[0].map else 0
        prefix = "\n".join(lines[start : start + 2]) + "\n"
        index = resume.index if known is not None else 0
        run, parts = table_parts(block, self._references, known)
        found: list[_Found] = []
        for line, part in parts:
            if part.cells is None:
                found.append(_Found(line - skip, part, _Resume()))
                continue
            part.first = index == 0
            found.append(_Found(line - skip, part, _Resume(prefix, run=run, index=index)))
            index += 1
        return found

    def _set_gaps(self, found: list[_Found], lines: list[str]) -> None:
        resume = self._resume
        before, run = resume.before, resume.run if resume.index else None
        for number, each in enumerate(found):
            piece = each.piece
            kind = piece.kind
            own = each.resume.run
            if number == 0 and (resume.joined or not before):
                piece.gap = 0
            elif kind in ("fence", "table") and each.resume.prefix:
                piece.gap = 0  # a page or row of what was begun before
            else:
                at = each.line
                blank = resume.blank if at == 0 else not lines[at - 1].strip(" \t")
                like = kind
                if kind == "item" and not (own is run and before == "item"):
                    like = "ordered_list" if isinstance(own, ListRun) and own.ordered else LISTS[0]
                piece.gap = gap_between(before, like, blank)
            before, run = kind, own

    def _settle(self, found: list[_Found], defined: list[tuple[int, int]], tail: str) -> None:
        """Move the tail's begin to the last piece that began before the unfinished line."""
        unfinished = self._tail.count("\n")
        for number in range(len(found) - 1, -1, -1):
            begin = found[number].line
            # A definition may yet swallow the line after it, as its title.
            for start, end in reversed(defined):
                if end == begin:
                    begin = start
            if number and begin < found[number - 1].stop:
                continue  # defined within the piece before
            if 0 < begin < unfinished:
                self._move(found, number, begin, tail)
                return

    def _move(self, found: list[_Found], last: int, line: int, tail: str) -> None:
        shown = tail.split("\n")
        for each in found[:last]:
            piece = each.piece
            run = each.resume.run
            if isinstance(run, TableRun):
                self._widen(run, piece)
        inside = found[last].line == line
        resume = found[last].resume if inside else _Resume()
        resume.before = found[last - 1].piece.kind if last else self._resume.before
        resume.blank = not shown[line - 1].strip(" \t")
        self._settled_references = {
            label: target
            for label, target in self._references.known.items()
            if label in self._settled_references or self._defined_before(target, line)
        }
        self._settled += last
        self._tail = self._after_lines(line)
        self._resume = resume

    def _defined_before(self, target: object, line: int) -> bool:
        skip = self._resume.prefix.count("\n")
        return isinstance(target, dict) and target["map"][1] - skip <= line

    @staticmethod
    def _widen(run: TableRun, piece: Piece) -> None:
        cells = getattr(piece, "cells", None)
        if cells is not None:
            run.settled = tuple(
                max(pair) for pair in zip(run.settled, run.wishes(cells), strict=False)
            )

    def _after_lines(self, count: int) -> str:
        at = 0
        for _ in range(count):
            at = self._tail.index("\n", at) + 1
        return self._tail[at:]

    def _parse_long(self) -> None:
        """Parse a tail that became too long to be parsed again and again.

        If it is one block, it is settled as it is. A fence then goes on as a fence; anything else
        goes on as a new block, in the next line or, if the line is what is long, after a word.
        """
        line_start = self._tail.rfind("\n") + 1
        rest = ""
        if line_start > len(self._tail) // 2:
            rest = self._tail[line_start:]
        elif self._tail.endswith("\r"):
            rest = "\r"
        else:
            space = self._tail.rfind(" ", len(self._tail) - 200)
            rest = self._tail[space + 1 :] if space > 0 else ""
        keep = self._tail[: len(self._tail) - len(rest)]
        was_finished, self._finished = self._finished, True  # nothing of it is undecided now
        self._tail = keep
        resume_before = self._resume
        found = self._parse()
        self._finished = was_finished
        if self._resume is not resume_before:
            self._tail += rest  # more than one block: the earlier ones are settled
            self._parse()
            return
        last = found[-1] if found else None
        joined = not keep.endswith("\n")
        if last is not None and last.open_fence and isinstance(last.piece, FencePage):
            prefix = last.resume.prefix or keep[: keep.find("\n") + 1]
            self._resume = _Resume(
                prefix,
                language=language_of(prefix.strip().lstrip("`~")),
                context=last.piece.code,
                joined=joined,
                before="fence",
            )
        else:
            self._resume = _Resume(joined=joined, before=last.piece.kind if last else "")
        for each in found:
            if isinstance(each.resume.run, TableRun):
                self._widen(each.resume.run, each.piece)
        self._settled = len(self.pieces)
        self._settled_references = dict(self._references.known)
        self._tail = rest
        self._parse()
