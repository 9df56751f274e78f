"""``understudy serve`` at its end, what it writes down, and its strict manners."""

from __future__ import annotations

import re
from pathlib import Path

import httpx2
import openai
import pytest

from tests.terminal.test_serve import Server, serving


def begun_run(server: Server) -> tuple[str, str]:
    """A run that nobody streams or polls; the ids of its thread and of itself."""
    with server.client() as client:
        assistant = client.beta.assistants.create(model="rehearsal")
        run = client.beta.threads.create_and_run(
            assistant_id=assistant.id, thread={"messages": [{"role": "user", "content": "hello"}]}
        )
    return run.thread_id, run.id


def test_a_short_run_is_finished_before_the_server_stops(home: Path) -> None:
    with serving(home) as server:
        thread_id, run_id = begun_run(server)
        code, _, _ = server.stop()
        assert code == 0
    with serving(home) as server, server.client() as client:
        ended = client.beta.threads.runs.retrieve(run_id, thread_id=thread_id)
        assert (ended.status, ended.last_error) == ("completed", None)


def test_every_answer_has_a_line_and_no_line_a_secret(home: Path) -> None:
    with serving(home) as server:
        token = server.token
        with server.client() as client:
            client.beta.assistants.create(model="m", name="A name that is nobody's business")
            client.files.list(purpose="assistants")
        with httpx2.Client(trust_env=False) as stranger:
            refused = stranger.get(f"{server.url}/models?api_key=sk-secret-in-a-query")
            assert refused.status_code == 401
        server.stop()
    (log,) = home.rglob("access.log")
    lines = log.read_text().splitlines()
    assert [re.sub(r"^\S+ \S+ ", "", line) for line in lines] == [
        _line("POST /v1/assistants 200", lines[0]),
        _line("GET /v1/files 200", lines[1]),
        _line("GET /v1/models 401", lines[2]),
    ]
    for secret in (token, "sk-secret", "business", "purpose"):
        assert secret not in log.read_text()
    assert log.stat().st_mode & 0o077 == 0


def _line(what: str, line: str) -> str:
    """The line as it should be, with the time and the request's id that it has."""
    found = re.search(r" \d+ ms req_[0-9a-f]{32}$", line)
    assert found is not None, line
    return f"127.0.0.1 {what}{found.group()}"


def test_strict_manners_are_the_hosted_ones(home: Path) -> None:
    with serving(home, "--strict") as server, server.client() as client:
        assert client.beta.assistants.list().data == []
        bare = httpx2.get(
            f"{server.url}/assistants",
            headers={"authorization": f"Bearer {server.token}"},
            trust_env=False,
        )
        assert bare.status_code == 400
        assert bare.json()["error"]["code"] == "invalid_beta"
        assert "assistants=v2" in bare.json()["error"]["message"]
        kept = client.files.create(file=("a.txt", b"text"), purpose="assistants")
        with pytest.raises(openai.BadRequestError, match="files of purpose: assistants"):
            client.files.content(kept.id)
        seen = client.files.create(file=("a.png", b"png"), purpose="vision")
        assert client.files.content(seen.id).read() == b"png"


def test_without_strict_neither_is_asked_for(home: Path) -> None:
    with serving(home) as server, server.client() as client:
        bare = httpx2.get(
            f"{server.url}/assistants",
            headers={"authorization": f"Bearer {server.token}"},
            trust_env=False,
        )
        assert bare.status_code == 200
        kept = client.files.create(file=("a.txt", b"text"), purpose="assistants")
        assert client.files.content(kept.id).read() == b"text"
