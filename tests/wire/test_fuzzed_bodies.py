"""Every route against bodies, ids and queries that nobody should send.

Whatever comes: an answer below 500 with all of its envelope, and if it is a refusal, nothing
stored, nothing begun and no thread held. ``FUZZ_EXAMPLES`` asks for more examples than the suite
takes, and for others each time.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import AsyncExitStack, closing
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import httpx2
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from starlette.routing import Mount, Route

from services.engine import schemas
from services.engine.app import create_app
from services.engine.models.base import ModelRequest
from services.engine.settings import EngineSettings
from tests.waiting import until
from tests.wire.conftest import LOOK, Wire, open_wire
from tests.wire.fuzzing import bodies, filled, odd_text, paths, queries
from tests.wire.scripted import Step, calls, says

T = TypeVar("T")
JSON = {"content-type": "application/json"}
PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)

_LONG = int(os.environ.get("FUZZ_EXAMPLES", "0"))


def fuzzed(examples: int) -> settings:
    return settings(
        max_examples=_LONG or examples,
        derandomize=not _LONG,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )


# What each route with a body takes. A route that is not here fails a test.
BODIES: Mapping[str, type[schemas.Request] | None] = {
    "/assistants": schemas.CreateAssistant,
    "/assistants/{assistant_id}": schemas.ModifyAssistant,
    "/threads": schemas.CreateThread,
    "/threads/runs": schemas.CreateThreadAndRun,
    "/threads/{thread_id}": schemas.ModifyThread,
    "/threads/{thread_id}/messages": schemas.CreateMessage,
    "/threads/{thread_id}/messages/{message_id}": schemas.ModifyMessage,
    "/threads/{thread_id}/title": None,
    "/threads/{thread_id}/runs": schemas.CreateRun,
    "/threads/{thread_id}/runs/{run_id}": schemas.ModifyRun,
    "/threads/{thread_id}/runs/{run_id}/cancel": None,
    "/threads/{thread_id}/runs/{run_id}/submit_tool_outputs": schemas.SubmitToolOutputs,
    "/uploads": schemas.CreateUpload,
    "/uploads/{upload_id}/complete": schemas.CompleteUpload,
    "/uploads/{upload_id}/cancel": None,
    "/vector_stores": schemas.CreateVectorStore,
    "/vector_stores/{vector_store_id}": schemas.VectorStoreFields,
    "/vector_stores/{vector_store_id}/files": schemas.AttachFile,
    "/vector_stores/{vector_store_id}/files/{file_id}": schemas.ModifyStoreFile,
    "/vector_stores/{vector_store_id}/search": schemas.SearchStore,
    "/vector_stores/{vector_store_id}/file_batches": schemas.CreateBatch,
    "/vector_stores/{vector_store_id}/file_batches/{batch_id}/cancel": None,
}
FORMS = {"/files": "file", "/uploads/{upload_id}/parts": "data"}


def routes(method: str) -> list[str]:
    (mount,) = create_app(EngineSettings(Path())).routes
    assert isinstance(mount, Mount)
    found = [route for route in mount.routes if isinstance(route, Route)]
    return [route.path for route in found if method in (route.methods or ())]


def test_every_route_with_a_body_is_fuzzed() -> None:
    assert set(routes("POST")) == {*BODIES, *FORMS}
    (mount,) = create_app(EngineSettings(Path())).routes
    assert isinstance(mount, Mount)
    methods = {method for route in mount.routes for method in getattr(route, "methods", ())}
    assert methods == {"GET", "HEAD", "POST", "DELETE"}


def answers(request: ModelRequest) -> list[Step]:
    """Calls a function when the conversation asks for just that, and speaks otherwise."""
    newest = request.messages[-1].text if request.messages else ""
    return calls(("look", "{}")) if newest == "look" else says("ok")


class World:
    """An engine with one of everything in it, a loop to talk to it, and eyes on its store."""

    def __init__(self, folder: Path, runner: asyncio.Runner):
        self._runner = runner
        self._stack = AsyncExitStack()
        self.folder = folder
        self.wire: Wire = self.run(self._stack.enter_async_context(open_wire(folder, answers)))
        self._eyes = sqlite3.connect(folder / "understudy.db")
        self.ids: dict[str, str] = {}
        self.spent: set[str] = {"everything"}

    def close(self) -> None:
        self._eyes.close()
        self.run(self._stack.aclose())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    def ready(self) -> None:
        """Makes what is not there any more, and waits until nothing goes on behind the scenes."""
        if self.spent:
            self.run(self._make())
            self.spent = set()
        self.run(until(self._quiet))

    async def _make(self) -> None:
        client = self.wire.client
        ids = self.ids
        assistant = await self.wire.assistant(tools=[LOOK], instructions="Be brief.")
        thread = await self.wire.thread("hi")
        runs = client.beta.threads.runs
        run = await runs.create_and_poll(thread_id=thread.id, assistant_id=assistant.id)
        listed = await runs.steps.list(run.id, thread_id=thread.id)
        ids["assistant_id"], ids["thread_id"], ids["run_id"] = assistant.id, thread.id, run.id
        ids["step_id"] = listed.data[0].id
        ids["message_id"] = (await client.beta.threads.messages.list(thread.id)).data[0].id
        file = await client.files.create(file=("a.txt", b"some text"), purpose="assistants")
        image = await client.files.create(file=("a.png", PNG), purpose="vision")
        ids["file_id"], ids["image_id"] = file.id, image.id
        store = await client.vector_stores.create(name="store")
        batch = await client.vector_stores.file_batches.create(store.id, file_ids=[file.id])
        ids["vector_store_id"], ids["batch_id"] = store.id, batch.id
        upload = await client.uploads.create(
            filename="b.txt", purpose="assistants", bytes=4, mime_type="text/plain"
        )
        part = await client.uploads.parts.create(upload.id, data=b"four")
        ids["upload_id"], ids["part_id"], ids["model"] = upload.id, part.id, "scripted"
        # A search first indexes what is new; from here on it only reads.
        await self.wire.raw("GET", "/threads/search", params={"query": "hi"})

    async def wait_for_a_function(self) -> None:
        """A run that waits for outputs, on a thread of its own, in place of one that ended."""
        runs = self.wire.client.beta.threads.runs
        thread = await self.wire.thread("look")
        run = await runs.create_and_poll(thread_id=thread.id, assistant_id=self.ids["assistant_id"])
        assert run.status == "requires_action"
        assert run.required_action is not None
        call = run.required_action.submit_tool_outputs.tool_calls[0]
        self.ids |= {"thread_id": thread.id, "run_id": run.id, "tool_call_id": call.id}

    def _quiet(self) -> bool:
        busy = "SELECT count(*) FROM runs WHERE status IN ('queued', 'in_progress', 'cancelling')"
        waiting = "SELECT count(*) FROM vector_store_files WHERE status = 'in_progress'"
        return all(self._eyes.execute(each).fetchone() == (0,) for each in (busy, waiting))

    def state(self) -> tuple[object, ...]:
        """Changes with every commit, whatever it changed, and with every file of bytes."""
        (version,) = self._eyes.execute("PRAGMA data_version").fetchone()
        folder = self.folder / "files"
        return version, frozenset(os.listdir(folder)) if folder.is_dir() else frozenset()

    def ask(self, method: str, path: str, **request: Any) -> httpx2.Response:
        """Sends it, and holds the answer against what must be true of all answers."""
        before = self.state()
        answer = self.run(self.wire.raw(method, path, timeout=20, **request))
        assert answer.status_code < 500, answer.text
        if answer.status_code >= 400:
            error = answer.json()["error"]
            assert set(error) == {"message", "type", "param", "code"}
            assert isinstance(error["message"], str)
            assert error["message"]
            assert error["type"] == "invalid_request_error"
            assert len(answer.content) < 4096
            assert self.state() == before, f"refused, and stored all the same: {answer.text}"
        elif method != "GET" or "json" in answer.headers["content-type"]:
            assert answer.status_code == 200
        return answer

    def place(self, template: str, values: Mapping[str, str]) -> str:
        for name, value in values.items():
            known = self.ids.get(value[1:]) if value.startswith("@") else None
            text = quote((known or value).encode("utf-8", "replace"), safe="")
            template = template.replace(f"{{{name}}}", text).replace(f"{{{name}:path}}", text)
        return template

    def prove_alive(self) -> None:
        """What the refused requests were about still works."""

        async def talk() -> None:
            runs = self.wire.client.beta.threads.runs
            thread, assistant = self.ids["thread_id"], self.ids["assistant_id"]
            await self.wire.client.beta.threads.messages.create(thread, role="user", content="hi")
            run = await runs.create_and_poll(thread_id=thread, assistant_id=assistant)
            assert run.status == "completed"

        self.run(talk())


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with asyncio.Runner() as runner, closing(World(tmp_path / "data", runner)) as made:
        yield made


def keep_going(world: World, template: str, answer: httpx2.Response) -> None:
    """Notes what an accepted request used up."""
    if answer.status_code == 200 and template.endswith(("/cancel", "/complete", "_outputs")):
        world.spent.add(template)


@pytest.mark.parametrize("template", [path for path, model in BODIES.items() if model])
def test_bodies(world: World, template: str) -> None:
    model = BODIES[template]
    assert model is not None
    waits = template.endswith("/submit_tool_outputs")

    @fuzzed(30)
    @given(bodies(model), paths(template))
    def check(body: str, values: dict[str, str]) -> None:
        renewed = bool(world.spent)
        world.ready()
        if waits and renewed:
            world.run(world.wait_for_a_function())
        content = filled(body, world.ids)
        answer = world.ask("POST", world.place(template, values), content=content, headers=JSON)
        keep_going(world, template, answer)

    check()
    world.spent.add("thread")
    world.ready()
    world.prove_alive()


@pytest.mark.parametrize("template", [path for path, model in BODIES.items() if not model])
def test_bodies_where_none_is_read(world: World, template: str) -> None:
    @fuzzed(10)
    @given(st.one_of(odd_text, st.just("{}")), paths(template))
    def check(body: str, values: dict[str, str]) -> None:
        world.ready()
        content = body.encode("utf-8", "replace")
        answer = world.ask("POST", world.place(template, values), content=content, headers=JSON)
        keep_going(world, template, answer)

    check()


_form_text = odd_text.map(lambda text: text.encode("utf-8", "replace").decode())
_form_fields = st.dictionaries(
    st.one_of(
        st.sampled_from(
            ("purpose", "file", "data", "expires_after[anchor]", "expires_after[seconds]")
        ),
        _form_text,
    ),
    st.one_of(
        st.sampled_from(("assistants", "vision", "created_at", "3600", "3599", "1e9", "9" * 5000)),
        _form_text,
    ),
    max_size=5,
)


@pytest.mark.parametrize(("template", "field"), FORMS.items())
def test_forms(world: World, template: str, field: str) -> None:
    files = st.lists(
        st.tuples(
            st.sampled_from((field, field, field, "other")),
            st.tuples(
                st.one_of(st.sampled_from(("a.txt", "a.png", "a.exe", "noext")), _form_text),
                st.sampled_from((b"", b"text", b"\x00\xff" * 50, b"--boundary\r\n")),
                st.sampled_from(("text/plain", "", "x/y; charset=nonsense")),
            ),
        ),
        max_size=3,
    )

    @fuzzed(40)
    @given(_form_fields, files, paths(template), st.booleans())
    def check(
        fields: dict[str, str], uploads: list[Any], values: dict[str, str], encoded: bool
    ) -> None:
        world.ready()
        sent = {"data": fields} if encoded else {"data": fields, "files": uploads}
        world.ask("POST", world.place(template, values), **sent)

    check()
    world.prove_alive()


@pytest.mark.parametrize("template", routes("GET"))
def test_paths_and_queries_of_what_is_read(world: World, template: str) -> None:
    @fuzzed(30)
    @given(paths(template), queries())
    def check(values: dict[str, str], query: list[tuple[str, str]]) -> None:
        world.ready()
        params = [(name, world.ids.get(value[1:], value)) for name, value in query]
        path = world.place(template, values)
        before = world.state()
        world.ask(
            "GET", path, params=[(name, value.encode("utf-8", "replace")) for name, value in params]
        )
        assert world.state() == before

    check()


@pytest.mark.parametrize("template", routes("DELETE"))
def test_paths_of_what_is_deleted(world: World, template: str) -> None:
    @fuzzed(15)
    @given(paths(template))
    def check(values: dict[str, str]) -> None:
        world.ready()
        if world.ask("DELETE", world.place(template, values)).status_code == 200:
            world.spent.add(template)

    check()
