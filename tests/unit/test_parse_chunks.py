"""A document in pieces: their size, their ends, their places, and that they are always the same."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.engine.retrieval.blocks import Block, Unreadable
from services.engine.retrieval.chunking import Chunk, chunks_of, token_count

SENTENCE = "A sentence of some words. "
texts = st.text(alphabet="ab .\n。漢é1_\"'" + "\u0301", max_size=2000)


def cut(*texts: str, size: int = 100, overlap: int = 0) -> list[Chunk]:
    return list(chunks_of([Block(text) for text in texts], size, overlap))


@given(st.lists(texts, max_size=4), st.integers(100, 200), st.data())
def test_pieces_cover_the_text_overlap_and_are_not_too_long(
    parts: list[str], size: int, data: st.DataObject
) -> None:
    overlap = data.draw(st.integers(0, size // 2))
    text, at, before = "".join(parts), 0, 0
    for chunk in cut(*parts, size=size, overlap=overlap):
        start = text.index(chunk.text, before)
        assert text[at:start].strip() == ""
        assert token_count(chunk.text) <= size + 8
        at, before = start + len(chunk.text), start + 1
    assert text[at:].strip() == ""


@given(texts, st.integers(0, 50))
def test_the_same_text_gives_the_same_pieces(text: str, overlap: int) -> None:
    assert cut(text, overlap=overlap) == cut(text, overlap=overlap)


def test_without_overlap_the_pieces_are_the_text() -> None:
    text = SENTENCE * 400
    assert "".join(chunk.text for chunk in cut(text)) == text


def test_a_piece_begins_in_the_one_before() -> None:
    text = " ".join(f"This is sentence {number}." for number in range(400))
    chunks = cut(text, size=200, overlap=100)
    for first, second in pairwise(chunks):
        begin = second.text[:40]
        assert begin in first.text
        shared = token_count(first.text[first.text.index(begin) :])
        assert 70 <= shared <= 100


def test_a_piece_ends_at_a_paragraph_rather_than_a_sentence_or_a_word() -> None:
    paragraph = SENTENCE * 5
    chunks = cut("\n\n".join([paragraph] * 40))
    assert all(chunk.text.endswith("\n\n") for chunk in chunks[:-1])
    assert all(chunk.text.endswith(". ") for chunk in cut(SENTENCE * 100)[:-1])
    assert all(chunk.text.endswith(" ") for chunk in cut("word " * 1000)[:-1])


def test_a_piece_ends_at_a_page_when_one_is_near() -> None:
    page = "\n\n".join([SENTENCE * 2] * 6) + "\n\n"
    blocks = [Block(page, {"page": number}) for number in range(1, 9)]
    chunks = list(chunks_of(blocks, 100, 0))
    assert [chunk.place for chunk in chunks] == [block.place for block in blocks]


def test_a_piece_of_several_pages_knows_its_last() -> None:
    blocks = [Block(SENTENCE * 3, {"page": number}) for number in range(1, 9)]
    assert [chunk.place for chunk in chunks_of(blocks, 100, 0)] == [
        {"page": 1, "to": 5},
        {"page": 6, "to": 8},
    ]
    rows = [Block(f"Row {row}.\n", {"sheet": "A", "row": row}) for row in range(1, 4)]
    (chunk,) = chunks_of(rows, 100, 0)
    assert chunk.place == {"sheet": "A", "row": 1, "to": 3}
    (chunk,) = chunks_of([*rows, Block("Row 1.", {"sheet": "B", "row": 1})], 100, 0)
    assert chunk.place == {"sheet": "A", "row": 1}


def test_rows_are_not_parted() -> None:
    rows = [f"Name: Person {number} | Age: {number}\n" for number in range(300)]
    for chunk in cut(*rows, overlap=30):
        assert chunk.text.startswith("Name")
        assert chunk.text.endswith("\n")


def test_a_piece_knows_where_it_begins() -> None:
    blocks = [
        Block("".join(f"First {number}.\n" for number in range(60)), {"line": 1}),
        Block("".join(f"Second {number}.\n" for number in range(60)), {"section": "", "line": 61}),
    ]
    chunks = list(chunks_of(blocks, 100, 40))
    text = "".join(block.text for block in blocks)
    at = 0
    for chunk in chunks:
        at = text.index(chunk.text, at)
        line = text.count("\n", 0, at) + 1
        assert chunk.place is not None
        assert chunk.place["line"] == line
        assert ("section" in chunk.place) == (line > 60)
        at += 1


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        # As o200k_base counts them.
        ("The quick brown fox jumps over the lazy dog. " * 50, 500),
        ("Съешь же ещё этих мягких французских булок. " * 50, 700),
        ("这是一个中文的文本文件，里面有一些句子。" * 50, 700),
        ("def add(self, number: int) -> None:\n    self.total += number\n" * 50, 850),
        ("1,250.75;17;2026-11-22\n" * 50, 850),
    ],
)
def test_tokens_are_about_those_of_a_tokenizer(text: str, tokens: int) -> None:
    assert 0.6 < token_count(text) / tokens < 1.6


def test_chinese_pieces_are_not_longer_than_english_ones() -> None:
    chunks = cut("这是一个中文的文本文件，里面有一些句子。" * 300, size=800, overlap=400)
    assert all(len(chunk.text) <= 800 for chunk in chunks)


@pytest.mark.parametrize(
    "text",
    [
        *("a" * 500_000, "." * 500_000, " " * 500_000 + "x", "\n" * 500_000 + "x", "。" * 200_000),
        *('."' * 200_000, "1a" * 200_000, "a " * 200_000, "e\u0301" * 200_000, "ꙮ" * 200_000),
    ],
    ids=lambda text: ascii(text[:2]),
)
def test_odd_texts_are_cut_in_time_that_grows_with_them(text: str) -> None:
    began = time.process_time()
    chunks = cut(text, size=100, overlap=50)
    assert time.process_time() - began < 20  # not a speed: quadratic work takes minutes
    assert all(len(chunk.text) < 5000 for chunk in chunks)


def test_a_document_of_too_many_tokens_is_refused() -> None:
    with pytest.raises(Unreadable, match=r"holds about 6,000 tokens .* may hold 5,000. Split it"):
        list(chunks_of([Block("word " * 6000)], 100, 0, most=5000))
