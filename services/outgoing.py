"""What is on its way to be sent: plain data, and its form on disk."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

Use = Literal["file_search", "code_interpreter", "both", "image"]
"""What an attached file is for: the tools that may read it, or a picture the model looks at."""

_SHORT: Mapping[Use, str] = {
    "file_search": "search",
    "code_interpreter": "code",
    "both": "search + code",
    "image": "picture",
}


@dataclass(frozen=True, slots=True)
class PendingFile:
    """A file that goes with a message. ``size`` is in bytes.

    ``path`` is where it is on this machine, empty for one that only the server has; ``file_id`` is
    its id on the server, empty until it is uploaded. ``uses`` are those that can be switched to.
    """

    name: str
    size: int
    use: Use
    uses: tuple[Use, ...] = ()
    path: str = ""
    file_id: str = ""

    @property
    def key(self) -> str:
        """Tells one file from another in a message."""
        return self.path or self.file_id

    @property
    def shown_use(self) -> str:
        """What it is for, in a word or two."""
        return _SHORT[self.use]

    @property
    def shown_size(self) -> str:
        """``1.2 MB``."""
        return readable_size(self.size)

    @property
    def purpose(self) -> Literal["assistants", "vision"]:
        """The purpose to upload it with."""
        return "vision" if self.use == "image" else "assistants"

    @property
    def tools(self) -> tuple[str, ...]:
        """The tools that may use it, as the wire names them; none for a picture."""
        if self.use == "both":
            return ("file_search", "code_interpreter")
        return () if self.use == "image" else (self.use,)

    def switched(self) -> PendingFile:
        """The same file for its next use; an upload for another purpose does not count."""
        if len(self.uses) < 2:
            return self
        at = self.uses.index(self.use) if self.use in self.uses else -1
        other = replace(self, use=self.uses[(at + 1) % len(self.uses)])
        if self.path and other.purpose != self.purpose:
            other = replace(other, file_id="")
        return other


@dataclass(frozen=True, slots=True)
class Fold:
    """A long paste: ``token`` stands for ``text`` in the message box."""

    token: str
    text: str


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message as it is written: ``text`` with tokens for ``folds``, and its ``files``.

    ``assistant_id`` is the assistant it is meant for, empty for the one that is chosen when it is
    sent.
    """

    text: str = ""
    files: tuple[PendingFile, ...] = ()
    folds: tuple[Fold, ...] = ()
    assistant_id: str = ""

    def __bool__(self) -> bool:
        return bool(self.text.strip() or self.files)

    @property
    def expanded(self) -> str:
        """The text as it is sent: every token opened."""
        return expand(self.text, self.folds)

    @property
    def wording(self) -> str:
        """The text as it is sent. Files alone are named, because the text may not be empty; next
        to a picture it may."""
        if (text := self.expanded).strip():
            return text
        if any(file.use == "image" for file in self.files):
            return ""
        return f"Attached: {', '.join(file.name for file in self.files)}"

    def joined(self, later: Outgoing) -> Outgoing:
        """This message and one written after it as one, so that neither is lost."""
        if not later:
            return self
        if not self:
            return later
        known = {fold.token: fold.text for fold in self.folds}
        text, folds = later.text, []
        for fold in later.folds:
            token = fold.token
            while known.get(token, fold.text) != fold.text:
                token = _renumbered(token)
            if token != fold.token:
                text = text.replace(fold.token, token)
            known[token] = fold.text
            folds.append(Fold(token, fold.text))
        keys = {file.key for file in self.files}
        return Outgoing(
            text="\n\n".join(part for part in (self.text.rstrip("\n"), text) if part.strip()),
            files=(*self.files, *(file for file in later.files if file.key not in keys)),
            folds=(*self.folds, *(fold for fold in folds if fold not in self.folds)),
            assistant_id=self.assistant_id or later.assistant_id,
        )


@dataclass(frozen=True, slots=True)
class Draft:
    """What a thread has that is not sent: the message being written, and the queue behind it.

    ``paused`` says why the queue does not go on, empty while it does.
    """

    message: Outgoing = Outgoing()
    queue: tuple[Outgoing, ...] = ()
    paused: str = ""

    def __bool__(self) -> bool:
        return bool(self.message or self.queue)


def expand(text: str, folds: tuple[Fold, ...]) -> str:
    """``text`` with every token replaced, each once: a token inside a paste stays what it is."""
    if not folds:
        return text
    texts = {fold.token: fold.text for fold in folds}
    return re.sub("|".join(map(re.escape, texts)), lambda match: texts[match[0]], text)


def readable_size(size: int) -> str:
    """``1.2 MB``; bytes below a thousand are written out."""
    if size < 1000:
        return f"{size} B"
    amount = float(size)
    for unit in ("kB", "MB", "GB"):
        amount /= 1000
        if amount < 999.5 or unit == "GB":
            break
    return f"{amount:.1f} {unit}" if amount < 9.95 else f"{amount:.0f} {unit}"


def _renumbered(token: str) -> str:
    return re.sub(r"#(\d+)", lambda match: f"#{int(match[1]) + 1}", token)


def message_body(text: str, files: Sequence[PendingFile]) -> dict[str, Any]:
    """Content and attachments of a message as the wire has them; every file has its id."""
    pictures = [file.file_id for file in files if file.use == "image"]
    body: dict[str, Any] = {"content": text}
    if pictures:
        parts = [{"type": "image_file", "image_file": {"file_id": each}} for each in pictures]
        body["content"] = [{"type": "text", "text": text}, *parts] if text else parts
    attachments = [
        {"file_id": file.file_id, "tools": [{"type": tool} for tool in file.tools]}
        for file in files
        if file.use != "image"
    ]
    if attachments:
        body["attachments"] = attachments
    return body


# On disk


def draft_as_json(draft: Draft) -> dict[str, Any]:
    """The draft as JSON values."""
    return {
        "message": outgoing_as_json(draft.message),
        "queue": [outgoing_as_json(each) for each in draft.queue],
        "paused": draft.paused,
    }


def draft_from_json(read: object) -> Draft:
    """The draft again; what cannot be understood is left out."""
    found = read if isinstance(read, Mapping) else {}
    queue = found.get("queue")
    return Draft(
        message=outgoing_from_json(found.get("message")),
        queue=tuple(
            each
            for each in map(outgoing_from_json, queue if isinstance(queue, list) else [])
            if each
        ),
        paused=_text(found, "paused"),
    )


def outgoing_as_json(message: Outgoing) -> dict[str, Any]:
    """The message as JSON values, without what is empty."""
    written: dict[str, Any] = {"text": message.text}
    if message.folds:
        written["folds"] = [[fold.token, fold.text] for fold in message.folds]
    if message.files:
        written["files"] = [
            {"name": file.name, "size": file.size, "use": file.use, "uses": list(file.uses),
             "path": file.path, "file_id": file.file_id}
            for file in message.files
        ]  # fmt: skip
    if message.assistant_id:
        written["assistant"] = message.assistant_id
    return written


def outgoing_from_json(read: object) -> Outgoing:
    """The message again; what cannot be understood is left out."""
    if not isinstance(read, Mapping):
        return Outgoing()
    folds, files = read.get("folds"), read.get("files")
    return Outgoing(
        text=_text(read, "text"),
        folds=tuple(_folds(folds if isinstance(folds, list) else [])),
        files=tuple(_files(files if isinstance(files, list) else [])),
        assistant_id=_text(read, "assistant"),
    )


def _folds(read: list[object]) -> Iterator[Fold]:
    for each in read:
        if isinstance(each, list) and len(each) == 2 and all(isinstance(one, str) for one in each):
            yield Fold(each[0], each[1])


def _files(read: list[object]) -> Iterator[PendingFile]:
    uses = get_args(Use)
    for each in read:
        if not isinstance(each, Mapping) or each.get("use") not in uses:
            continue
        size, others = each.get("size"), each.get("uses")
        yield PendingFile(
            name=_text(each, "name"),
            size=size if isinstance(size, int) else 0,
            use=each["use"],
            uses=tuple(one for one in others if one in uses) if isinstance(others, list) else (),
            path=_text(each, "path"),
            file_id=_text(each, "file_id"),
        )


def _text(read: Mapping[str, Any], key: str) -> str:
    value = read.get(key)
    return value if isinstance(value, str) else ""
