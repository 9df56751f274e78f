"""An entry as pieces: its heading line, its text, what to know about it."""

from __future__ import annotations

from dataclasses import replace

from tui.transcript.blocks import Document
from tui.transcript.entries import Entry, MessageEntry, NoticeEntry, PictureEntry, StepEntry
from tui.transcript.labels import Header, More, Sentence, StepTitle, note_pieces, notice_piece
from tui.transcript.layout import Heights
from tui.transcript.literal import literal_pieces
from tui.transcript.picture import PictureTitle, picture_pieces
from tui.transcript.pieces import Piece, estimated_lines

SHOWN = 100_000  # characters of one entry that are shown; more on demand, nothing cut in the data
STREAMED = 400_000  # as much is shown of a text that arrived little by little
LITTLE = 16_384

_NO_HEIGHTS = Heights()


class Row:
    """One entry in the transcript: pieces once somebody came near, an estimate before."""

    __slots__ = (
        "_chunks",
        "_document",
        "_fed",
        "_length",
        "_pending",
        "_shown",
        "entry",
        "gap",
        "heights",
        "index",
        "opened",
        "pieces",
        "raw",
    )

    def __init__(self, entry: Entry, index: int) -> None:
        self.entry = entry
        self.index = index
        self.gap = 0
        self.opened = False
        self.raw = False  # Markdown as it was written
        self.pieces: list[Piece] | None = None
        self.heights = _NO_HEIGHTS  # until there are pieces; there may be many thousand rows
        self._document: Document | None = None
        self._chunks: list[str] | None = None  # streamed text that ``entry`` does not have yet
        self._pending: list[str] | None = None  # streamed text that the document does not have yet
        self._length = len(entry.text) if isinstance(entry, MessageEntry) else 0
        self._fed = 0  # characters the document has
        self._shown = SHOWN

    @property
    def streams(self) -> bool:
        return isinstance(self.entry, MessageEntry) and self.entry.state == "streaming"

    @property
    def length(self) -> int:
        """Characters of the message so far."""
        return self._length

    @property
    def rendered(self) -> bool:
        """Whether the text is Markdown and drawn as such."""
        return isinstance(self.entry, MessageEntry) and not self.entry.own and not self.raw

    @property
    def hidden(self) -> int:
        """Characters of the text that are not shown, because it is very long."""
        if isinstance(self.entry, StepEntry):
            return max(0, len(self.entry.detail) - self._shown) if self.opened else 0
        return max(0, self._length - self._shown)

    @property
    def folds(self) -> bool:
        return isinstance(self.entry, StepEntry) and bool(self.entry.detail)

    def current(self) -> Entry:
        """The entry with all text streamed so far."""
        if self._chunks and isinstance(self.entry, MessageEntry):
            self.entry = replace(self.entry, text=self.entry.text + "".join(self._chunks))
            self._chunks = None
        return self.entry

    def estimate(self, width: int) -> int:
        """About how many lines the row takes, from its text alone."""
        entry = self.entry
        if isinstance(entry, StepEntry):
            return self.gap + 1 + (estimated_lines(entry.detail, width) if self.opened else 0)
        if isinstance(entry, PictureEntry):
            return self.gap + 1 + sum(piece.estimate(width) for piece in picture_pieces(entry))
        text = entry.text
        if len(text) > self._shown:
            text = text[: self._shown]
        lines = self.gap + estimated_lines(text, width)
        if isinstance(entry, NoticeEntry):
            return lines
        return lines + (3 if entry.note else 1) + len(entry.footnotes)

    def replace(self, entry: Entry) -> None:
        """Take ``entry``; what was made of the text stays when the new one only goes on."""
        before = self.current()
        self._chunks = self._pending = None
        if (
            self._document is not None
            and isinstance(before, MessageEntry)
            and isinstance(entry, MessageEntry)
            and not entry.own
            and len(before.text) >= self._fed
            and entry.text.startswith(before.text)
        ):
            self._pending = [entry.text[self._fed : self._shown]]
        else:
            self.close()
        self.entry = entry
        self._length = len(entry.text) if isinstance(entry, MessageEntry) else 0
        if self.pieces:
            self.pieces[0] = self._head()

    def add(self, text: str) -> None:
        """More text of the message; the next :meth:`build` takes it in."""
        self._chunks = self._chunks or []
        self._chunks.append(text)
        if not self.hidden and len(text) <= LITTLE:
            # Who follows an answer goes on seeing its end; taken in bit by bit it costs little.
            self._shown = max(self._shown, min(self._length + len(text), STREAMED))
        self._length += len(text)
        if self._document is None:
            self.pieces = None
        elif self._fed < self._shown:
            self._pending = self._pending or []
            self._pending.append(text)

    def close(self) -> None:
        """Forget the pieces; they are made again when somebody comes near."""
        self.current()
        self.pieces = None
        self._document = None
        self._pending = None
        self._fed = 0

    def toggle(self) -> None:
        self.opened = not self.opened
        self.pieces = None

    def set_raw(self, raw: bool) -> None:
        """Show the Markdown as it was written, or rendered again."""
        if raw != self.raw:
            self.close()
            self.raw = raw

    def show_more(self) -> None:
        """Show the next part of a very long text."""
        self._shown += SHOWN
        entry = self.current()
        if self._document is None:
            self.pieces = None
        elif isinstance(entry, MessageEntry):
            self._pending = [entry.text[self._fed : self._shown]]

    def set_gap(self, gap: int) -> None:
        self.gap = gap
        if self.pieces:
            self.pieces[0].gap = gap

    def build(self, width: int) -> None:
        """Make the pieces, or bring them up to date with the text; :attr:`heights` follow."""
        if self.rendered:
            assert isinstance(self.entry, MessageEntry)
            changed = self._build_answer(self.entry)
        elif self.pieces is None:
            self.pieces = self._literal_pieces()
            changed = 0
        else:
            return
        assert self.pieces is not None
        self.pieces[0].gap = self.gap
        if self.heights is _NO_HEIGHTS:
            self.heights = Heights()
        self.heights.truncate(changed)
        for piece in self.pieces[len(self.heights) :]:
            self.heights.append(piece.estimate(width))

    def guess_heights(self, width: int) -> None:
        """After a change of width: nothing that was drawn says anything about heights now."""
        self.heights = Heights(piece.estimate(width) for piece in self.pieces or ())

    def _head(self) -> Piece:
        entry = self.entry
        if isinstance(entry, MessageEntry):
            piece: Piece = Header(entry)
        elif isinstance(entry, StepEntry):
            piece = StepTitle(entry, self.opened)
        elif isinstance(entry, PictureEntry):
            piece = PictureTitle(entry.title)
        else:
            piece = notice_piece(entry)
        piece.gap = self.gap
        return piece

    def _literal_pieces(self) -> list[Piece]:
        entry = self.current()
        pieces = [self._head()]
        if isinstance(entry, MessageEntry):
            pieces += literal_pieces(entry.text[: self._shown])
        elif isinstance(entry, StepEntry) and self.opened and entry.detail:
            pieces += literal_pieces(entry.detail[: self._shown], code=True, indent=2)
        elif isinstance(entry, PictureEntry):
            pieces += picture_pieces(entry)
        if self.hidden:
            pieces.append(More(self.hidden))
        if isinstance(entry, MessageEntry):
            pieces += note_pieces(entry)
        return pieces

    def _build_answer(self, entry: MessageEntry) -> int:
        document = self._document
        if document is None:
            document = self._document = Document()
            self.pieces = None
            self.current()
            assert isinstance(self.entry, MessageEntry)
            self._pending = [self.entry.text[: self._shown]]
        document.cite({each.marker: each.number for each in entry.footnotes})
        changed = len(document.pieces)
        text = "".join(self._pending or ())[: self._shown - self._fed]
        self._pending = None
        if text:
            self._fed += len(text)
            changed = min(changed, document.append(text))
        if not self.streams and self._fed >= self._length:
            changed = min(changed, document.finish())
        head = self.pieces[0] if self.pieces else self._head()
        first = 0 if self.pieces is None else 1 + changed
        end: list[Piece] = []
        if not document.pieces and self.streams:
            end.append(Sentence("…", "", "muted"))
        if self.hidden:
            end.append(More(self.hidden))
        self.pieces = [head, *document.pieces, *end, *note_pieces(entry)]
        return min(first, len(self.heights))
