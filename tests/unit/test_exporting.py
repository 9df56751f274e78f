"""A thread as Markdown, JSON and HTML, from the wire's objects."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from services.exporting.html import to_html
from services.exporting.lossless import to_json
from services.exporting.markdown import fenced, to_markdown
from services.exporting.saving import free_name, save, stem
from services.exporting.thread_record import ThreadRecord
from services.records import FileThere, ServiceError


def text(value: str, *notes: dict[str, Any]) -> dict[str, Any]:
    return {"type": "text", "text": {"value": value, "annotations": list(notes)}}


CITED = {
    "type": "file_citation",
    "text": "【4:0†report.pdf】",
    "start_index": 8,
    "end_index": 24,
    "file_citation": {"file_id": "file-1"},
}


def a_record(*messages: dict[str, Any], **more: Any) -> ThreadRecord:
    fields: dict[str, Any] = {
        "thread": {"id": "thread_1", "object": "thread", "created_at": 1_790_000_000, "new": [1]},
        "messages": messages,
        "runs": [],
        "steps": {},
        "title": "Quarterly report",
        "exported_at": 1_790_000_100,
    }
    return ThreadRecord(**(fields | more))


def message(id: str, role: str, *content: dict[str, Any], **more: Any) -> dict[str, Any]:
    fields = {"id": id, "role": role, "content": list(content), "created_at": 1_790_000_000}
    return fields | more


def worked() -> ThreadRecord:
    """A question, tool calls of every kind, an answer with a citation, an unfinished one."""
    calls = [
        {
            "id": "call_1",
            "type": "function",
            "function": {"name": "look", "arguments": '{"at": "x"}', "output": "I see ``` x."},
        },
        {
            "id": "call_2",
            "type": "code_interpreter",
            "code_interpreter": {
                "input": "print(1)",
                "outputs": [
                    {"type": "logs", "logs": "1\n"},
                    {"type": "image", "image": {"file_id": "file-9"}},
                ],
            },
        },
        {
            "id": "call_3",
            "type": "file_search",
            "file_search": {
                "results": [
                    {
                        "file_id": "file-1",
                        "file_name": "report.pdf",
                        "score": 0.5,
                        "content": [{"type": "text", "text": "Revenue grew."}],
                    }
                ]
            },
        },
    ]
    steps = [
        {
            "id": "step_1",
            "status": "completed",
            "step_details": {"type": "tool_calls", "tool_calls": calls},
        },
        {
            "id": "step_2",
            "status": "completed",
            "step_details": {
                "type": "message_creation",
                "message_creation": {"message_id": "msg_2"},
            },
        },
    ]
    run = {
        "id": "run_1",
        "status": "completed",
        "model": "llama3.3",
        "created_at": 1_790_000_001,
        "started_at": 1_790_000_001,
        "completed_at": 1_790_000_004,
        "assistant_id": "asst_1",
        "usage": {"prompt_tokens": 1240, "completion_tokens": 310},
    }
    return a_record(
        message(
            "msg_1", "user", text("What *grew*?"),
            {"type": "image_file", "image_file": {"file_id": "file-2"}},
            {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
            attachments=[{"file_id": "file-1", "tools": [{"type": "file_search"}]}],
        ),
        message(
            "msg_2", "assistant", text("**Revenue** 【4:0†report.pdf】", CITED),
            run_id="run_1", assistant_id="asst_1",
        ),
        message(
            "msg_3", "assistant", {"type": "refusal", "refusal": "I would rather not."},
            {"type": "hologram", "hologram": {}},
            status="incomplete", incomplete_details={"reason": "max_tokens"},
        ),
        runs=[run],
        steps={"run_1": steps},
        assistants={"asst_1": {"id": "asst_1", "name": "Research"}},
        files={"file-1": {"id": "file-1", "filename": "report.pdf"}},
        pictures={"file-2": "data:image/png;base64,AAAA"},
    )  # fmt: skip


def test_markdown_holds_everything_in_its_order() -> None:
    told = to_markdown(worked())
    parts = [
        "# Quarterly report",
        "2026-09-21",
        "## You, ",
        "What *grew*?",
        "Image: file-2",
        "Image: <https://example.com/a.png>",
        "Attached: report.pdf (file-1)",
        "### Tool: look, completed",
        '{"at": "x"}',
        "I see ``` x.",
        "### Tool: code interpreter",
        "print(1)",
        "image: file-9",
        "### Tool: file search",
        "score 0.50",
        "Revenue grew.",
        "## Research, ",
        "**Revenue** 【4:0†report.pdf】",
        "- 【4:0†report.pdf】 report.pdf (file-1)",
        "llama3.3 · completed · 1,240 tokens in, 310 out, 3 s",
        "*Refused:* I would rather not.",
        "hologram",
        "Not complete: max\\_tokens",
    ]
    places = [told.index(part) for part in parts]
    assert places == sorted(places)


def test_a_fence_is_longer_than_any_within_it() -> None:
    assert fenced("a\n````\nb").startswith("`````\n")
    assert "````\nI see ``` x.\n````" in to_markdown(worked())


def test_names_are_no_markdown_and_no_second_line() -> None:
    record = replace(worked(), title="a\n# b", assistants={"asst_1": {"name": "*x* <b>\n# y"}})
    told = to_markdown(record)
    assert told.startswith("# a # b\n")
    assert "## \\*x\\* \\<b\\> \\# y, " in told


def test_no_text_file_holds_what_a_terminal_obeys() -> None:
    record = a_record(
        message("m", "assistant", text("a\x1b[31mb\x07c\x9bd\r\ne\tf")), title="t\x1b"
    )
    assert "a[31mbcd\ne\tf" in to_markdown(record)
    for told in (to_markdown(record), to_json(record), to_html(record)):
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", told)


def test_json_holds_the_wires_objects_as_they_came() -> None:
    record = worked()
    read = json.loads(to_json(record))
    assert read["thread"] == record.thread
    assert read["messages"] == list(record.messages)
    assert read["runs"] == list(record.runs)
    assert read["run_steps"] == record.steps
    assert read["assistants"] == [{"id": "asst_1", "name": "Research"}]
    assert read["files"] == [{"id": "file-1", "filename": "report.pdf"}]
    assert read["version"] == 1


def test_json_carries_any_character() -> None:
    said = "half \ud83d, \u0000, \u2028, 日本"
    record = a_record(message("m", "user", text(said)))
    data = to_json(record).encode()
    assert json.loads(data)["messages"][0]["content"][0]["text"]["value"] == said


class Tags(HTMLParser):
    """The tags and attributes of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


HOSTILE = (
    "<script>alert(1)</script> <img src=x onerror=alert(1)> [x](javascript:alert(1)) "
    "![y](https://evil.example/beacon.png) <style>*{display:none}</style> "
    "[z](data:text/html,<script>1</script>) \n\n<iframe src='//evil.example'></iframe>\n\n"
    "```html\n</pre></article><script>2</script>\n```\n"
)


def test_a_page_runs_nothing_and_fetches_nothing() -> None:
    calls = [
        {
            "type": "function",
            "function": {"name": HOSTILE, "arguments": HOSTILE, "output": HOSTILE},
        }
    ]
    step = {"status": HOSTILE, "step_details": {"type": "tool_calls", "tool_calls": calls}}
    record = a_record(
        message("m1", "user", text(HOSTILE)),
        message(
            "m2", "assistant", text(HOSTILE),
            {"type": "image_url", "image_url": {"url": "javascript:alert(1)"}},
            {"type": "image_file", "image_file": {"file_id": '"><script>3</script>'}},
            run_id="r",
        ),
        runs=[{"id": "r", "model": HOSTILE, "status": HOSTILE, "last_error": {"message": HOSTILE}}],
        steps={"r": [step]},
        title=HOSTILE,
        files={"f": {"filename": HOSTILE}},
    )  # fmt: skip
    tags = Tags(to_html(record))
    names = {tag for tag, _ in tags.seen}
    assert not names & {"script", "iframe", "object", "embed", "link", "form", "base", "img", "svg"}
    for tag, attributes in tags.seen:
        assert not any(name.startswith("on") for name in attributes), tag
        target = attributes.get("href") or attributes.get("src") or ""
        assert target == "" or target.startswith(("http://", "https://")), target
    assert sum(tag == "style" for tag, _ in tags.seen) == 1
    policy = next(each for tag, each in tags.seen if "http-equiv" in each)
    assert "default-src 'none'" in str(policy["content"])


def test_a_page_shows_answers_rendered_and_questions_as_typed() -> None:
    page = to_html(worked())
    assert "<strong>Revenue</strong>" in page
    assert '<p class="typed">What *grew*?</p>' in page
    assert '<img src="data:image/png;base64,AAAA"' in page
    assert "<summary>Tool: look, completed</summary>" in page
    assert "1,240 tokens in, 310 out" in page


@pytest.mark.parametrize("write", [to_markdown, to_html, to_json])
def test_a_thread_without_anything_is_exported_too(write: Any) -> None:
    assert "thread_1" in write(a_record(title=""))


@pytest.mark.parametrize("write", [to_markdown, to_html])
def test_objects_of_other_servers_with_holes_are_exported(write: Any) -> None:
    holes = [
        {"id": "m"},
        {"id": "n", "role": "assistant", "content": [{"type": "text"}], "run_id": "r"},
        {"id": "o", "content": None, "attachments": [{}]},
    ]
    record = a_record(*holes, runs=[{"id": "r"}], steps={"r": [{}, {"step_details": None}]})
    assert write(record)


def test_a_silent_run_stands_where_it_was_made() -> None:
    record = a_record(
        message("m1", "user", text("first"), created_at=10),
        message("m2", "user", text("second"), created_at=30),
        runs=[{"id": "r", "created_at": 20, "status": "failed", "last_error": {"message": "Down"}}],
    )
    told = to_markdown(record)
    assert told.index("first") < told.index("failed: Down") < told.index("second")


# Names and files


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Q3 report: key findings", "Q3 report key findings"),
        ("../../etc/passwd", "etc passwd"),
        ("a\x1b[31m\nb", "a [31m b"),
        ("", "thread"),
        ("...", "thread"),
        ("CON", "CON-thread"),
        ("  spaces  ", "spaces"),
        ("-rf", "rf"),
        ("日本語のスレッド", "日本語のスレッド"),
    ],
)
def test_a_title_becomes_a_name_that_every_system_takes(title: str, name: str) -> None:
    assert stem(title) == name


def test_a_long_title_makes_a_name_that_fits() -> None:
    assert len(stem("日" * 500).encode()) <= 120


def test_a_name_that_is_taken_gets_a_number(tmp_path: Path) -> None:
    assert free_name(tmp_path, "Talk", "markdown") == "Talk.md"
    (tmp_path / "Talk.md").touch()
    (tmp_path / "Talk (2).md").symlink_to("nowhere")
    assert free_name(tmp_path, "Talk", "markdown") == "Talk (3).md"
    assert free_name(tmp_path, "Talk", "json") == "Talk.json"


def test_a_file_is_never_written_over_unasked(tmp_path: Path) -> None:
    path = tmp_path / "Talk.md"
    path.write_text("mine")
    with pytest.raises(FileThere, match=r"There is a file Talk\.md already"):
        save(worked(), path, "markdown")
    assert path.read_text() == "mine"
    save(worked(), path, "markdown", replace=True)
    assert path.read_text(encoding="utf-8").startswith("# Quarterly report")


def test_a_folder_that_is_not_there_is_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match="was not exported to .*No such file"):
        save(worked(), tmp_path / "gone" / "Talk.md", "markdown")
    assert list(tmp_path.iterdir()) == []


def test_half_a_character_does_not_stop_an_export(tmp_path: Path) -> None:
    record = a_record(message("m", "assistant", text("half \ud83d here")), title="x")
    for format in ("markdown", "html", "json"):
        save(record, tmp_path / f"x.{format}", format)  # type: ignore[arg-type]  # of the three
    assert len(list(tmp_path.iterdir())) == 3
