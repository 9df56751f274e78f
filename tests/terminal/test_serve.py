"""``understudy serve`` from outside: its one line, its door, its end."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import socket
import sqlite3
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import openai
import pytest

from tests.terminal.model_endpoint import endpoint
from tests.terminal.pty_session import PATIENCE, ROOT, UNDERSTUDY, PtySession, environment


@dataclass
class Server:
    process: subprocess.Popen[bytes]
    url: str
    home: Path

    @property
    def token(self) -> str:
        return (self.home / "data" / "serve-token").read_text().strip()

    def client(self) -> openai.OpenAI:
        http_client = httpx2.Client(trust_env=False, timeout=PATIENCE)
        return openai.OpenAI(
            base_url=self.url, api_key=self.token, max_retries=0, http_client=http_client
        )

    def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, bytes, bytes]:
        """Exit code, the rest of stdout, and stderr."""
        self.process.send_signal(number)
        rest, talk = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, rest, talk


@contextlib.contextmanager
def serving(home: Path, *arguments: str, **env: str) -> Iterator[Server]:
    process = subprocess.Popen(
        [*UNDERSTUDY, "serve", "--port", "0", *arguments],
        cwd=ROOT,
        env=environment(home, **env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline().decode()
        found = re.fullmatch(r"Listening on (http://\S+:\d+/v1)\n", line)
        if found is None:
            process.kill()
            raise AssertionError(f"{line!r}: {process.communicate()[1].decode()}")
        yield Server(process, found[1], home)
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def run(home: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*UNDERSTUDY, "serve", *arguments],
        cwd=ROOT,
        env=environment(home, **env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_one_line_answers_and_stops_when_asked(home: Path, number: signal.Signals) -> None:
    with serving(home) as server:
        with server.client() as client:
            made = client.beta.assistants.create(model="gpt-4o", name="A")
            assert [each.id for each in client.beta.assistants.list()] == [made.id]
        code, rest, talk = server.stop(number)
    assert (code, rest) == (0, b"")
    assert b"Traceback" not in talk


def test_it_says_on_stderr_where_the_token_is_and_never_the_token(home: Path) -> None:
    with serving(home) as server:
        token, url = server.token, server.url
        code, _, talk = server.stop()
    assert code == 0
    file = home / "data" / "serve-token"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert f"OPENAI_BASE_URL={url}" in talk.decode()
    assert str(file) in talk.decode()
    assert token not in talk.decode()


def test_the_shell_lines_that_it_prints_work(home: Path) -> None:
    with serving(home) as server:
        assert server.process.stderr is not None
        exports = []
        while not (line := server.process.stderr.readline()).startswith(b"Ctrl+C"):
            exports += [line] if b"export" in line else []
        script = b"".join(exports).decode() + (
            'curl -sf --noproxy "*" -H "Authorization: Bearer $OPENAI_API_KEY" '
            '"$OPENAI_BASE_URL/models"'
        )
        done = subprocess.run(
            ["sh", "-c", script], capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        server.stop()
    assert done.returncode == 0, script + done.stderr
    assert json.loads(done.stdout)["object"] == "list"


def test_a_new_token_is_shown_once_and_only_to_a_terminal(home: Path) -> None:
    env = environment(home)
    seen = []
    for _ in "ab":
        with PtySession([*UNDERSTUDY, "serve", "--port", "0"], env) as session:
            session.wait_for("Listening on")
            session.signal(signal.SIGINT)
            assert session.wait_for_exit() == 0
            seen.append(session.output.decode())
    token = (home / "data" / "serve-token").read_text().strip()
    assert token in seen[0]
    assert token not in seen[1]


def test_the_token_may_come_from_the_environment(home: Path) -> None:
    with serving(home, UNDERSTUDY_TOKEN="given-by-the-environment") as server:
        answers = [
            httpx2.get(
                f"{server.url}/assistants",
                headers={"authorization": f"Bearer {token}"},
                trust_env=False,
            ).status_code
            for token in ("given-by-the-environment", "another")
        ]
        assert not (home / "data" / "serve-token").exists()
        _, _, talk = server.stop()
    assert answers == [200, 401]
    assert b"given-by-the-environment" not in talk


def test_a_stranger_gets_the_error_that_sdks_know(home: Path) -> None:
    with serving(home) as server:
        http_client = httpx2.Client(trust_env=False)
        wrong = openai.OpenAI(
            base_url=server.url, api_key="sk-wrong", http_client=http_client, max_retries=0
        )
        with wrong, pytest.raises(openai.AuthenticationError) as caught:
            wrong.beta.threads.create()
        evil = httpx2.get(
            f"{server.url}/threads",
            headers={"host": "evil.example", "authorization": f"Bearer {server.token}"},
            trust_env=False,
        )
        healthy = httpx2.get(server.url.removesuffix("/v1") + "/healthz", trust_env=False)
    assert caught.value.code == "invalid_api_key"
    assert evil.status_code == 421
    assert healthy.status_code == 200
    assert "server" not in healthy.headers


def test_an_open_answer_may_finish_when_the_server_is_asked_to_stop(home: Path) -> None:
    with endpoint(["half", " whole"], pauses=True) as model:
        env = {"UNDERSTUDY_MODEL_URL": model.url, "UNDERSTUDY_MODEL_KEY": "k"}
        with serving(home, **env) as server, server.client() as client:
            assistant = client.beta.assistants.create(model="fake")
            thread = client.beta.threads.create(messages=[{"role": "user", "content": "?"}])
            with client.beta.threads.runs.stream(
                thread_id=thread.id, assistant_id=assistant.id
            ) as stream:
                deltas = stream.text_deltas
                got = next(deltas)
                server.process.send_signal(signal.SIGTERM)
                model.go_on.set()
                got += "".join(deltas)
                run = stream.get_final_run()
            assert server.process.wait(PATIENCE) == 0
    assert got == "half whole"
    assert run.status == "completed"


def test_a_port_in_use_is_a_sentence(home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = run(home, "--port", str(taken.getsockname()[1]))
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert "in use" in line


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.invalid"])
def test_an_address_that_others_can_reach_must_be_asked_for(home: Path, host: str) -> None:
    done = run(home, "--host", host)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--allow-remote" in done.stderr
    assert not home.exists()


def test_an_address_that_is_none_is_a_sentence(home: Path) -> None:
    done = run(home, "--host", "192.0.2.1", "--allow-remote", "--port", "0")
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1


def test_all_addresses_answer_when_that_is_what_the_user_wants(home: Path) -> None:
    with serving(home, "--host", "0.0.0.0", "--allow-remote") as server:
        port = server.url.rsplit(":", 1)[1]
        answer = httpx2.get(
            f"http://127.0.0.1:{port}/assistants",
            headers={"authorization": f"Bearer {server.token}"},
            trust_env=False,
        )
    assert answer.status_code == 200


@pytest.mark.parametrize("port", ["-1", "65536", "http", "8333x", "٣"])
def test_a_port_that_is_none_is_wrong_usage(home: Path, port: str) -> None:
    assert run(home, f"--port={port}").returncode == 2


def test_a_token_that_others_can_read_is_refused(home: Path) -> None:
    (home / "data").mkdir(parents=True)
    file = home / "data" / "serve-token"
    file.write_text("known-to-everybody\n")
    file.chmod(0o644)
    done = run(home, "--port", "0")
    assert (done.returncode, done.stdout) == (1, "")
    assert str(file) in done.stderr
    assert "known-to-everybody" not in done.stderr


def test_a_store_of_a_newer_version_is_a_sentence_and_left_as_it_is(home: Path) -> None:
    (home / "data").mkdir(parents=True)
    file = home / "data" / "understudy.db"
    with contextlib.closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA user_version = 1000000")
    before = file.read_bytes()
    done = run(home, "--port", "0")
    assert (done.returncode, done.stdout) == (1, "")
    assert str(file) in done.stderr
    assert "Traceback" not in done.stderr
    assert file.read_bytes() == before
