"""``understudy ask`` as a shell sees it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.terminal.model_endpoint import endpoint
from tests.terminal.pty_session import PATIENCE, ROOT, UNDERSTUDY, PtySession, environment

Done = subprocess.CompletedProcess[str]


def ask(home: Path, *arguments: str, stdin: str = "", **env: str) -> Done:
    return subprocess.run(
        [*UNDERSTUDY, "ask", *arguments],
        cwd=ROOT,
        env=environment(home, **env),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


@contextlib.contextmanager
def being_answered(home: Path, url: str) -> Iterator[subprocess.Popen[bytes]]:
    """A question on its way, its stdout a pipe that is read while the answer is written."""
    process = subprocess.Popen(
        [*UNDERSTUDY, "ask", "?"],
        cwd=ROOT,
        env=environment(home, **with_model(url)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()  # which does nothing to one that has ended


def first_words(process: subprocess.Popen[bytes]) -> bytes:
    assert process.stdout is not None
    return os.read(process.stdout.fileno(), 100)


def with_model(url: str) -> dict[str, str]:
    return {"UNDERSTUDY_MODEL_URL": url, "UNDERSTUDY_MODEL_KEY": "sk-the-key-of-this-test"}


def test_the_answer_is_all_of_stdout(home: Path) -> None:
    with endpoint(["Forty", "-two", "."]) as model:
        done = ask(home, "six times seven?", **with_model(model.url))
    assert (done.returncode, done.stdout) == (0, "Forty-two.\n"), done.stderr
    assert "thread_" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_any_settings_the_rehearsal_answers(home: Path) -> None:
    done = ask(home, "hello")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_the_answer_comes_while_it_is_written(home: Path) -> None:
    with (
        endpoint(["now", " later"], pauses=True) as model,
        being_answered(home, model.url) as process,
    ):
        assert first_words(process) == b"now"
        model.go_on.set()
        rest, _ = process.communicate(timeout=PATIENCE)
    assert (process.returncode, rest) == (0, b" later\n")


def test_json_is_one_object_at_the_end(home: Path) -> None:
    with endpoint(["one ", "\x1b]0;owned\x07"]) as model:
        done = ask(home, "--json", "?", **with_model(model.url))
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    assert "\x1b" not in line
    found = json.loads(line)
    assert found["answer"] == "one \x1b]0;owned\x07"
    assert found["status"] == "completed"
    assert found["thread_id"].startswith("thread_")
    assert found["run_id"].startswith("run_")
    assert set(found["usage"]) >= {"prompt_tokens", "completion_tokens"}
    assert (found["denied_tools"], found["error"]) == ([], None)


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        ((), "from the pipe"),
        (("-",), "from the pipe"),
        (("Put", "it", "short:"), "Put it short:\n\nfrom the pipe"),
    ],
)
def test_the_question_may_come_by_pipe_or_by_both(
    home: Path, arguments: tuple[str, ...], asked: str
) -> None:
    with endpoint(["yes"]) as model:
        done = ask(home, *arguments, stdin="from the pipe\n", **with_model(model.url))
        assert done.returncode == 0, done.stderr
        assert model.requests[0]["messages"][-1]["content"] == asked


def test_no_question_is_wrong_usage(home: Path) -> None:
    done = ask(home)
    assert done.returncode == 2
    assert "no question" in done.stderr
    assert not home.exists()


def test_a_thread_goes_on(home: Path) -> None:
    with endpoint(["yes"]) as model:
        env = with_model(model.url)
        thread = json.loads(ask(home, "--json", "first", **env).stdout)["thread_id"]
        again = json.loads(ask(home, "--json", "-t", thread, "second", **env).stdout)
        assert again["thread_id"] == thread
        said = [message["content"] for message in model.requests[-1]["messages"]]
    assert said[-3:] == ["first", "yes", "second"]


def test_an_unknown_thread_is_a_sentence(home: Path) -> None:
    done = ask(home, "-t", "thread_000000000000000000000000", "?")
    assert (done.returncode, done.stdout) == (1, "")
    assert "No thread found" in done.stderr


def test_an_unknown_assistant_is_wrong_usage_and_lists_who_there_is(home: Path) -> None:
    done = ask(home, "-a", "nobody", "?")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Understudy" in done.stderr


def test_an_assistant_may_be_named_by_its_beginning_in_any_case(home: Path) -> None:
    with endpoint(["yes"]) as model:
        done = ask(home, "-a", "UNDER", "?", **with_model(model.url))
    assert (done.returncode, done.stdout) == (0, "yes\n"), done.stderr


def test_a_function_call_is_denied_when_nobody_can_be_asked(home: Path) -> None:
    done = ask(home, "--json", "call current_time please")
    assert done.returncode == 3, done.stderr
    assert json.loads(done.stdout)["denied_tools"] == ["current_time"]
    assert "--allow-tool current_time" in done.stderr


def test_an_allowed_function_runs(home: Path) -> None:
    done = ask(home, "--json", "--allow-tool", "current_time", "call current_time please")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["denied_tools"] == []


def test_a_model_that_cannot_be_reached_is_a_sentence(home: Path) -> None:
    with endpoint([]) as model:
        gone = model.url
    done = ask(home, "?", **with_model(gone))
    assert (done.returncode, done.stdout) == (1, "")
    assert "Traceback" not in done.stderr


def test_a_missing_key_has_an_exit_code_of_its_own(home: Path) -> None:
    with endpoint([], status=401) as model:
        done = ask(home, "?", UNDERSTUDY_MODEL_URL=model.url)
    assert done.returncode == 4, done.stderr


def test_an_interrupt_stops_the_run_and_keeps_what_was_written(home: Path) -> None:
    with (
        endpoint(["half", " and the rest"], pauses=True) as model,
        being_answered(home, model.url) as process,
    ):
        assert first_words(process) == b"half"
        process.send_signal(signal.SIGINT)
        rest, talk = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, talk
    assert rest == b"\n"
    assert b"kept" in talk
    assert b"Traceback" not in talk


def test_a_reader_that_leaves_ends_it_quietly(home: Path) -> None:
    with (
        endpoint(["first", " second"], pauses=True) as model,
        being_answered(home, model.url) as process,
    ):
        assert first_words(process) == b"first"
        assert process.stdout is not None
        process.stdout.close()
        model.go_on.set()
        assert process.stderr is not None
        talk = process.stderr.read()
        code = process.wait(PATIENCE)
    assert code == 128 + signal.SIGPIPE
    assert b"Traceback" not in talk
    assert b"BrokenPipe" not in talk


def test_a_terminal_never_gets_the_models_control_characters(home: Path) -> None:
    with endpoint(["a\x1b]0;OWNED-", "TITLE\x07b\x1b[2Jc\x9b3md\n"]) as model:
        env = environment(home, **with_model(model.url))
        with PtySession([*UNDERSTUDY, "ask", "?"], env) as session:
            assert session.wait_for_exit() == 0
    assert b"OWNED-" in session.output  # the words are shown ...
    assert b"\x1b]0;" not in session.output  # ... and what would carry them out is not
    assert b"\x1b[2J" not in session.output
    assert "\x9b".encode() not in session.output


def test_a_pipe_gets_the_answer_exactly_as_it_is(home: Path) -> None:
    with endpoint(["a\x1b[31mb\n"]) as model:
        assert ask(home, "?", **with_model(model.url)).stdout == "a\x1b[31mb\n"


@pytest.mark.parametrize("key", ["sk-abcdef123456789", "plain-word-as-key"])
def test_an_error_of_our_own_is_a_sentence_and_its_details_have_no_key(
    home: Path, key: str
) -> None:
    script = (
        "import sys, tui.cli\n"
        "def fail(options):\n"
        f"    hidden = {key!r}\n"
        f"    raise RuntimeError('the key is ' + {key!r})\n"
        "tui.cli._ask = fail\n"
        "sys.exit(tui.cli.main(['ask', 'x']))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=environment(home, UNDERSTUDY_MODEL_KEY=key),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    log = home / "log" / "understudy.log"
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert str(log) in done.stderr
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert "RuntimeError" in log.read_text()
    for text in (done.stderr, log.read_text()):
        assert key not in text
