"""PDF files as text: pages, words parted at line ends, and what cannot be read."""

from __future__ import annotations

import pytest

from tests.documents import pdf, pdf_of
from tests.unit.parse_support import Reader, reader

__all__ = ["reader"]


def test_each_page_is_a_block_that_knows_its_number(reader: Reader) -> None:
    parsed = reader.read("report.pdf", pdf(["First page."], ["Second", "page."], [], ["Fourth."]))
    assert [(block.text.strip(), block.place) for block in parsed.blocks] == [
        ("First page.", {"page": 1}),
        ("Second\npage.", {"page": 2}),
        ("Fourth.", {"page": 4}),
    ]
    assert not parsed.cut


def test_a_word_parted_at_a_lines_end_is_one_word(reader: Reader) -> None:
    lines = ["This is an exam-", "ple of the Franco-", "German friendship."]
    text = " ".join(reader.text("a.pdf", pdf(lines)).split())
    assert text == "This is an example of the Franco-German friendship."


def test_a_hyphen_at_the_end_of_a_page_stays(reader: Reader) -> None:
    parsed = reader.read("a.pdf", pdf(["It goes on -"], ["here."]))
    assert [block.text.strip() for block in parsed.blocks] == ["It goes on -", "here."]


def test_an_encrypted_pdf_says_so(reader: Reader) -> None:
    error = reader.refused("a.pdf", pdf(["Secret."], encrypt=True))
    assert error.code == "invalid_file"
    assert "needs a password" in str(error)


def test_a_pdf_without_text_says_that_it_may_be_scanned(reader: Reader) -> None:
    error = reader.refused("scan.pdf", pdf([], [], []))
    assert error.code == "unsupported_file"
    assert "images such as a scanner makes" in str(error)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"Hello", "This is no PDF file."),
        (b"", "This is no PDF file."),
        (pdf(["x"])[:200], "damaged"),
        (b"%PDF-1.7", "damaged"),
        (pdf(), "damaged"),
        # A page tree that is its own child.
        (
            pdf_of(
                [b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [2 0 R] /Count 9 >>"]
            ),
            "PDF",
        ),
    ],
)
def test_what_is_no_pdf_or_a_damaged_one_is_refused(reader: Reader, data: bytes, said: str) -> None:
    assert said in str(reader.refused("a.pdf", data))


def test_a_page_that_cannot_be_read_does_not_lose_the_others(reader: Reader) -> None:
    broken = pdf(["One."], ["Two."], ["Three."]).replace(b"5 0 obj\n<<", b"5 0 obj\n((")
    text = reader.text("a.pdf", broken)
    assert "One." in text
    assert "Three." in text


def test_a_pdf_of_very_many_pages_is_read_to_its_end(reader: Reader) -> None:
    parsed = reader.read("a.pdf", pdf(*([f"Page {number}."] for number in range(1, 3001))))
    assert parsed.blocks[-1].place == {"page": 3000}


def test_reading_ends_where_enough_was_read(reader: Reader) -> None:
    parsed = reader.read("a.pdf", pdf(["a" * 60], ["b" * 60]), most=80)
    assert parsed.cut
    assert len(parsed.text) == 80
