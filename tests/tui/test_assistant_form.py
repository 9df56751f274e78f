from __future__ import annotations

import json

import pytest
from textual.widgets import Input, OptionList, Static, TextArea

from services.records import (
    Assistant,
    AssistantDraft,
    BuiltinTool,
    FunctionTool,
    LocalFunction,
    ServiceError,
)
from tests.tui.fake_workspace import FakeWorkspace
from tests.tui.support import Driver, running
from tui.screens.assistant_draft import (
    FieldError,
    FormValues,
    draft_of,
    functions_text,
    parse_functions,
    values_of,
)
from tui.screens.assistant_form import AssistantForm
from tui.screens.dialogs import ConfirmScreen
from tui.widgets.check_list import CheckList

WEATHER = FunctionTool("get_weather", "The weather.", {"type": "object", "properties": {}})
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
        kept=(BuiltinTool("file_search"),),
    )
    assert draft_of(values, LOCAL) == AssistantDraft(
        name="Research",
        model="llama3.3",
        instructions="Be brief.",
        description="Reads",
        tools=(
            BuiltinTool("file_search"),
            WEATHER,
            FunctionTool("add", "", {"type": "object"}),
        ),
        temperature=0.7,
        top_p=1.0,
    )


def test_an_assistant_goes_through_the_form_unchanged() -> None:
    assistant = Assistant(
        "asst_1", "A", "m", "i", "d",
        (
            BuiltinTool("code_interpreter"), WEATHER,
            FunctionTool("own", "Mine", {"type": "object"}, True),
        ),
        0.123456789, None,
    )  # fmt: skip
    draft = draft_of(values_of(assistant, LOCAL, "x"), LOCAL)
    assert draft.tools == assistant.tools
    assert (draft.name, draft.model, draft.temperature) == ("A", "m", 0.123456789)


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
    await driver.until(
        lambda: form._loaded and form.query_one("#models", OptionList).option_count, "its offers"
    )
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
        assert "file search" in str(driver.app.screen.query_one("#kept", Static).render())
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


async def test_a_model_is_chosen_from_the_list_or_typed() -> None:
    async with running() as driver:
        form = await form_of(driver)
        await driver.pilot.press(*"T", "tab")
        model = form.query_one("#model", Input)
        await driver.until(lambda: driver.app.focused is model, "the model field")
        model.value = "qw"
        models = form.query_one("#models", OptionList)
        await driver.until(lambda: models.option_count == 1, "one fits")
        await driver.pilot.press("tab", "enter")
        await driver.until(lambda: model.value == "qwen3", "it is chosen")
        model.value = "something/else"
        await driver.pilot.press("ctrl+s")
        await driver.until(lambda: driver.workspace.assistants.drafts, "it is saved")
        assert driver.workspace.assistants.drafts[0].model == "something/else"
