"""What a text is found by, and what a query looks for."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.engine.retrieval import words
from services.engine.retrieval.languages import LATIN, TAGS, language_of
from services.engine.retrieval.words import analysed, query_of, terms


class Index:
    """Texts in FTS5 as the engine's own index has them."""

    def __init__(self) -> None:
        self._database = sqlite3.connect(":memory:")
        self._database.execute("CREATE VIRTUAL TABLE t USING fts5(words, tokenize='ascii')")
        self._database.execute("CREATE VIRTUAL TABLE v USING fts5vocab(t, row)")

    def close(self) -> None:
        self._database.close()

    def holds(self, text: str, query: str) -> bool:
        """Whether the query finds the text, when it is all there is."""
        self.put(text)
        match = query_of(query)
        if match is None:
            return False
        return bool(self._database.execute("SELECT 1 FROM t WHERE t MATCH ?", (match,)).fetchall())

    def put(self, text: str) -> set[str]:
        """Replaces what is there; the tokens that FTS5 made of it."""
        self._database.execute("DELETE FROM t")
        self._database.execute("INSERT INTO t VALUES (?)", (analysed(text),))
        return {row[0] for row in self._database.execute("SELECT term FROM v")}


@pytest.fixture(scope="module")
def index() -> Iterator[Index]:
    made = Index()
    yield made
    made.close()


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("They were discussing the proposals for which the cities had asked.", "discussed"),
        ("They were discussing the proposals for which the cities had asked.", "proposal"),
        ("They were discussing the proposals for which the cities had asked.", "city"),
        ("In den alten Städten sind die Häuser nicht teuer.", "Haus"),
        ("In den alten Städten sind die Häuser nicht teuer.", "Stadt"),
        ("In den alten Städten sind die Häuser nicht teuer.", "die teuren Wohnungen"),
        ("Las canciones que cantaban los niños son muy antiguas.", "canción"),
        ("Las canciones que cantaban los niños son muy antiguas.", "niña"),
        ("В старых городах живут известные писатели.", "город"),
        ("В старых городах живут известные писатели.", "писателей"),
        ("我们昨天在北京大学的图书馆看书。", "图书馆"),
        ("我们昨天在北京大学的图书馆看书。", "北京有什么？"),
        ("زار الطلاب المكتبات الكبيرة في المدينة.", "مكتبة"),
        ("زار الطلاب المكتبات الكبيرة في المدينة.", "أين مدينة الطلاب؟"),
        ("زار الطلاب المكتبات الكبيرة في المدينة.", "والمدينة"),
        ("Les étudiants ont visité les bibliothèques de la ville.", "bibliothèque"),
        ("昨日は東京の図書館で本を読みました。", "東京"),
        ("나는 어제 도서관에서 책을 읽었다.", "도서관"),
    ],
)
def test_inflected_forms_find_each_other(index: Index, text: str, query: str) -> None:
    assert index.holds(text, query)


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("They were discussing the proposals for which the cities had asked.", "citation"),
        ("In den alten Städten sind die Häuser nicht teuer.", "Hausse"),
        ("В старых городах живут известные писатели.", "гора"),
        ("我们昨天在北京大学的图书馆看书。", "京北"),
        ("What was the pasta like?", "past"),
    ],
)
def test_other_words_do_not(index: Index, text: str, query: str) -> None:
    assert not index.holds(text, query)


@pytest.mark.parametrize(
    ("text", "queries"),
    [
        ("call load_user_settings() first", ["load_user_settings", "settings", "loadUserSettings"]),
        ("call loadUserSettings() first", ["loadUserSettings", "settings", "load_user_settings"]),
        ("class HTTPServerError(Exception)", ["HTTPServerError", "server", "httpservererror"]),
        ("import os.path.join here", ["os.path.join", "join", "path"]),
        ("see src/store/tables.py for it", ["src/store/tables.py", "tables.py", "tables", "store"]),
        (r"C:\Users\ann\notes.txt", ["notes.txt", "ann", r"Users\ann"]),
        ("at https://docs.example.com/guide/start?x=1", ["docs.example.com", "guide", "example"]),
        ("write to ann.lee@example.org today", ["ann.lee@example.org", "lee", "example.org"]),
        ("by e-mail or in person", ["email", "e-mail", "mail"]),
        ("the U.S.A. of the 1990s", ["USA", "1990", "1990s"]),
        ("for 1,250,000 people", ["1250000", "1.250.000"]),
        ("on 2024-03-09 at noon", ["2024-03-09", "2024"]),
        ("written in C++ and C# and F#", ["c++", "C#", "f#"]),
        ("l'homme qui rit", ["homme"]),
        ("Mary's book isn’t here", ["Mary", "isn't"]),
        ("covid19 cases", ["covid", "covid-19"]),
        ("iPhone手机第3章", ["iphone", "手机", "3"]),
    ],
)
def test_names_are_found_whole_and_in_parts(index: Index, text: str, queries: list[str]) -> None:
    missed = [query for query in queries if not index.holds(text, query)]
    assert not missed


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("una canción", "cancion"),
        ("el jalapeno", "jalapeño"),
        ("Ｆｕｌｌ　ｗｉｄｔｈ", "full width"),
        ("caf\u0065\u0301", "café"),
        ("die STRASSE", "Straße"),
        ("ОБЪЁМ продаж", "объем"),
        ("Москва\u0301 и область", "москва"),
        ("كِتَابٌ جديد", "كتاب"),
        ("الى المدرسه", "المدرسة"),
        ("in the year ٢٠٢٤", "2024"),
        ("co\u00adoperation", "cooperation"),
        ("ﬁnal oﬃce", "final office"),
        ("ｶﾀｶﾅ", "カタカナ"),
    ],
)
def test_other_ways_to_write_a_word_find_it(index: Index, text: str, query: str) -> None:
    assert index.holds(text, query)
    assert index.holds(query, text)


@pytest.mark.parametrize("character", ["水", "山", "中"])
def test_one_chinese_character_finds_any_word_with_it(index: Index, character: str) -> None:
    assert index.holds("高山流水的中文", character)


def test_a_short_query_need_not_tell_its_language(index: Index) -> None:
    german = "Die Wohnungen in der Stadt sind teuer und die Häuser auch."
    assert language_of(german.split()) == "german"
    assert language_of(["Wohnung"]) is None
    assert index.holds(german, "Wohnung")


@pytest.mark.parametrize(
    ("language", "text"),
    [
        (None, "The house that was on the hill is not there any more."),
        ("german", "Das Haus auf dem Hügel ist nicht mehr da."),
        ("spanish", "La casa que estaba en la colina ya no está."),
        ("french", "La maison qui était sur la colline n'est plus dans le village."),
        ("italian", "La casa che era sulla collina non è più nella valle."),
        ("portuguese", "A casa que estava na colina não está mais em pé."),
        ("dutch", "Het huis dat op de heuvel stond is er niet meer."),
        ("swedish", "Huset som stod på kullen är inte där och det är synd."),
        ("polish", "Dom, który był na wzgórzu, nie jest już tak piękny jak przez lata."),
        ("turkish", "Tepedeki ev artık yok ve bu çok üzücü bir şey."),
        ("persian", "خانه‌ای که بر تپه بود دیگر آنجا نیست و این را همه می دانند."),
        (None, "He said de facto en route."),
        (None, "def add(a, b):\n    return a + b"),
        (None, "我们昨天在北京大学的图书馆看书。"),
        (None, "Дом, который стоял на холме"),
    ],
)
def test_a_texts_small_words_tell_its_language(language: str | None, text: str) -> None:
    assert language_of(text.split()) == language


def test_there_is_a_stemmer_for_every_language() -> None:
    for language in LATIN:
        assert terms("houses", [language])[0].forms


@pytest.mark.parametrize("nothing", ["", "   ", "?!…", "🎉🎉", "***", "\x00\x07", "\ud800", "___"])
def test_a_text_without_words_has_no_tokens(nothing: str) -> None:
    assert analysed(nothing) == ""
    assert query_of(nothing) is None


@pytest.mark.parametrize(
    "query",
    [
        '"',
        '"unclosed phrase',
        "a AND OR NOT b",
        "NEAR(a b, 2)",
        "words : secret",
        "{words store} : x",
        "-a + b ^c",
        "(((((",
        "a* ** *",
        "'; DROP TABLE chunks; --",
        "À Þ1 Þ2",
        "x" * 1_000_000,
        "word " * 100_000,
        " ".join(f"word{number}" for number in range(20_000)),
        "水 " * 5_000,
        "水" * 50_000,
        "\ud800 lone \udfff surrogates",
        "nul\x00in\x00between",
    ],
)
def test_no_query_is_an_error(index: Index, query: str) -> None:
    index.holds("some words", query)


def test_a_query_cannot_name_a_store_or_a_language() -> None:
    for term in terms("À Þ1 Þ12 Ü", []):
        assert not any(form.startswith(("À", "Þ", "Ü")) for form in term.forms)


def test_a_very_long_query_keeps_its_first_words() -> None:
    found = terms(" ".join(f"w{number}x" for number in range(10_000)), [])
    assert len(found) == words.QUERY_WORDS
    match = query_of(" ".join(f"ab{chr(97 + n % 26)}{chr(97 + n // 26)}" for n in range(600)))
    assert match is not None
    assert match.count('"') <= 2 * words.MATCHED_WORDS * (len(TAGS) + 1)


@pytest.mark.parametrize("size", [1_000_000])
@pytest.mark.parametrize(
    "piece", ["a", "水", "a.", "aB", "a1", "'", "\u0301", "ก", "_", "a-", "\u200d"]
)
def test_a_huge_word_is_neither_refused_nor_slow(piece: str, size: int) -> None:
    text = piece * (size // len(piece))
    began = time.perf_counter()
    tokens = analysed(text).split()
    # Seconds would do; quadratic time would be hours.
    assert time.perf_counter() - began < 30
    assert all(len(token) <= 2 * words.LONGEST for token in tokens)


@given(st.text(st.characters(codec=None, exclude_categories=()), max_size=60))
def test_tokens_hold_nothing_that_the_index_would_split(text: str) -> None:
    tokens = analysed(text).split(" ") if analysed(text) else []
    for token in tokens:
        assert token
        assert all(ord(letter) > 127 or letter.isalnum() for letter in token)
        token.encode()
    index = Index()
    try:
        assert index.put(text) == set(tokens)
    finally:
        index.close()


@given(st.text(st.characters(codec=None, exclude_categories=()), max_size=60))
def test_a_text_is_found_by_itself(text: str) -> None:
    index = Index()
    try:
        assert index.holds(text, text) == bool(analysed(text))
    finally:
        index.close()


@given(st.lists(st.text(max_size=12), max_size=12))
def test_the_same_text_gives_the_same_tokens_whatever_came_before(texts: list[str]) -> None:
    words._memory.cache_clear()
    alone = []
    for text in texts:
        alone.append(analysed(text))
        words._memory.cache_clear()
    together = [analysed(text) for text in texts]
    assert together == alone == [analysed(text) for text in texts]
