"""The settings file: read cheaply before the first paint, written back without losing comments.

A file that cannot be read, or says something that is not understood, never stops the program and
is never overwritten: the defaults hold, and ``Settings.problems`` says what is wrong and where.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast, get_args

from services.records import Marks, Notify, ServiceError, Settings

Driver = Literal["auto", "chat", "responses"]
TITLES = ("model", "first line")

DEFAULT_SETTINGS_TEXT = """\
# Understudy's settings. Every line is optional; a line that begins with # is off.

# theme = "understudy-dark"
# Who names threads: the "model", after its first answer, or their "first line" alone.
# titles = "model"

[model]
# An OpenAI-compatible endpoint, ending in /v1. Without one the built-in rehearsal model answers.
# url = "http://127.0.0.1:11434/v1"
# The endpoint's model that answers when a name is not one of its own.
# default = "llama3.3"
# The API it speaks: "chat" (Chat Completions) or "responses"; "auto" finds out.
# driver = "auto"
# The endpoint's key does not belong here: set UNDERSTUDY_MODEL_KEY.

[model.aliases]
# "gpt-4o" = "llama3.3"

[terminal]
# How to tell that an answer is ready or a decision is needed while the terminal is not in front:
# "bell", "osc9" or "osc777" (a notification of the desktop, in terminals that have it), "off";
# "auto" takes what this terminal is known to show, else the bell.
# notify = "auto"
# Whether the window's title says how things stand; it is put back at the end.
# title = true
# Lines of text instead of a full screen, for screen readers; so does: understudy --plain
# plain = false
# The signs of frames and marks: "unicode" or "ascii"; "auto" goes by the locale.
# marks = "auto"

[keymap]
# A command's id and the keys that carry it out; "" takes its keys away.
# "thread.new" = "ctrl+n"
"""


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """The embedded engine's endpoint; ``url`` None is the built-in rehearsal model.

    ``key`` comes from the environment alone.
    """

    url: str | None = None
    key: str | None = field(default=None, repr=False)
    default: str | None = None
    aliases: Mapping[str, str] = field(default_factory=dict)
    driver: Driver = "auto"


@dataclass(frozen=True, slots=True)
class LocalSettings:
    """What this machine says: for the screen, and for the engine."""

    screen: Settings
    model: ModelSettings


def read_settings(file: Path, environment: Mapping[str, str] | None = None) -> LocalSettings:
    """Reads ``file``, which need not exist; the environment's model settings win. Never raises."""
    environment = os.environ if environment is None else environment
    problems: list[str] = []
    text = _text_of(file, problems)
    tables: dict[str, Any] = {}
    if text:
        import tomllib  # most starts have no file to read, and none should pay for it

        try:
            tables = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            problems.append(f"{file} is not valid TOML: {error}. The defaults hold until it is.")
            text = ""
    reader = _Reader(file, text, problems)

    theme = reader.string(tables, "", "theme")
    titles = reader.string(tables, "", "titles") or TITLES[0]
    if titles not in TITLES:
        reader.problem("", "titles", 'it must be "model" or "first line"')
    keymap = reader.strings(tables, "", "keymap")
    model = reader.table(tables, "", "model")
    url = reader.string(model, "model", "url")
    default = reader.string(model, "model", "default")
    aliases = reader.strings(model, "model", "aliases")
    driver = reader.driver(model, environment.get("UNDERSTUDY_MODEL_DRIVER", "").strip())
    if "key" in model:
        model = {name: value for name, value in model.items() if name != "key"}
        reader.problem(
            "model", "key", "keys do not belong in a settings file; set UNDERSTUDY_MODEL_KEY"
        )
    terminal = reader.table(tables, "", "terminal")
    notify = reader.choice(terminal, "terminal", "notify", get_args(Notify))
    marks = reader.choice(terminal, "terminal", "marks", get_args(Marks))
    title = reader.switch(terminal, "terminal", "title", default=True)
    plain = reader.switch(terminal, "terminal", "plain", default=False)
    reader.report_unknown(tables, "", {"theme", "titles", "keymap", "model", "terminal"})
    reader.report_unknown(terminal, "terminal", {"notify", "title", "plain", "marks"})
    reader.report_unknown(model, "model", {"url", "default", "aliases", "driver"})

    if url is not None and not _is_endpoint(url):
        reader.problem("model", "url", "it must begin with http:// or https://")
        url = None
    given = environment.get("UNDERSTUDY_MODEL_URL", "").strip()
    if given:
        if _is_endpoint(given):
            url = given
        else:
            problems.append("UNDERSTUDY_MODEL_URL must begin with http:// or https://.")
    return LocalSettings(
        screen=Settings(
            theme=theme or Settings().theme,
            theme_chosen=theme is not None,
            model_titles=titles != TITLES[1],
            keymap=keymap,
            notify=cast(Notify, notify or "auto"),
            title=title,
            plain=plain,
            marks=cast(Marks, marks or "auto"),
            problems=tuple(problems),
        ),
        model=ModelSettings(
            url=url.rstrip("/") if url else None,
            key=environment.get("UNDERSTUDY_MODEL_KEY", "").strip() or None,
            default=environment.get("UNDERSTUDY_MODEL", "").strip() or default,
            aliases=aliases,
            driver=driver,
        ),
    )


def write_setting(file: Path, name: str | tuple[str, ...], value: str) -> None:
    """Sets ``name`` in ``file``; comments and order stay as they are.

    ``name`` is dotted (``model.url``), or a tuple where a part has a dot of its own
    (``("keymap", "thread.new")``). Raises ``ServiceError`` and leaves the file alone when it
    cannot be read or written.
    """
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    from services.local.atomic import write_atomically

    path = tuple(name.split(".")) if isinstance(name, str) else name
    name = ".".join(path)
    try:
        text = file.read_text(encoding="utf-8") if file.exists() else DEFAULT_SETTINGS_TEXT
        document = tomlkit.parse(text)
        *tables, key = path
        table: Any = document
        for part in tables:
            if part not in table:
                table[part] = tomlkit.table()
            table = table[part]
        table[key] = value
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomically(file, tomlkit.dumps(document).encode())
    except (UnicodeDecodeError, TOMLKitError, TypeError) as error:
        raise ServiceError(
            f"{name} was not saved, because {file} is not valid TOML: {error}. "
            "Correct the file, then try again; it was left as it is."
        ) from error
    except OSError as error:
        raise ServiceError(
            f"{name} was not saved in {file}: {error.strerror}. The file was left as it is."
        ) from error


def _text_of(file: Path, problems: list[str]) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError as error:
        reason = f"it is not UTF-8 text (byte {error.start + 1})"
    except OSError as error:
        reason = error.strerror or type(error).__name__
    problems.append(f"{file} cannot be read: {reason}. The defaults hold until it can.")
    return ""


_DRIVERS = ", ".join(get_args(Driver))


def _driver(name: str | None) -> Driver | None:
    return next((each for each in get_args(Driver) if each == name), None)


def _is_endpoint(url: str) -> bool:
    return re.fullmatch(r"https?://[^\s/]\S*", url) is not None


class _Reader:
    """Takes values out of the parsed file, and notes what it cannot take, with its line."""

    def __init__(self, file: Path, text: str, problems: list[str]) -> None:
        self._file = file
        self._lines = text.splitlines()
        self._problems = problems

    def string(self, table: Mapping[str, Any], path: str, key: str) -> str | None:
        value = table.get(key)
        if value is None or isinstance(value, str):
            return value or None
        self.problem(path, key, "it must be a text in quotes")
        return None

    def choice(
        self, table: Mapping[str, Any], path: str, key: str, choices: Sequence[str]
    ) -> str | None:
        value = table.get(key)
        if value is None or value in choices:
            return value
        self.problem(path, key, f"it must be one of {', '.join(choices)}")
        return None

    def switch(self, table: Mapping[str, Any], path: str, key: str, *, default: bool) -> bool:
        value = table.get(key, default)
        if isinstance(value, bool):
            return value
        self.problem(path, key, "it must be true or false")
        return default

    def table(self, table: Mapping[str, Any], path: str, key: str) -> Mapping[str, Any]:
        value = table.get(key, {})
        if isinstance(value, dict):
            return value
        self.problem(path, key, "it must be a table")
        return {}

    def strings(self, table: Mapping[str, Any], path: str, key: str) -> dict[str, str]:
        found = {}
        inner = f"{path}.{key}" if path else key
        for name, value in self.table(table, path, key).items():
            if isinstance(value, str):
                found[name] = value
            else:
                self.problem(inner, name, "it must be a text in quotes")
        return found

    def driver(self, model: Mapping[str, Any], given: str) -> Driver:
        """The model's driver; ``given`` is the environment's, which wins."""
        if (known := _driver(given)) is not None:
            return known
        if given:
            self._problems.append(f"UNDERSTUDY_MODEL_DRIVER must be one of {_DRIVERS}.")
        named = self.string(model, "model", "driver")
        if named is not None and _driver(named) is None:
            self.problem("model", "driver", f"it must be one of {_DRIVERS}")
        return _driver(named) or "auto"

    def report_unknown(self, table: Mapping[str, Any], path: str, known: set[str]) -> None:
        for name in table:
            if name not in known:
                self.problem(path, name, "there is no such setting")

    def problem(self, path: str, key: str, what: str) -> None:
        name = f"{path}.{key}" if path else key
        line = self._line_of(path, key)
        where = f"{self._file}, line {line}" if line else str(self._file)
        self._problems.append(f"{where}: {name} is ignored: {what}.")

    def _line_of(self, path: str, key: str) -> int | None:
        """Where ``key`` stands; tomllib does not tell, so the table's lines are looked through."""
        table = ""
        for number, line in enumerate(self._lines, start=1):
            header = re.match(r"\s*\[\[?([^\[\]]+)\]", line)
            if header:
                table = re.sub(r"[\s\"']", "", header.group(1))
                if table == (f"{path}.{key}" if path else key):
                    return number
            elif table == path and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*[=.]", line):
                return number
        return None
