from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.widgets import Input, Select, Static, TextArea

from services.records import (
    Assistant,
    AssistantDraft,
    BuiltinTool,
    FunctionTool,
    LocalFunction,
    NamedResource,
    OtherTool,
    ResponseFormat,
    ServiceError,
)
from tests.tui.fake_workspace import FakeWorkspace
from tests.tui.support import Driver, running
from tui.screens.assistant_draft import FormValues, draft_of, problems, values_of
from tui.screens.assistant_fields import (
    FieldError,
    functions_text,
    metadata_text,
    parse_functions,
    parse_metadata,
)
from tui.screens.assistant_form import AssistantForm
from tui.screens.dialogs import ConfirmScreen
from tui.screens.model_picker import ModelPicker
from tui.widgets.check_list import CheckList
from tui.widgets.row_list import RowList

WEATHER = FunctionTool("get_weather", "The weather.", {"type": "object", "properties": {}})
OTHER = OtherTool("web_search", {"type": "web_search", "depth": 2})
LOCAL = (
    LocalFunction(WEATHER, "weather.py"),
    LocalFunction(FunctionTool("broken"), "broken.py", problem="It cannot be read."),
)


def test_every_field_arrives_in_the_draft() -> None:
    values = FormValues(
        name=" Research ",
        model="llama3.3",
        description="Reads",
        instructions="Be brief.",
        temperature="0.7",
        top_p="1",
        local=frozenset({"get_weather", "broken"}),
        functions='{"name": "add", "parameters": {"type": "object"}}',
        tools=frozenset({"file_search", "code_interpreter"}),
        max_results="7",
        score_threshold="0,5",
        stores=frozenset({"vs_1"}),
        files=frozenset({"file_2", "file_1"}),
        reasoning="low",
        format="json_schema",
        schema='{"name": "answer", "schema": {"type": "object"}}',
        metadata='team = red\n"a=b" = "two\\nlines"',
        kept=(OTHER,),
    )
    assert draft_of(values, LOCAL) == AssistantDraft(
        name="Research",
        model="llama3.3",
        instructions="Be brief.",
        description="Reads",
        tools=(
            OTHER,
            BuiltinTool(
                "file_search",
                {"max_num_results": 7, "ranking_options": {"score_threshold": 0.5}},
            ),
            BuiltinTool("code_interpreter"),
            WEATHER,
            FunctionTool("add", "", {"type": "object"}),
        ),
        temperature=0.7,
        top_p=1.0,
        reasoning_effort="low",
        response_format={
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": {"type": "object"}},
        },
        vector_store_ids=("vs_1",),
        file_ids=("file_1", "file_2"),
        metadata={"team": "red", "a=b": "two\nlines"},
    )


STORED = Assistant(
    "asst_1",
    "A",
    "m",
    "i",
    "d",
    (
        OTHER,
        BuiltinTool(
            "file_search",
            {
                "max_num_results": 3,
                "ranking_options": {"ranker": "auto", "score_threshold": 0.1},
                "new_option": True,
            },
        ),
        BuiltinTool("code_interpreter"),
        WEATHER,
        FunctionTool("own", "Mine", {"type": "object"}, True),
    ),
    temperature=0.123456789,
    top_p=None,
    reasoning_effort="high",
    response_format={
        "type": "json_schema",
        "json_schema": {"name": "n", "schema": {}, "strict": None},
    },
    vector_store_ids=("vs_2", "vs_1"),
    file_ids=("file_9", "file_1"),
    metadata={"plain": "text", " odd": ' "quoted" ', "lines": "a\nb", "a = b": "c = d"},
)


def as_draft(assistant: Assistant) -> AssistantDraft:
    return AssistantDraft(
        **{name: getattr(assistant, name) for name in AssistantDraft.__dataclass_fields__}
    )


@pytest.mark.parametrize(
    "response_format",
    [
        STORED.response_format, "auto", {"type": "text"}, {"type": "json_object"},
        {"type": "grammar", "grammar": "root"},
    ],
)  # fmt: skip
def test_an_assistant_goes_through_the_form_unchanged(response_format: ResponseFormat) -> None:
    one_store = replace(STORED, vector_store_ids=("vs_2",), response_format=response_format)
    assert draft_of(values_of(one_store, LOCAL, "x"), LOCAL, one_store) == as_draft(one_store)


def test_more_vector_stores_than_the_wire_takes_are_said_and_not_dropped() -> None:
    (problem,) = problems(values_of(STORED, LOCAL, "x"), LOCAL)
    assert problem.field == "stores"
    assert "2 are ticked" in str(problem)


def test_every_problem_is_told_with_its_field() -> None:
    values = FormValues(
        name="n" * 257,
        description="d" * 513,
        instructions="i" * 256_001,
        tools=frozenset({"file_search"}),
        max_results="51",
        score_threshold="1.5",
        functions="{",
        format="json_schema",
        schema='{"type": "object"}',
        metadata="no pair",
    )
    found = {problem.field: problem for problem in problems(values, LOCAL)}
    assert list(found) == [
        "name", "model", "description", "instructions", "max-results", "score-threshold",
        "functions", "schema", "metadata",
    ]  # fmt: skip
    assert [field for field, problem in found.items() if problem.missing] == ["model"]
    assert "257 characters; at most 256" in str(found["name"])


def test_an_assistant_has_at_most_128_tools() -> None:
    written = json.dumps([{"name": f"f{number}"} for number in range(128)])
    assert problems(FormValues("n", "m", functions=written), ()) == []
    more = FormValues("n", "m", functions=written, tools=frozenset({"code_interpreter"}))
    assert "these are 129" in str(problems(more, ())[0])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a", "Line 1 is no pair"),
        ("a = 1\n\na = 2", "a is there twice"),
        ("= 1", "no name before"),
        ('"a = 1', "quotes in line 1 are not closed"),
        ('a = "b', "quoted value in line 1"),
        ("k" * 65 + " = 1", "more than 64"),
        ("k = " + "v" * 513, "more than 512"),
        ("\n".join(f"k{number} = v" for number in range(17)), "16 pairs at most"),
    ],
)
def test_metadata_that_the_wire_would_refuse_is_said(text: str, sentence: str) -> None:
    with pytest.raises(FieldError, match=sentence):
        parse_metadata(text)


@given(st.dictionaries(st.text(min_size=1, max_size=64), st.text(min_size=1), max_size=16))
def test_any_metadata_comes_back_as_it_was(metadata: dict[str, str]) -> None:
    assert parse_metadata(metadata_text(metadata)) == metadata


def test_a_function_that_differs_from_the_folders_stays_as_it_is_stored() -> None:
    stored = FunctionTool("get_weather", "Another description.")
    assistant = Assistant("asst_1", "A", "m", tools=(stored,))
    values = values_of(assistant, LOCAL, "x")
    assert values.local == frozenset()
    assert draft_of(values, LOCAL).tools == (stored,)


@pytest.mark.parametrize(
    ("field", "values", "sentence"),
    [
        ("name", FormValues(model="m"), "Give the assistant a name."),
        ("model", FormValues(name="n"), "Name the model"),
        ("temperature", FormValues("n", "m", temperature="hot"), "from 0 to 2"),
        ("temperature", FormValues("n", "m", temperature="2.1"), "from 0 to 2"),
        ("temperature", FormValues("n", "m", temperature="nan"), "from 0 to 2"),
        ("top-p", FormValues("n", "m", top_p="-1"), "from 0 to 1"),
        ("functions", FormValues("n", "m", functions="{"), "no valid JSON: line 1"),
        ("functions", FormValues("n", "m", functions="[1]"), "Function 1 is no JSON object"),
        ("functions", FormValues("n", "m", functions='{"name": "a b"}'), "needs a name"),
        (
            "functions",
            FormValues("n", "m", functions='{"name": "a", "parameters": {"type": "string"}}'),
            'of type "object"',
        ),
        (
            "functions",
            FormValues("n", "m", functions='[{"name": "a"}, {"name": "a"}]'),
            "Two functions are called a.",
        ),
        ("functions", FormValues("n", "m", functions='{"name": "a", "parms": {}}'), "parms"),
    ],
)
def test_a_field_in_the_way_is_named(field: str, values: FormValues, sentence: str) -> None:
    with pytest.raises(FieldError, match=".") as caught:
        draft_of(values, LOCAL)
    assert caught.value.field == field
    assert sentence in str(caught.value)


def test_functions_are_read_back_as_they_were_written() -> None:
    functions = (WEATHER, FunctionTool("b", "", None, False))
    assert parse_functions(functions_text(functions)) == functions
    wrapped = json.dumps({"type": "function", "function": {"name": "b", "strict": False}})
    assert parse_functions(wrapped) == (FunctionTool("b", "", None, False),)


async def form_of(driver: Driver, assistant_id: str | None = None) -> AssistantForm:
    if assistant_id is None:
        driver.screen.action_new_assistant()
    else:
        driver.screen.catalogue.choose(assistant_id)
        driver.screen.action_edit_assistant()
    await driver.until(lambda: isinstance(driver.app.screen, AssistantForm), "the form")
    form = driver.app.screen
    assert isinstance(form, AssistantForm)
    await driver.until(lambda: form._loaded, "its offers")
    return form


async def test_a_new_assistant_is_saved_and_answers_next() -> None:
    workspace = FakeWorkspace()
    workspace.functions = LOCAL
    async with running(workspace) as driver:
        form = await form_of(driver)
        await driver.pilot.press(*"Tester")
        form.query_one("#local", CheckList).focus()
        await driver.pilot.press("space", "down", "space")
        assert "[x] get_weather" in driver.drawn()
        assert "[-] broken  It cannot be read." in driver.drawn()
        form.query_one("#instructions", TextArea).text = "Test."
        await driver.pilot.press("ctrl+s")
        await driver.until(lambda: len(driver.app.screen_stack) == 1, "the form is closed")
        assert workspace.assistants.drafts == [
            AssistantDraft("Tester", "llama3.3", "Test.", tools=(WEATHER,))
        ]
        assert driver.screen.header.assistant == "Tester"


async def test_saving_without_a_change_changes_nothing() -> None:
    stored = Assistant(
        "asst_1", "A\u200bB", "m", "line\tone\x07", "d", (BuiltinTool("file_search"), WEATHER), 0.25
    )
    workspace = FakeWorkspace(assistants=(stored,))
    workspace.functions = LOCAL
    async with running(workspace) as driver:
        await form_of(driver, "asst_1")
        await driver.pilot.press("ctrl+s")
        await driver.until(lambda: workspace.assistants.drafts, "it is saved")
        draft = workspace.assistants.drafts[0]
        assert (draft.name, draft.instructions, draft.tools, draft.temperature) == (
            stored.name, stored.instructions, stored.tools, stored.temperature,
        )  # fmt: skip


async def test_an_error_in_a_field_is_said_and_nothing_is_lost() -> None:
    async with running() as driver:
        form = await form_of(driver)
        await driver.pilot.press(*"Tester")
        form.query_one("#functions", TextArea).text = '{"name": }'
        await driver.pilot.press("ctrl+s")
        problem = form.query_one("#problem", Static)
        await driver.until(lambda: "no valid JSON" in str(problem.render()), "the sentence")
        assert driver.app.focused is form.query_one("#functions")
        assert form.query_one("#name", Input).value == "Tester"
        assert driver.workspace.assistants.drafts == []


async def test_an_error_of_the_service_stays_in_the_form() -> None:
    workspace = FakeWorkspace()
    workspace.assistants.error = ServiceError("The server is out of space.")
    async with running(workspace) as driver:
        form = await form_of(driver)
        await driver.pilot.press(*"Tester", "ctrl+s")
        problem = form.query_one("#problem", Static)
        await driver.until(lambda: "out of space" in str(problem.render()), "the sentence")
        assert form.query_one("#name", Input).value == "Tester"


async def test_escape_asks_only_when_something_was_changed() -> None:
    async with running() as driver:
        await form_of(driver)
        await driver.pilot.press("escape")
        await driver.until(lambda: len(driver.app.screen_stack) == 1, "closed at once")
        await form_of(driver)
        await driver.pilot.press("x", "escape")
        await driver.until(lambda: isinstance(driver.app.screen, ConfirmScreen), "it asks")
        await driver.settle()
        await driver.pilot.press("n")
        await driver.until(lambda: isinstance(driver.app.screen, AssistantForm), "it stays")
        await driver.pilot.press("escape")
        await driver.until(lambda: isinstance(driver.app.screen, ConfirmScreen), "it asks again")
        await driver.settle()
        await driver.pilot.press("y")
        await driver.until(lambda: len(driver.app.screen_stack) == 1, "it is left")
        assert driver.workspace.assistants.drafts == []


async def test_a_model_is_found_or_typed() -> None:
    async with running() as driver:
        form = await form_of(driver)
        await driver.pilot.press(*"T", "ctrl+o")
        await driver.until(lambda: isinstance(driver.app.screen, ModelPicker), "the models")
        await driver.pilot.press(*"qn3")
        await driver.until(
            lambda: "qwen3" in driver.app.screen.query_one(RowList).rows[0].text, "it is found"
        )
        await driver.pilot.press("enter")
        model = form.query_one("#model", Input)
        await driver.until(lambda: model.value == "qwen3", "it is chosen")
        model.value = "something/else"
        await driver.pilot.press("ctrl+s")
        await driver.until(lambda: driver.workspace.assistants.drafts, "it is saved")
        assert driver.workspace.assistants.drafts[0].model == "something/else"


def complaints(form: AssistantForm) -> list[str]:
    return [str(one.render()) for one in form.query(".complaint") if one.display]


async def test_a_mistake_is_said_beside_its_field_while_it_is_typed_and_goes_with_it() -> None:
    async with running() as driver:
        form = await form_of(driver)
        form.query_one("#temperature", Input).value = "3"
        form.query_one("#functions", TextArea).text = "["
        await driver.until(lambda: len(complaints(form)) == 2, "both are said")
        assert "from 0 to 2" in complaints(form)[0]
        assert "no valid JSON" in complaints(form)[1]
        assert not any("Give the assistant a name" in said for said in complaints(form))
        form.query_one("#temperature", Input).value = "2"
        await driver.until(lambda: len(complaints(form)) == 1, "one is right again")
        await driver.pilot.press("ctrl+s")
        await driver.until(lambda: len(complaints(form)) == 2, "now the name is missed")
        assert "Give the assistant a name." in complaints(form)
        assert "2 fields are in the way" in str(form.query_one("#problem", Static).render())


async def test_tools_and_what_they_work_on_are_chosen_by_name() -> None:
    workspace = FakeWorkspace()
    workspace.vector_stores.items = (
        NamedResource("vs_1", "Research", "12 files"),
        NamedResource("vs_2", "Old", "1 file"),
    )
    async with running(workspace) as driver:
        form = await form_of(driver)
        await driver.pilot.press(*"Tester")
        assert not form.query_one("#stores").display
        form.query_one("#tools", CheckList).focus()
        await driver.pilot.press("space")
        await driver.until(lambda: form.query_one("#stores").display, "there is what to search")
        form.query_one("#stores", CheckList).focus()
        await driver.until(lambda: "Research  vs_1" in driver.drawn(), "the stores")
        await driver.pilot.press("space", "down", "space")
        form.query_one("#max-results", Input).value = "5"
        form.query_one("#reasoning", Select).value = "low"
        form.query_one("#metadata", TextArea).text = "team = red"
        await driver.pilot.press("ctrl+s")
        await driver.until(lambda: workspace.assistants.drafts, "it is saved")
        assert workspace.assistants.drafts == [
            AssistantDraft(
                "Tester",
                "llama3.3",
                tools=(BuiltinTool("file_search", {"max_num_results": 5}),),
                reasoning_effort="low",
                vector_store_ids=("vs_2",),
                metadata={"team": "red"},
            )
        ]


async def test_every_field_of_an_assistant_is_there_and_unchanged_when_it_is_saved() -> None:
    stored = replace(STORED, vector_store_ids=("vs_gone",), reasoning_effort="ultra")
    workspace = FakeWorkspace(assistants=(stored,))
    workspace.functions = LOCAL
    workspace.vector_stores.error = ServiceError("The stores cannot be listed.")
    async with running(workspace, size=(120, 80)) as driver:
        form = await form_of(driver, "asst_1")
        await driver.until(lambda: "web search" in driver.drawn(), "the tool it cannot edit")
        drawn = driver.drawn()
        for shown in ("vs_gone", "file_9", "ultra", "0.123456789", "JSON by a schema", '"own"'):
            assert shown in drawn
        assert "The stores cannot be listed." in str(form.query_one("#problem", Static).render())
        await driver.pilot.press("ctrl+s")
        await driver.until(lambda: workspace.assistants.drafts, "it is saved")
        assert workspace.assistants.drafts == [as_draft(stored)]
        assert workspace.assistants.befores == [stored]


async def test_long_instructions_are_written_in_the_editor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given: list[str] = []

    async def edited(app: object, text: str) -> str:
        given.append(text)
        return "Written\x07 elsewhere."

    monkeypatch.setattr("tui.screens.editor.edit", edited)
    stored = Assistant("asst_1", "A", "m", "Be\tbrief.")
    workspace = FakeWorkspace(assistants=(stored,))
    async with running(workspace) as driver:
        form = await form_of(driver, "asst_1")
        await driver.pilot.press("ctrl+g")
        area = form.query_one("#instructions", TextArea)
        await driver.until(lambda: "elsewhere" in area.text, "it is back")
        assert given == ["Be\tbrief."]
        assert "\x07" not in area.text
        await driver.pilot.press("ctrl+s")
        await driver.until(lambda: workspace.assistants.drafts, "it is saved")
        assert workspace.assistants.drafts[0].instructions == "Written\x07 elsewhere."


@pytest.mark.parametrize("size", [(40, 20), (80, 24)])
async def test_the_form_can_be_used_on_a_small_terminal(size: tuple[int, int]) -> None:
    async with running(size=size) as driver:
        form = await form_of(driver)
        await driver.pilot.press(*"Small")
        form.query_one("#metadata", TextArea).focus()
        await driver.until(lambda: "Metadata" in driver.drawn(), "the last field is reached")
        assert "Save" in driver.drawn()
        await driver.pilot.press("ctrl+s")
        await driver.until(lambda: driver.workspace.assistants.drafts, "it is saved")
