"""A thread as one HTML file: no scripts, nothing fetched, everything escaped."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING

from services.exporting.markdown import moment, printable
from services.exporting.thread_record import (
    ThreadRecord,
    Wire,
    author,
    call_texts,
    call_title,
    citations,
    file_name,
    in_order,
    run_text,
)

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.55 system-ui, sans-serif; max-width: 46rem; }
body { margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; }
header p, .when, .run, footer { opacity: .7; font-size: .85rem; }
article { border-top: 1px solid #8886; padding: .6rem 0; overflow-wrap: break-word; }
article.own { border-left: 3px solid #6a8fd8; padding-left: .8rem; }
article h2 { font-size: 1rem; margin: 0; display: flex; justify-content: space-between; }
pre { overflow-x: auto; padding: .6rem; background: #8881; border-radius: 4px; }
.typed { white-space: pre-wrap; }
table { border-collapse: collapse; } td, th { border: 1px solid #8886; padding: .2rem .5rem; }
details { margin: .4rem 0; } summary { cursor: pointer; }
img { max-width: 100%; }
"""
# Even if something got through that should not have: nothing runs, nothing is fetched.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'"


def to_html(record: ThreadRecord) -> str:
    """A page that needs nothing else. Answers are rendered, what was typed stays as it was."""
    markdown = _renderer()
    title = escape(printable(record.title) or "Thread")
    body: list[str] = []
    for kind, item in in_order(record):
        if kind == "message":
            body += _message(record, item, markdown)
        elif kind == "step":
            body += _step(record, item)
        else:
            body.append(f'<p class="run">{_safe(run_text(item))}</p>')
    return "\n".join(
        [
            "<!doctype html>",
            '<html><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">',
            '<meta name="viewport" content="width=device-width">',
            '<meta name="referrer" content="no-referrer">',
            f"<title>{title}</title><style>{STYLE}</style></head><body>",
            f"<header><h1>{title}</h1><p>Thread {_safe(str(record.thread.get('id', '')))}, "
            f"begun {moment(record.thread.get('created_at'))}</p></header>",
            *body,
            f"<footer>Exported {moment(record.exported_at)} by Understudy</footer>",
            "</body></html>\n",
        ]
    )


def _renderer() -> MarkdownIt:
    from markdown_it import MarkdownIt

    markdown = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    # A picture somewhere on the web would be fetched when the page is opened: a link is not.
    markdown.disable("image")
    return markdown


def _safe(text: str) -> str:
    return escape(printable(text))


def _message(record: ThreadRecord, message: Wire, markdown: MarkdownIt) -> Iterator[str]:
    own = message.get("role") == "user"
    yield f'<article class="{"own" if own else "answer"}">'
    when = moment(message.get("created_at"))
    yield f'<h2>{_safe(author(record, message))} <span class="when">{when}</span></h2>'
    for part in message.get("content") or []:
        yield from _part(record, part, own, markdown)
    for attachment in message.get("attachments") or []:
        yield f"<p>Attached: {_safe(file_name(record, attachment.get('file_id')))}</p>"
    if message.get("status") == "incomplete":
        reason = (message.get("incomplete_details") or {}).get("reason") or "no reason given"
        yield f"<p><em>Not complete: {_safe(str(reason))}.</em></p>"
    yield "</article>"


def _part(record: ThreadRecord, part: Wire, own: bool, markdown: MarkdownIt) -> Iterator[str]:
    kind = part.get("type")
    if kind == "text":
        text = printable(str((part.get("text") or {}).get("value") or ""))
        yield f'<p class="typed">{escape(text)}</p>' if own else str(markdown.render(text))
        if told := citations(record, part):
            yield f"<ol>{''.join(f'<li>{_safe(each)}</li>' for each in told)}</ol>"
    elif kind == "refusal":
        yield f"<p><em>Refused:</em> {_safe(str(part.get('refusal') or ''))}</p>"
    elif kind == "image_file":
        yield _picture(record, (part.get("image_file") or {}).get("file_id"))
    elif kind == "image_url":
        yield f"<p>Image: {_address(str((part.get('image_url') or {}).get('url') or ''))}</p>"
    else:
        yield f"<p>A part of the type {_safe(str(kind))}, which is in the JSON export.</p>"


def _picture(record: ThreadRecord, file_id: str | None) -> str:
    name = _safe(file_name(record, file_id))
    if (url := record.pictures.get(file_id or "")) is None:
        return f"<p>Image: {name}</p>"
    return f'<p><img src="{escape(url)}" alt="{name}"></p>'


def _address(url: str) -> str:
    """A link for what a browser may open, else the text."""
    shown = _safe(url if len(url) <= 500 else f"{url[:100]}…")
    if url.startswith(("http://", "https://")):
        return f'<a href="{escape(printable(url))}" rel="noreferrer noopener">{shown}</a>'
    return shown


def _step(record: ThreadRecord, step: Wire) -> Iterator[str]:
    for call in (step.get("step_details") or {}).get("tool_calls") or []:
        state = _safe(str(step.get("status") or ""))
        yield f"<details><summary>Tool: {_safe(call_title(call))}, {state}</summary>"
        for label, text in call_texts(record, call):
            yield f"<p>{_safe(label)}</p><pre>{_safe(text)}</pre>"
        for output in (call.get("code_interpreter") or {}).get("outputs") or []:
            if output.get("type") == "image":
                yield _picture(record, (output.get("image") or {}).get("file_id"))
        yield "</details>"
    if (error := step.get("last_error")) is not None:
        yield f"<p><em>Failed: {_safe(str(error.get('message') or ''))}</em></p>"
