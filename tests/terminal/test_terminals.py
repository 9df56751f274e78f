"""What different terminals are sent, and that their title comes back."""

from __future__ import annotations

import contextlib
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.terminal.pty_session import UNDERSTUDY, PtySession, environment

SAVE_TITLE, RESTORE_TITLE = b"\x1b[22;2t", b"\x1b[23;2t"
CONTROL_C, CONTROL_D, CONTROL_Q = "\x03", "\x04", "\x11"
MIXED_COLOUR = re.compile(rb"\x1b\[[0-9;]*[34]8;[25];")
ANY_COLOUR = re.compile(rb"\x1b\[(?:[0-9;]*;)?(?:3[0-7]|4[0-7]|9[0-7]|10[0-7]|[34]8;[25];[0-9;]+)m")


@contextlib.contextmanager
def the_app(home: Path, *arguments: str, said: str = "Message", **env: str) -> Iterator[PtySession]:
    with PtySession([*UNDERSTUDY, *arguments], environment(home, **env)) as session:
        session.wait_for(said)
        yield session


@pytest.mark.parametrize("ending", ["quit", "signal"])
def test_the_title_tells_the_state_and_comes_back_at_the_end(home: Path, ending: str) -> None:
    with the_app(home) as session:
        session.wait_for("ready")
        if ending == "quit":
            session.type(CONTROL_Q)
        else:
            session.signal(signal.SIGTERM)
        session.wait_for_exit()
        assert session.output.count(SAVE_TITLE) == 1
        assert b"\x1b]2;Understudy\x07" in session.output
        assert session.output.rindex(RESTORE_TITLE) > session.output.rindex(b"\x1b]2;")
        assert session.output.rindex(RESTORE_TITLE) > session.output.rindex(b"\x1b[?1049l")


def test_with_the_setting_off_the_title_is_left_alone(home: Path) -> None:
    home.mkdir()
    (home / "settings.toml").write_text("[terminal]\ntitle = false\n")
    with the_app(home) as session:
        session.type(CONTROL_Q)
        session.wait_for_exit()
        assert b"\x1b]2;" not in session.output
        assert RESTORE_TITLE not in session.output


def test_16_colours_are_named_and_never_mixed(home: Path) -> None:
    with the_app(home, TERM="xterm") as session:
        session.wait_for("ready")
        session.type(CONTROL_Q)
        session.wait_for_exit()
        assert ANY_COLOUR.search(session.output)
        assert not MIXED_COLOUR.search(session.output)


def test_without_colours_none_are_sent(home: Path) -> None:
    with the_app(home, NO_COLOR="1") as session:
        session.wait_for("ready")
        session.type(CONTROL_Q)
        session.wait_for_exit()
        assert not ANY_COLOUR.search(session.output)


def test_the_console_of_linux_is_drawn_in_ascii_and_sent_no_title(home: Path) -> None:
    with the_app(home, TERM="linux") as session:
        session.wait_for("ready")
        session.type(CONTROL_Q)
        assert session.wait_for_exit() == 0
        assert session.output.isascii()
        assert b"\x1b]2;" not in session.output
        assert SAVE_TITLE not in session.output


def test_a_locale_without_utf_8_is_drawn_in_ascii(home: Path) -> None:
    with the_app(home, PYTHONIOENCODING="iso8859-1", PYTHONUTF8="0") as session:
        session.wait_for("ready")
        session.type(CONTROL_Q)
        assert session.wait_for_exit() == 0
        assert session.output.isascii()


# -- lines of text -------------------------------------------------------------------------------


def test_lines_of_text_work_where_nothing_can_be_drawn(home: Path) -> None:
    with the_app(home, "--plain", said="You:", TERM="dumb") as session:
        session.type("hello\r")
        session.wait_for("End of the answer.")
        session.type("/quit\r")
        assert session.wait_for_exit() == 0
        assert b"\x1b" not in session.output
        assert b"UNDERSTUDY_MODEL_URL" in session.output  # how to connect a model
        assert session.modes() == session.modes_before


def test_lines_of_text_can_be_a_setting(home: Path) -> None:
    home.mkdir()
    (home / "settings.toml").write_text("[terminal]\nplain = true\n")
    with the_app(home, said="You:") as session:
        session.type(CONTROL_D)
        assert session.wait_for_exit() == 0


def test_interrupt_leaves_nothing_and_the_end_of_input_does(home: Path) -> None:
    with the_app(home, "--plain", said="You:", TERM="dumb") as session:
        session.type(CONTROL_C)
        session.wait_for("To leave, type /quit")
        session.type(CONTROL_D)
        assert session.wait_for_exit() == 0


def test_a_signal_leaves_the_terminal_as_it_was_though_a_line_is_asked_for(home: Path) -> None:
    with the_app(home, "--plain", said="You:", TERM="dumb") as session:
        session.signal(signal.SIGTERM)
        assert session.wait_for_exit() == 128 + signal.SIGTERM
        assert session.modes() == session.modes_before
        assert b"Traceback" not in session.output
