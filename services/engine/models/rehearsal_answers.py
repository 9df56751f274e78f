"""What the rehearsal says. Every answer says that no language model wrote it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from services.engine.models.rehearsal_passages import quoted_passages

NOTICE = "I am the rehearsal model: a fixed set of rules, not a language model."
SHORT_NOTICE = "*(Rehearsal: fixed rules, not a language model.)*"

CONNECT = """To talk with a language model, connect any OpenAI-compatible endpoint:

```sh
# Ollama, llama.cpp, vLLM, LM Studio, OpenAI, ...
export UNDERSTUDY_MODEL_URL=http://127.0.0.1:11434/v1
# The default model, and a key if one is needed
export UNDERSTUDY_MODEL=llama3.3
export UNDERSTUDY_MODEL_KEY=...
```"""

ABILITIES = """What I can show without one:

- **Functions**: name a function of this assistant, with arguments as `key: value`, and I call it; \
if it has only one, just ask. Its output is quoted in my answer.
- **File search**: with files attached to the conversation or the assistant, ask about them and I \
quote the passages that fit best.
- **Markdown**: write `markdown`, `table`, `code` or `long` and I answer with a sample.
- **Structured output**: with a JSON response format I answer in valid JSON."""

TABLE = """| Part | What it does | Status |
|:-----|:-------------|-------:|
| Assistants | instructions, model, tools | ready |
| Threads | everything that was said | stored |
| Runs | one answer, step by step | streaming |
| Functions | run only when you allow it | 3 waiting |
| Wide text | 日本語, 한국어, ελληνικά, 👩‍👩‍👧 | shown |"""

CODE = '''```python
def fibonacci(count: int) -> list[int]:
    """The first `count` numbers, each the sum of the two before it."""
    numbers = [0, 1]
    while len(numbers) < count:
        numbers.append(numbers[-1] + numbers[-2])
    return numbers[:count]


print(fibonacci(10))  # [0, 1, 1, 2, 3, 5, 8, 13, 21, 34]
```

and a thread's messages from a shell:

```sh
curl -s "$BASE_URL/threads/$THREAD/messages" | jq -r '.data[].content[].text.value'
```'''

MARKDOWN = f"""# A Markdown sample

Text with **bold**, *italic*, ***both***, ~~struck~~, `code` and a \
[link](https://example.com "Example").

## Lists

1. First
2. Second
   - nested
   - nested again
     - and deeper
3. Third

- [x] done
- [ ] still to do

## A table

{TABLE}

## Code

{CODE}

## A quotation

> What was sent is on disk before it is acknowledged.
>
> > And nothing runs unasked.

---

Brackets stay brackets: list[0], [a-z], [not a link], 3 < 4 & 5 > 4."""

LONG_SECTIONS = 40


def long_answer() -> str:
    """Enough text to scroll through, search in and cancel."""
    sections = [
        f"## Section {number} of {LONG_SECTIONS}\n\n"
        f"This is paragraph {number}. It is here so that there is something to scroll through, to "
        "find words in, and to interrupt while it is being written: press the cancel key and what "
        f"was written so far stays. The square of {number} is {number * number}.\n\n"
        f"- point {number}.1, short\n"
        f"- point {number}.2, a little longer, so that it wraps on a narrow terminal and shows how "
        "the indentation of a list item holds"
        for number in range(1, LONG_SECTIONS + 1)
    ]
    return f"{NOTICE} Here is a long text.\n\n" + "\n\n".join(sections)


def sample(kind: str) -> str:
    """``markdown``, ``table``, ``code`` or ``long``."""
    if kind == "long":
        return long_answer()
    return f"{NOTICE} Here is a sample.\n\n" + {"table": TABLE, "code": CODE}.get(kind, MARKDOWN)


def help_answer(functions: Sequence[str], instructions: str) -> str:
    parts = [NOTICE, ABILITIES]
    if functions:
        named = ", ".join(f"`{name}`" for name in functions)
        parts.append(f"This assistant has {named}.")
    if instructions:
        parts.append(instructions_line(instructions))
    return "\n\n".join([*parts, CONNECT])


def greeting(instructions: str, *, again: bool) -> str:
    if again:
        return f"Hello again. {SHORT_NOTICE} Write `help` for what I can show."
    line = f"\n\n{instructions_line(instructions)}" if instructions else ""
    return f"Hello. {NOTICE}{line}\n\n{ABILITIES}\n\n{CONNECT}"


def plain_answer(
    message: str, functions: Sequence[str], instructions: str, *, images: int, again: bool
) -> str:
    """The answer to what no rule knows: the message back, and what to do about it."""
    parts = [SHORT_NOTICE if again else f"{NOTICE} I cannot answer this, but I have read it."]
    parts.append(
        f"You wrote:\n\n{quoted(message, 400)}" if message.strip() else "You sent no text."
    )
    if images:
        parts.append(f"With it came {images} image{'s' if images > 1 else ''}.")
    if instructions:
        parts.append(instructions_line(instructions))
    if functions:
        named = ", ".join(f"`{name}`" for name in functions)
        parts.append(f"Name one of the functions and I call it: {named}.")
    parts.append("Write `help` for what I can show." if again else f"{ABILITIES}\n\n{CONNECT}")
    return "\n\n".join(parts)


def instructions_line(instructions: str) -> str:
    return f"My instructions begin: “{shortened(instructions, 100)}”"


def tool_answer(outputs: Sequence[tuple[str, str]], question: str) -> str:
    """Quotes what tools gave back; ``outputs`` are (tool, output)."""
    functions = [each for each in outputs if each[0] != "file_search"]
    parts = [f"{SHORT_NOTICE} This is what came back."] if functions else [SHORT_NOTICE]
    for name, output in outputs:
        if name == "file_search":
            parts.append(_search_answer(output, question))
            continue
        label = f"`{name}` answered" if name else "A function answered"
        if not output.strip():
            parts.append(f"{label} with an empty output.")
        else:
            parts.append(f"{label}:\n\n{_output(output)}")
    return "\n\n".join(parts)


def _search_answer(output: str, question: str) -> str:
    quoted = quoted_passages(output, question)
    if quoted is None:
        return "I searched the files, and no passage fits what you asked."
    return f"I searched the files. The passages that fit best:\n\n{quoted}"


def json_note(message: str) -> dict[str, str]:
    """The answer where any JSON object will do."""
    return {"model": "rehearsal", "notice": NOTICE, "message": shortened(message, 200)}


def quoted(text: str, longest: int) -> str:
    """``text`` as a Markdown quotation, cut after ``longest`` characters."""
    cut = text.strip()
    if len(cut) > longest:
        cut = f"{cut[:longest].rstrip()}… ({len(cut) - longest:,} more characters)"
    return "\n".join(f"> {line}".rstrip() for line in cut.split("\n"))


def shortened(text: str, longest: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def _output(output: str) -> str:
    try:
        value = json.loads(output)
    except (ValueError, RecursionError):
        value = None
    if isinstance(value, dict | list):
        return fenced(json.dumps(value, ensure_ascii=False, indent=2), "json")
    if "\n" in output.strip():
        return fenced(output.strip("\n"), "")
    return quoted(output, 2000)


def fenced(text: str, language: str, longest: int = 4000) -> str:
    """``text`` as a code block whose fence nothing in it can close."""
    if len(text) > longest:
        text = f"{text[:longest]}\n… ({len(text) - longest:,} more characters)"
    runs = [len(run) for run in re.findall(r"`{3,}", text)]
    fence = "`" * max([3, *(run + 1 for run in runs)])
    return f"{fence}{language}\n{text}\n{fence}"
