"""Links: where they really go is shown, and only some are opened."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.tui.support import running
from tests.tui.test_transcript_reading import at_block, with_answer
from tui.transcript.links import Link, examine, links_in


def test_the_links_of_a_text_are_found_once_in_their_order() -> None:
    text = (
        "See [a](https://a.example/x) and <https://b.example>, ![pic](https://c.example/i.png), "
        "[again](https://a.example/x), bare https://d.example/p_(q). and `https://e.example`\n\n"
        "- [ref][1]\n\n[1]: https://f.example\n\n```\nhttps://not.example\n```\n"
    )
    assert [link.target for link in links_in(text)] == [
        "https://a.example/x",
        "https://b.example",
        "https://c.example/i.png",
        "https://d.example/p_(q)",
        "https://e.example",
        "https://f.example",
    ]


@pytest.mark.parametrize(
    "target",
    [
        "javascript:alert(1)",
        "file:///etc/passwd",
        "ssh://host",
        "data:text/html,x",
        "vscode://x",
        "/relative",
        "https://",
        "http://[bad",
        "http://host:port/",
        "--option",
        "https://x.example/" + "y" * 5_000,
    ],
)
def test_what_is_no_web_or_mail_address_is_not_opened(target: str) -> None:
    destination = examine(Link("text", target))
    assert destination.url == ""
    assert destination.refusal


def test_a_host_with_other_letters_is_shown_as_it_is_looked_up() -> None:
    destination = examine(Link("apple", "https://аpple.com/ü?q=1"))
    assert destination.ascii_host == "xn--pple-43d.com"
    assert destination.url == "https://xn--pple-43d.com/%C3%BC?q=1"
    assert any("xn--pple-43d.com" in each for each in destination.warnings)


@pytest.mark.parametrize(
    ("link", "warning"),
    [
        (Link("https://bank.example", "https://evil.example"), "looks like an address of"),
        (Link("www.bank.example/login", "https://evil.example"), "looks like an address of"),
        (Link("x", "https://bank.example@evil.example/"), "The host is what stands after it"),
        (Link("x", "https://x.example/\u202egpj.exe"), "RIGHT-TO-LEFT OVERRIDE"),
    ],
)
def test_what_deceives_is_warned_of(link: Link, warning: str) -> None:
    assert any(warning in each for each in examine(link).warnings)


def test_an_honest_link_has_no_warnings() -> None:
    for link in (
        Link("docs.example", "https://docs.example/a?b=c#d"),
        Link("www.docs.example", "https://docs.example"),
        Link("write to us", "mailto:us@example.org"),
        Link("version 1.2", "https://docs.example"),
    ):
        destination = examine(link)
        assert (destination.refusal, destination.warnings) == ("", ())
        assert destination.url == link.target


@pytest.fixture
def opener(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program for links that writes down what it was given."""
    told = tmp_path / "opened"
    for name in ("xdg-open", "open"):
        program = tmp_path / name
        program.write_text(f'#!/bin/sh\nprintf "%s" "$1" > {told}\n')
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    return told


def was_opened(told: Path) -> bool:
    return told.exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows opens links by a call")
async def test_a_link_is_opened_only_after_its_target_was_shown(opener: Path) -> None:
    text = "Read [the docs](https://docs.example/$(touch%20x);a)."
    async with running(with_answer(text)) as driver:
        await at_block(driver, 1)
        await driver.pilot.press("o")
        await driver.until(lambda: len(driver.app.screen_stack) == 2, "the dialog")
        await driver.until(lambda: "docs.example" in driver.drawn())
        await driver.pilot.press("enter")  # the focus is on what changes nothing
        await driver.until(lambda: len(driver.app.screen_stack) == 1)
        assert not was_opened(opener)
        await driver.pilot.press("o")
        await driver.until(lambda: len(driver.app.screen_stack) == 2, "the dialog")
        await driver.pilot.press("o")
        await driver.until(opener.exists, "opened")
        await driver.until(lambda: opener.read_text() == "https://docs.example/$(touch%20x);a")


async def test_one_of_several_links_is_chosen_and_copied() -> None:
    text = "[One](https://one.example) and [two](ftp://two.example)."
    async with running(with_answer(text)) as driver:
        await at_block(driver, 0)
        await driver.pilot.press("o")
        await driver.until(lambda: "2 links" in driver.drawn(), "which one")
        await driver.pilot.press("j", "enter")
        await driver.until(lambda: "not opened from here" in driver.drawn(), "the dialog")
        await driver.pilot.press("o")
        await driver.settle()
        assert len(driver.app.screen_stack) == 2
        await driver.pilot.press("c")
        await driver.until(lambda: driver.app.clipboard == "ftp://two.example")


async def test_a_program_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    async with running(with_answer("https://one.example")) as driver:
        await at_block(driver, 0)
        await driver.pilot.press("o")
        await driver.until(lambda: len(driver.app.screen_stack) == 2, "the dialog")
        await driver.pilot.press("o")
        await driver.until(lambda: any("was not opened" in said for said in driver.said()))


async def test_nothing_to_open_is_said() -> None:
    async with running(with_answer("No links.")) as driver:
        await at_block(driver, 0)
        await driver.pilot.press("o")
        await driver.until(lambda: any("no link" in said for said in driver.said()))
