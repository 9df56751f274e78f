"""Colours and signs: readable in every theme, with 16 colours, without any, in ASCII."""

from __future__ import annotations

import pytest
from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.theme import BUILTIN_THEMES, Theme

from services.records import Settings
from tests.tui.fake_workspace import FakeWorkspace, a_message
from tests.tui.support import Driver, running, threads
from tui.appearance import few_colours, is_light, meant_by, suited, wants_ascii
from tui.marks import AsciiMarks, plain
from tui.themes import DARK, DARK_16, LIGHT, LIGHT_16, THEMES

ENOUGH = 4.5
"""How far text has to be from its ground, after the guidelines of the web (level AA)."""
XTERM = dict(
    zip(
        ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"),
        ("#000000", "#cd0000", "#00cd00", "#cdcd00", "#0000ee", "#cd00cd", "#00cdcd", "#e5e5e5"),
        strict=True,
    )
) | dict(
    zip(
        [f"bright_{name}" for name in
         ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")],
        ("#7f7f7f", "#ff0000", "#00ff00", "#ffff00", "#5c5cff", "#ff00ff", "#00ffff", "#ffffff"),
        strict=True,
    )
)  # fmt: skip
"""The 16 colours as xterm has them."""
PAIRS = (
    ("foreground", "background"),
    ("foreground", "surface"),
    ("footer-key-foreground", "footer-background"),
    ("footer-description-foreground", "footer-background"),
    ("footer-description-foreground", "background"),
    ("footer-description-foreground", "surface"),
    ("block-cursor-foreground", "block-cursor-background"),
    ("block-cursor-blurred-foreground", "block-cursor-blurred-background"),
    ("input-cursor-foreground", "input-cursor-background"),
    ("accent", "background"),
    ("primary", "background"),
    ("success", "background"),
    ("warning", "background"),
    ("error", "background"),
    ("link-color", "background"),
)
"""Text and what it stands on, wherever the app draws one on the other."""


def colour(theme: Theme, name: str, text: bool) -> Color:
    variables = theme.to_color_system().generate() | theme.variables
    value = variables.get(name) or getattr(theme, name)
    if value == "transparent":  # what a palette of the terminal's own has for every ground
        value = theme.background
    if value and value.startswith("ansi_"):
        if value == "ansi_default":
            return Color.parse("#ffffff" if text == theme.dark else "#000000")
        return Color.parse(XTERM[value.removeprefix("ansi_")])
    return Color.parse(value)


def luminance(colour: Color) -> float:
    def linear(part: int) -> float:
        share = part / 255
        return share / 12.92 if share <= 0.03928 else float(((share + 0.055) / 1.055) ** 2.4)

    return 0.2126 * linear(colour.r) + 0.7152 * linear(colour.g) + 0.0722 * linear(colour.b)


def contrast(one: Color, other: Color) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_measured_as_the_guidelines_say() -> None:
    assert contrast(Color(0, 0, 0), Color(255, 255, 255)) == pytest.approx(21)
    assert contrast(Color.parse("#777777"), Color(255, 255, 255)) == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_text_stands_out_from_its_ground(theme: Theme, text: str, ground: str) -> None:
    found = contrast(colour(theme, text, True), colour(theme, ground, False))
    assert found >= ENOUGH, f"{text} on {ground}: {found:.2f}"


@pytest.mark.parametrize("name", sorted(BUILTIN_THEMES))
def test_the_text_of_every_other_theme_stands_out_as_well(name: str) -> None:
    theme = BUILTIN_THEMES[name]
    found = contrast(colour(theme, "foreground", True), colour(theme, "background", False))
    assert found >= 4.0, f"{found:.2f}"  # others' themes: one is just below


# -- which theme ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environment", "few"),
    [
        ({}, False),
        ({"TERM": "xterm"}, True),
        ({"TERM": "linux"}, True),
        ({"TERM": "xterm-256color"}, False),
        ({"TERM": "tmux-256color"}, False),
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, False),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, True),
        ({"TERM": "xterm-256color", "TEXTUAL_COLOR_SYSTEM": "standard"}, True),
    ],
)
def test_terminals_with_16_colours_are_known(environment: dict[str, str], few: bool) -> None:
    assert few_colours(environment) is few


@pytest.mark.parametrize(
    ("wanted", "chosen", "few", "ground", "theme"),
    [
        ("understudy-dark", False, False, "15;0", DARK.name),
        ("understudy-dark", False, False, "0;15", LIGHT.name),
        ("understudy-dark", False, False, "", DARK.name),
        ("understudy-dark", True, False, "0;15", DARK.name),
        ("understudy-light", True, True, "", LIGHT_16.name),
        ("understudy-dark", False, True, "0;default;15", LIGHT_16.name),
        ("dracula", True, True, "", "dracula"),
    ],
)
def test_the_theme_suits_the_terminal_unless_the_user_chose_one(
    wanted: str, chosen: bool, few: bool, ground: str, theme: str
) -> None:
    environment = {"COLORFGBG": ground}
    assert suited(wanted, chosen=chosen, few_colours=few, environment=environment) == theme


def test_what_stands_in_for_a_theme_is_not_what_is_remembered() -> None:
    assert meant_by(LIGHT_16.name) == LIGHT.name
    assert meant_by("nord") == "nord"
    assert not is_light({"COLORFGBG": "nonsense"})


async def test_with_16_colours_light_and_dark_can_still_be_switched() -> None:
    from tui.app import UnderstudyApp

    workspace = FakeWorkspace()
    app = UnderstudyApp(workspace, environment={"TERM": "xterm"})
    async with app.run_test() as pilot:
        assert app.theme == DARK_16.name
        await pilot.press("f8")
        await pilot.pause()
        assert app.theme == LIGHT_16.name
        await app.workers.wait_for_complete()
        assert workspace.saved_themes == [LIGHT.name]


# -- the focus, without colour -------------------------------------------------------------------


async def test_the_focus_is_seen_in_the_shape_of_the_frame() -> None:
    async with running(FakeWorkspace(threads=threads(3))) as driver:
        for place in ("threads", "assistants", "transcript", "composer", "files"):
            driver.screen.go_to(place)
            widget = driver.screen.query_one(f"#{place}")
            await driver.until(lambda widget=widget: widget.has_focus, place)
            await driver.settle()
            lines = driver.drawn().split("\n")
            corner = lines[widget.region.y][widget.region.x]
            assert corner == "┏", place
            assert sum(line.count("┏") for line in lines) == 1


async def test_without_colours_the_marked_row_is_reversed(monkeypatch: pytest.MonkeyPatch) -> None:
    from tui.app import UnderstudyApp

    monkeypatch.setenv("NO_COLOR", "1")
    environment = {"TERM": "xterm-256color", "NO_COLOR": "1"}
    app = UnderstudyApp(FakeWorkspace(threads=threads(3)), environment=environment)
    async with app.run_test(size=(120, 30)) as pilot:
        driver = Driver(app, pilot, app.workspace)  # type: ignore[arg-type]
        await driver.ready()
        driver.screen.go_to("threads")
        rows = driver.screen.thread_list
        await driver.until(lambda: rows.has_focus, "the threads")
        await driver.settle()
        strip = rows.render_line(0)
        assert any(segment.style and segment.style.reverse for segment in strip)
        for drawn in app.screen._compositor.render_strips():
            for segment in drawn:
                style = segment.style
                for found in (style.color, style.bgcolor) if style else ():
                    assert found is None or found.is_default, segment


async def test_in_ascii_the_frame_of_the_focus_still_looks_unlike_the_others() -> None:
    workspace = FakeWorkspace(threads=threads(3), settings=Settings(marks="ascii"))
    async with running(workspace) as driver:
        driver.screen.go_to("threads")
        await driver.until(lambda: driver.screen.thread_list.has_focus, "the threads")
        await driver.settle()
        drawn = driver.drawn()
        assert "#= Threads =" in drawn
        assert "+- Assistants -" in drawn


# -- signs ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("marks", "encoding", "term", "ascii_only"),
    [
        ("auto", "utf-8", "xterm", False),
        ("auto", "UTF8", "xterm", False),
        ("auto", "iso8859-1", "xterm", True),
        ("auto", "ANSI_X3.4-1968", "xterm", True),
        ("auto", "utf-8", "linux", True),
        ("unicode", "iso8859-1", "linux", False),
        ("ascii", "utf-8", "xterm", True),
    ],
)
def test_ascii_is_drawn_where_the_rest_cannot_be(
    marks: str, encoding: str, term: str, ascii_only: bool
) -> None:
    assert wants_ascii(marks, encoding, {"TERM": term}) is ascii_only  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text", ["╭─ Threads ─╮", "▸ ● ◐ ✓ ✗ …", "漢字 and é", "👩‍👩‍👧 family", "e\u0301x", "│┃█▌▐▄"]
)
def test_a_sign_in_ascii_is_as_wide_as_the_one_it_stands_for(text: str) -> None:
    drawn = plain(text)
    assert drawn.isascii()
    assert cell_len(drawn) == cell_len(text)


def test_what_is_ascii_already_is_left_alone() -> None:
    segments = [Segment("plain"), Segment("╭╮")]
    drawn = AsciiMarks().apply(segments, Color(0, 0, 0))
    assert drawn[0] is segments[0]
    assert drawn[1].text == "++"


async def test_the_whole_screen_is_ascii_when_it_is_asked_for() -> None:
    settings = Settings(marks="ascii")
    workspace = FakeWorkspace(threads=threads(3), settings=settings)
    workspace.threads.messages["thread_1"] = [
        a_message("msg_1", "# Überschrift\n\n- *Punkt* 漢字\n\n| a | b |\n|---|---|\n| 1 | 2 |")
    ]
    async with running(workspace) as driver:
        await driver.open("thread_1")
        drawn = driver.drawn()
        assert "+- Threads" in drawn
        assert [sign for sign in drawn if not sign.isascii()] == []
