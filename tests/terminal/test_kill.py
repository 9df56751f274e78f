"""``kill -9`` in the middle of an answer: nothing acknowledged is lost, no thread stays locked."""

from __future__ import annotations

import random
import signal
from pathlib import Path

import openai
import pytest
from openai.types.beta.threads import Message, MessageDeltaEvent

from tests.terminal.test_serve import serving

KILLS = 3


def text_of(message: Message) -> str:
    return "".join(part.text.value for part in message.content if part.type == "text")


def added(delta: MessageDeltaEvent) -> str:
    return "".join(
        part.text.value or ""
        for part in delta.delta.content or []
        if part.type == "text" and part.text is not None
    )


@pytest.mark.parametrize("number", range(KILLS))
def test_a_killed_answer_is_there_at_the_next_start(tmp_path: Path, number: int) -> None:
    after = random.Random(number).randint(1, 25)
    heard = ""
    with serving(tmp_path) as server, server.client() as client:
        assistant = client.beta.assistants.create(model="rehearsal")
        thread = client.beta.threads.create()
        question = client.beta.threads.messages.create(
            thread.id, role="user", content="Show me something long."
        )
        stream = client.beta.threads.runs.create(thread.id, assistant_id=assistant.id, stream=True)
        deltas = 0
        for event in stream:
            if event.event == "thread.message.delta":
                deltas += 1
                heard += added(event.data)
                if deltas == after:
                    break
        server.process.send_signal(signal.SIGKILL)
        server.process.wait()

    with serving(tmp_path) as server, server.client() as client:
        (run,) = client.beta.threads.runs.list(thread.id).data
        assert run.status == "failed"
        assert run.last_error is not None
        assert "stopped during this run" in run.last_error.message
        kept = client.beta.threads.messages.list(thread.id, order="asc").data
        assert kept[0].id == question.id
        assert text_of(kept[0]) == "Show me something long."
        assert kept[1].status == "incomplete"
        # At most what streamed since the last flush, a quarter of a second before, is missing.
        assert heard.startswith(text_of(kept[1])) or text_of(kept[1]).startswith(heard)
        with pytest.raises(openai.BadRequestError, match="Cannot cancel"):
            client.beta.threads.runs.cancel(run.id, thread_id=thread.id)
        again = client.beta.threads.messages.create(thread.id, role="user", content="Hello?")
        assert again.thread_id == thread.id
        ended = client.beta.threads.runs.create_and_poll(
            thread_id=thread.id, assistant_id=assistant.id
        )
        assert ended.status == "completed"
