"""What a user is shown of a call before deciding, and what a decision is bound to."""

from __future__ import annotations

import dataclasses
import json
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.functions.approval import approval_request, check, denial
from services.records import (
    Answer,
    ApprovalRequest,
    Approve,
    Deny,
    FunctionTool,
    LocalFunction,
    ServiceError,
)

WEATHER = FunctionTool("weather", "Tells the weather.", {"type": "object", "properties": {}})
HERE = LocalFunction(WEATHER, "/functions/sky.py")


def requested(
    arguments: str = "{}",
    tool: str = "weather",
    definition: FunctionTool | None = WEATHER,
    local: LocalFunction | None = HERE,
) -> ApprovalRequest:
    return approval_request(
        run_id="run_1",
        thread_id="thread_1",
        call_id="call_1",
        tool=tool,
        arguments=arguments,
        definition=definition,
        local=local,
        position=2,
        of=3,
        expires_at=99,
    )


def text_request(value: str) -> ApprovalRequest:
    return requested(json.dumps({"value": value}))


def test_a_request_says_which_call_it_is_and_what_it_would_run() -> None:
    request = requested('{"b": 1, "a": "ä"}')
    assert (request.run_id, request.thread_id, request.call_id) == ("run_1", "thread_1", "call_1")
    assert (request.position, request.of, request.expires_at) == (2, 3, 99)
    assert request.arguments == '{"b": 1, "a": "ä"}'
    assert request.canonical == '{\n  "a": "ä",\n  "b": 1\n}'
    assert request.description == "Tells the weather."
    assert request.runs_here
    assert request.origin == "your function in sky.py"
    assert request.warnings == ()


@pytest.mark.parametrize("nothing", ["", " ", "\n\t", "{}"])
def test_empty_arguments_count_as_no_arguments(nothing: str) -> None:
    request = requested(nothing)
    assert request.canonical == "{}"
    assert request.warnings == ()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ("{", "not valid JSON"),
        ("{'a': 1}", "not valid JSON"),
        ('{"a": 1} {"b": 2}', "not valid JSON"),
        ('["a"]', "not a JSON object"),
        ("null", "not a JSON object"),
        ('{"a": 1, "a": 1}', "'a' more than once"),
        ('{"x": {"a": 1, "\\u0061": 2}}', "'a' more than once"),
        ('{"a": NaN}', "NaN"),
        ('{"a": -Infinity}', "-Infinity"),
        ('{"a": 1e999}', "out of range"),
        ('{"a": ' + "9" * 5000 + "}", "too many digits"),
        ('{"a": "\\ud800"}', "half of a character pair"),
        ('{"\\udc00": 1}', "half of a character pair"),
        ('{"a": ' + "[" * 64 + "]" * 64 + "}", "64 levels"),
        ('{"a": ' + "[" * 100_000, "64 levels"),
        ('{"a": "' + "x" * 1024 * 1024 + '"}', "1 MiB"),
        ('{"a": "' + "€" * 350_000 + '"}', "1 MiB"),
        ('{"a": [' + "0," * 60_000 + "0]}", "50,000 values"),
    ],
)
def test_arguments_that_could_be_read_in_two_ways_are_not_runnable(
    arguments: str, reason: str
) -> None:
    request = requested(arguments)
    assert request.canonical is None
    assert request.arguments == arguments
    assert any(reason in warning for warning in request.warnings)
    with pytest.raises(ServiceError, match="cannot be read as a JSON object"):
        check(Approve(request.fingerprint), request)


def test_arguments_of_64_levels_are_read() -> None:
    assert requested('{"a": ' + "[" * 63 + "]" * 63 + "}").canonical is not None


def test_half_a_character_pair_outside_of_json_does_no_harm() -> None:
    request = requested("\ud800", tool="\ud800")
    assert request.canonical is None
    assert any("U+D800" in warning for warning in request.warnings)


@pytest.mark.parametrize(
    "change",
    [
        {"arguments": '{"a":1 }'},
        {"tool": "weather2"},
        {"definition": None},
        {"definition": dataclasses.replace(WEATHER, description="Deletes the weather.")},
        {"definition": dataclasses.replace(WEATHER, parameters=None)},
        {"definition": dataclasses.replace(WEATHER, strict=True)},
    ],
)
def test_a_decision_about_a_call_that_changed_is_refused(change: dict[str, Any]) -> None:
    shown = requested('{"a":1}')
    changed = requested(**{"arguments": '{"a":1}', **change})
    for decision in (Approve(shown.fingerprint), Answer(shown.fingerprint, "sunny")):
        check(decision, shown)
        with pytest.raises(ServiceError, match="not the one that was shown"):
            check(decision, changed)


def test_the_fingerprint_depends_on_what_a_definition_says_and_not_on_how_it_is_kept() -> None:
    parameters = {"type": "object", "properties": {"b": {}, "a": {}}}
    kept = MappingProxyType({"properties": MappingProxyType({"a": {}, "b": {}}), "type": "object"})
    one = requested(definition=FunctionTool("weather", parameters=parameters))
    other = requested(definition=FunctionTool("weather", parameters=kept))
    assert one.fingerprint == other.fingerprint


def test_name_and_arguments_do_not_run_into_each_other_in_the_fingerprint() -> None:
    one = requested("bc", tool="a", definition=None)
    other = requested("c", tool="ab", definition=None)
    assert one.fingerprint != other.fingerprint


@pytest.mark.parametrize("local", [None, LocalFunction(WEATHER, "/functions/sky.py", "broken")])
def test_what_is_not_in_the_folder_can_be_answered_but_not_approved(
    local: LocalFunction | None,
) -> None:
    request = requested(local=local)
    assert not request.runs_here
    check(Answer(request.fingerprint, "sunny"), request)
    with pytest.raises(ServiceError, match="functions folder"):
        check(Approve(request.fingerprint), request)


def test_a_denial_always_stands_and_tells_the_model_the_reason() -> None:
    check(Deny(), requested("{"))
    assert denial(Deny()) == "The user denied this call."
    assert denial(Deny("  ")) == "The user denied this call."
    assert denial(Deny("Use Celsius.")) == "The user denied this call. Reason: Use Celsius."


def test_a_tool_that_the_model_was_not_offered_is_warned_about() -> None:
    request = requested(definition=None)
    assert request.warnings == ("This assistant was offered no tool of that name.",)
    assert request.description == "Tells the weather."


@pytest.mark.parametrize(
    "name", ["", "we ather", "w" * 65, "wеather", "weather\u202e", "a.b", "a\n"]
)
def test_a_name_that_no_function_can_have_never_runs_here(name: str) -> None:
    request = requested(tool=name)
    assert not request.runs_here
    assert any("none that a function can have" in warning for warning in request.warnings)


@pytest.mark.parametrize(
    "character",
    [
        "\x00", "\x1b", "\x7f", "\r", "\x9b", "\u00a0", "\u00ad", "\u034f", "\u061c", "\u115f",
        "\u180e", "\u200b", "\u200d", "\u202e", "\u2028", "\u2029", "\u2066", "\u2800", "\u3000",
        "\u3164", "\ufe0f", "\ufeff", "\ue000", "\U000e0041", "\U000e0100",
    ],
)  # fmt: skip
def test_every_character_that_is_not_seen_is_counted_and_named(character: str) -> None:
    name = f"U+{ord(character):04X}"
    for request in (
        requested(json.dumps({"value": f"a{character}b{character}"})),
        requested(json.dumps({f"a{character}b{character}": 1}, ensure_ascii=False)),
        requested(f"no JSON {character}{character}"),
    ):
        warning = next(each for each in request.warnings if "not seen" in each)
        assert "2 characters" in warning
        assert f"{name} 2 times" in warning


def test_letters_line_breaks_and_tabs_of_any_language_are_not_hidden() -> None:
    assert text_request("Zażółć\n\tנוֹחַ हिन्दी 한국어 日本語 ไทย 😀").warnings == ()


def test_many_kinds_of_hidden_characters_stay_one_short_sentence() -> None:
    (warning,) = text_request("".join(map(chr, range(0xE0020, 0xE0070)))).warnings
    assert "80 characters" in warning
    assert "72 other kinds" in warning
    assert len(warning) < 250


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("https://pаypal.example/", "different alphabets"),
        ("send to pаypal.com", "different alphabets"),
        ("/etc/pаsswd", "different alphabets"),
        ("C:\\Usеrs", "different alphabets"),
        ("https://раураӏ.com/", "not A to Z"),
        ("https://google.com@evil.example/", "names a user"),
        ("https://user:word@evil.example/", "names a user"),
        ("http://good.example\\@evil.example/", "names a user"),
        ("http://203.0.113.9/", "a number for a host"),
        ("http://2130706433/", "into this machine or network"),
        ("http://0x7f.1/", "into this machine or network"),
        ("http://[::1]:80/", "into this machine or network"),
        ("http://169.254.169.254/latest/meta-data", "into this machine or network"),
        ("HTTP://LOCALHOST:8333/v1", "into this machine or network"),
        ("ftp://nas/share", "into this machine or network"),
        ("http://printer.local./", "into this machine or network"),
        ("https://[::1", "cannot be read"),
        ("x" + " " * 21 + "rm", "long blank stretches"),
        ("x" + "\n" * 300 + "rm", "300"),
        ("x" + "\u2800 " * 11 + "rm", "long blank stretches"),
    ],
)
def test_what_could_mislead_in_addresses_paths_and_blanks_is_said(text: str, sign: str) -> None:
    for request in (text_request(text), requested(f"no JSON: {text}")):
        assert any(sign in warning for warning in request.warnings), request.warnings


@pytest.mark.parametrize(
    "text",
    [
        "https://example.com/a/b?c=d#e and http://docs.example.org:8080/",
        "Ein Satz. Noch einer: /usr/bin/env, C:\\Users\\x, me@example.com",
        "файл.txt",
        "報告final.pdf",
        "x" + " " * 20 + "y",
        "1.5.2 12:30 a://",
    ],
)
def test_ordinary_addresses_paths_and_blanks_are_not_warned_about(text: str) -> None:
    assert text_request(text).warnings == ()


def test_a_thousand_addresses_are_neither_all_read_nor_kept_quiet() -> None:
    request = text_request(" ".join(f"http://10.0.{n // 256}.{n % 256}/" for n in range(1000)))
    assert any("only the first 500" in warning for warning in request.warnings)
    assert any("'10.0.0.0', '10.0.0.1', '10.0.0.2' and 497 more" in w for w in request.warnings)


def is_plain_object(text: str) -> bool:
    """The same question answered another way, slowly."""

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len({key for key, _ in found}) == len(found)
        return dict(found)

    def depth(value: Any) -> int:
        if isinstance(value, dict):
            return 1 + max(map(depth, value.values()), default=0)
        if isinstance(value, list):
            return 1 + max(map(depth, value), default=0)
        return 0

    if not text.strip(" \t\r\n"):
        return True
    try:
        value = json.loads(text, object_pairs_hook=pairs)
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, AssertionError):
        return False
    return isinstance(value, dict) and depth(value) <= 64


PIECES = st.lists(
    st.sampled_from(
        [
            *("{", "}", "[", "]", ":", ",", '"a"', '"b"', "1", "-0", "1e999", "NaN", "null", " "),
            *('"\\ud800"', '"\\ud83d\\ude00"', '"\u202e"', '"http://a@[/"', "\ufeff", "\x00"),
            '{"a":',
        ]
    )
).map("".join)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
ARGUMENTS = st.one_of(
    st.text(st.characters(exclude_categories=())),
    PIECES,
    st.dictionaries(st.text(), VALUES, max_size=5).map(json.dumps),
    VALUES.map(lambda value: json.dumps(value, ensure_ascii=False)),
    st.integers(60, 68).map(lambda n: '{"a":' + "[" * n + "]" * n + "}"),
    st.from_regex(r"[a-z]{0,3}://[^\s]{0,12}"),
)


@given(ARGUMENTS)
def test_any_arguments_give_a_request_readable_only_if_they_are_a_plain_object(text: str) -> None:
    request = requested(text)
    assert (request.canonical is not None) == is_plain_object(text)
    if request.canonical is not None:
        assert json.loads(request.canonical) == json.loads(text.strip() or "{}")
    else:
        assert request.warnings
    assert request.arguments == text
    assert all(warning.isascii() and warning.isprintable() for warning in request.warnings)
    assert requested(text).fingerprint == request.fingerprint


@given(st.text(st.characters(exclude_categories=())))
def test_any_name_gives_a_request_whose_warnings_are_plain(name: str) -> None:
    request = requested(tool=name)
    assert all(warning.isascii() and warning.isprintable() for warning in request.warnings)
