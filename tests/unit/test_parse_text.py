"""Web pages, Markdown, tables and plain text in any encoding."""

from __future__ import annotations

import pytest

from services.engine.retrieval.blocks import Block, described
from services.engine.retrieval.reading import is_light, read_light
from tests.unit.parse_support import Reader, reader

__all__ = ["reader"]

PAGE = b"""<!doctype html><html><head><title>Cats &amp; dogs</title><style>p { x: y }</style></head>
<body><h1>Cats</h1>
<p>They <b>sleep</b>
   a lot.<br>Really.</p><script>steal("cookies")</script>
<h2>Food</h2><ul><li>fish<li>milk</ul>
<table><tr><th>Name<th>Age</tr><tr><td><p>Tom</p><td>3</tr></table>
<pre>a
  b</pre><div hidden>secret</div><p style="display: none">also</p><!-- remark --></body></html>"""


def test_a_web_page_is_what_a_reader_sees_of_it(reader: Reader) -> None:
    parsed = reader.read("a.html", PAGE)
    assert parsed.text == (
        "Cats & dogs\n\nCats\n\nThey sleep a lot.\nReally.\n\nFood\n\n- fish\n- milk\n"
        "Name | Age\nTom | 3\na\n  b\n\n"
    )
    assert parsed.blocks[-1].place == {"section": "Cats > Food"}


def test_a_page_nested_very_deeply_is_read(reader: Reader) -> None:
    assert reader.text("a.html", b"<div>" * 5_000 + b"deep").strip() == "deep"


def test_a_pages_own_word_on_its_encoding_counts(reader: Reader) -> None:
    page = '<meta charset="koi8-r"><p>Привет</p>'.encode("koi8-r")
    assert reader.text("a.html", page).strip() == "Привет"


def test_markdown_has_its_sections_and_lines(reader: Reader) -> None:
    text = (
        "Before.\n\n# One\nText.\n```\n# no heading\n```\n## Two #\nMore.\n\nThree\n=====\nEnd.\n"
    )
    parsed = reader.read("a.md", text.encode())
    assert parsed.text == text
    assert [block.place for block in parsed.blocks] == [
        {"line": 1},
        {"section": "One", "line": 3},
        {"section": "One > Two", "line": 8},
        {"section": "Three", "line": 11},
    ]


def test_tex_has_its_sections(reader: Reader) -> None:
    parsed = reader.read("a.tex", b"x\n\\section{One}\ny\n\\subsection*{Two}\nz")
    assert parsed.blocks[-1].place == {"section": "One > Two", "line": 4}


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_a_tables_rows_have_the_names_of_their_columns(reader: Reader, delimiter: str) -> None:
    lines = ["Name,Age,City", 'Anna,5,"Bonn, Rhein"', ",,", "Bo,,Ulm"]
    data = "\n".join(lines).replace(",", delimiter).encode()
    blocks = reader.read("a.csv", data).blocks
    city = "Bonn, Rhein".replace(",", delimiter.strip())
    assert blocks == (
        Block("Name | Age | City\n", {"row": 1}),
        Block(f"Name: Anna | Age: 5 | City: {city}\n", {"row": 2}),
        Block("Name: Bo | City: Ulm\n", {"row": 4}),
    )


@pytest.mark.parametrize("name", ["a.json", "a.py", "a.txt", "Makefile", "a.unheard"])
def test_other_text_stays_as_it_is(reader: Reader, name: str) -> None:
    text = '{"a": [1,\r\n 2]}\t\x0c# end'
    parsed = reader.read(name, text.encode())
    assert (parsed.text, parsed.blocks[0].place) == (text, {"line": 1})


ENCODED = [
    ("Größe und Maß für naïve Cafés", "utf-8"),
    ("Größe und Maß für naïve Cafés", "utf-8-sig"),
    ("Größe und Maß für naïve Cafés", "utf-16"),
    ("Größe und Maß für naïve Cafés", "utf-16-le"),
    ("Größe und Maß für naïve Cafés", "utf-16-be"),
    ("Größe und Maß für naïve Cafés", "utf-32"),
    ("Größe und Maß für naïve Cafés", "latin-1"),
    ("Съешь же ещё этих мягких французских булок", "cp1251"),
    ("日本語のテキストです。これは長い文章です。", "shift_jis"),
    ("这是一个中文的文本文件，里面有一些句子。", "gb18030"),
]


ENCODED += [
    ("日本語のテキストです。\n" * 20_000, "shift_jis"),
    ("\n" + "x" * 90_000 + " Größe", "latin-1"),
]


@pytest.mark.parametrize(
    ("text", "encoding"), ENCODED, ids=[f"{code}, {len(text)}" for text, code in ENCODED]
)
def test_text_is_read_in_its_encoding(reader: Reader, text: str, encoding: str) -> None:
    assert reader.text("a.txt", text.encode(encoding)) == text


def test_a_few_wrong_bytes_are_replaced(reader: Reader) -> None:
    data = "Viele schöne Wörter für Größe, Äpfel und Öl".encode() + b"\xff end"
    assert reader.text("a.txt", data).endswith("\ufffd end")


def test_text_with_bytes_of_no_encoding_is_read_all_the_same(reader: Reader) -> None:
    text = reader.text("a.txt", b"Some words of text, again and again. " * 9 + b"\x81\x8d\x90 end")
    assert text.endswith(" end")


@pytest.mark.parametrize(
    ("data", "code", "said"),
    [
        (b"\x89PNG\0\0\0\0", "unsupported_file", "binary data"),
        (b"\0\xff" * 40, "unsupported_file", "binary data"),
        (bytes(range(1, 32)) * 100, "unsupported_file", "binary data"),
        (bytes(range(128, 256)) * 4, "unsupported_file", "not text"),
        (b"", "invalid_file", "holds no text"),
        (b" \n\t " * 100, "invalid_file", "holds no text"),
        (b"\xff\xfe", "invalid_file", "holds no text"),
    ],
)
def test_what_is_no_text_is_refused(reader: Reader, data: bytes, code: str, said: str) -> None:
    error = reader.refused("a.txt", data)
    assert (error.code, said in str(error)) == (code, True)


def test_what_is_small_and_clear_needs_no_worker(reader: Reader) -> None:
    assert is_light("a.md", 1000)
    assert not is_light("a.pdf", 1000)
    assert not is_light("a.html", 1000)
    assert not is_light("a.txt", 1_000_000)
    path = reader.path("Größe".encode())
    light = read_light(path, "a.txt")
    assert light is not None
    assert light.text == "Größe"
    path.write_bytes("Größe".encode("latin-1"))
    assert read_light(path, "a.txt") is None


@pytest.mark.parametrize(
    ("place", "said"),
    [
        (None, ""),
        ({"page": 3}, "page 3"),
        ({"slide": 4}, "slide 4"),
        ({"sheet": "Costs", "row": 7}, "sheet Costs, row 7"),
        ({"row": 7, "to": 12}, "rows 7 to 12"),
        ({"page": 3, "to": 4}, "pages 3 to 4"),
        ({"section": "2.1 Results", "line": 9}, "section 2.1 Results"),
        ({"line": 9}, "line 9"),
        ({"line": 1}, ""),
    ],
)
def test_a_place_is_said_in_words(place: dict[str, int | str] | None, said: str) -> None:
    assert described(place) == said
