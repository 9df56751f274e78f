"""What a user is shown of a call before deciding on it, and what a decision is bound to.

The warnings are computed from the characters of the call, never guessed from its meaning. They
spell whatever they quote in plain ASCII, so that a warning cannot itself mislead.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import re
import socket
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from services.functions.schema import MAXIMUM_BYTES, NAME_PATTERN, ArgumentsError, parse_arguments
from services.records import (
    ApprovalRequest,
    Approve,
    Decision,
    Deny,
    FunctionTool,
    LocalFunction,
    ServiceError,
)

_EXAMPLES_SHOWN = 3
_ADDRESSES_READ = 500


def approval_request(
    *,
    run_id: str,
    thread_id: str,
    call_id: str,
    tool: str,
    arguments: str,
    definition: FunctionTool | None,
    local: LocalFunction | None = None,
    position: int = 1,
    of: int = 1,
    expires_at: int | None = None,
) -> ApprovalRequest:
    """The request for one call, made once and never changed.

    ``tool`` and ``arguments`` are as the model wrote them. ``definition`` is the tool of that name
    as the model was offered it, None when it was not. ``local`` is the function of that name in
    the user's folder (``FunctionsFolder.find``), None when there is none. Raises nothing.
    """
    warnings: list[str] = []
    named_well = NAME_PATTERN.fullmatch(tool) is not None
    if not named_well:
        warnings.append(
            f"The name {_quoted(tool)} is none that a function can have: 1 to 64 of the letters "
            "A to Z, digits, _ and -."
        )
    if definition is None:
        warnings.append("This assistant was offered no tool of that name.")
    try:
        parsed: dict[str, Any] | None = parse_arguments(arguments)
    except ArgumentsError as error:
        parsed = None
        warnings.append(f"{error.sentence} They cannot be run.")
    if parsed is None:
        canonical, texts = None, [arguments[:MAXIMUM_BYTES]]
    else:
        canonical = json.dumps(parsed, sort_keys=True, indent=2, ensure_ascii=False)
        texts = list(_texts(parsed))
    warnings += _hidden_characters(texts)
    warnings += _mixed_scripts(texts)
    warnings += _addresses(texts)
    warnings += _blank_runs(texts)
    runs_here = named_well and local is not None and not local.problem
    return ApprovalRequest(
        run_id=run_id,
        thread_id=thread_id,
        call_id=call_id,
        tool=tool,
        description=_description(definition, local),
        arguments=arguments,
        canonical=canonical,
        runs_here=runs_here,
        origin=f"your function in {Path(local.path).name}" if runs_here and local else "",
        fingerprint=fingerprint(tool, definition, arguments),
        position=position,
        of=of,
        expires_at=expires_at,
        warnings=tuple(warnings),
    )


def fingerprint(tool: str, definition: FunctionTool | None, arguments: str) -> str:
    """A SHA-256 over the tool's name, its definition and the exact arguments, in hex.

    Any difference in any of them gives another one, so that a decision fits one call only.
    """
    parts = (
        tool.encode(errors="surrogatepass"),
        b"" if definition is None else _definition_digest(definition),
        arguments.encode(errors="surrogatepass"),
    )
    digest = hashlib.sha256()
    for part in parts:
        # The length first: no part can borrow from its neighbour.
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def check(decision: Decision, request: ApprovalRequest) -> None:
    """Make sure that the decision is about this very call, and can be carried out.

    Raises:
        ServiceError: it is about another call or an earlier state of this one, or approves what
            cannot run here. Nothing was run then, and the call still waits.
    """
    if isinstance(decision, Deny):
        return
    if decision.fingerprint != request.fingerprint:
        raise ServiceError(
            "The call is not the one that was shown when you decided, so nothing was run. "
            "Look at it again and decide anew."
        )
    if not isinstance(decision, Approve):
        return
    if not request.runs_here:
        raise ServiceError(
            "No function of that name is in your functions folder, so nothing was run. "
            "Give the result yourself, or deny the call."
        )
    if request.canonical is None:
        raise ServiceError(
            "The arguments of the call cannot be read as a JSON object, so nothing was run. "
            "Give the result yourself, or deny the call."
        )


def denial(decision: Deny) -> str:
    """What the model is told about a denied call."""
    reason = decision.reason.strip()
    return (
        f"The user denied this call. Reason: {reason}" if reason else "The user denied this call."
    )


def _description(definition: FunctionTool | None, local: LocalFunction | None) -> str:
    if definition is not None and definition.description:
        return definition.description
    return local.tool.description if local is not None else ""


def _definition_digest(definition: FunctionTool) -> bytes:
    fields = {
        "name": definition.name,
        "description": definition.description,
        "parameters": definition.parameters,
        "strict": definition.strict,
    }
    text = json.dumps(fields, sort_keys=True, default=_plain)
    return hashlib.sha256(text.encode()).digest()


def _plain(value: object) -> object:
    """JSON's encoder knows no mappings but dict."""
    return dict(value) if isinstance(value, Mapping) else str(value)


def _texts(value: object) -> Iterator[str]:
    """Every key and every text in a parsed value."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            yield from item
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)


def _quoted(text: str, limit: int = 80) -> str:
    return ascii(text[:limit]) + ("..." if len(text) > limit else "")


def _examples(found: Iterable[str]) -> str:
    shown = list(dict.fromkeys(found))
    more = len(shown) - _EXAMPLES_SHOWN
    listed = ", ".join(_quoted(text) for text in shown[:_EXAMPLES_SHOWN])
    return f"{listed} and {more} more" if more > 0 else listed


# --- characters that are not seen, or seen as something else ---------------------------------

# Not drawn although Unicode counts them among letters and marks.
_BLANK_LETTERS = "\u115f\u1160\u2800\u3164\uffa0"
_UNDRAWN = frozenset(_BLANK_LETTERS + "\u034f\u17b4\u17b5\u180b\u180c\u180d\u180f")
# Control and format characters, lone surrogates, private use, unassigned, line separators.
_UNSEEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def _is_hidden(character: str) -> bool:
    if character in "\n\t ":
        return False
    category = unicodedata.category(character)
    if category in _UNSEEN_CATEGORIES or category == "Zs" or character in _UNDRAWN:
        return True
    return 0xFE00 <= ord(character) <= 0xFE0F or 0xE0100 <= ord(character) <= 0xE01EF


def _hidden_characters(texts: list[str]) -> list[str]:
    counts: Counter[str] = Counter()
    for text in texts:
        if not (text.isascii() and text.isprintable()):
            counts.update(text)
    hidden = {character: count for character, count in counts.items() if _is_hidden(character)}
    if not hidden:
        return []
    kinds = [
        f"U+{ord(character):04X}" + (f" {count} times" if count > 1 else "")
        for character, count in sorted(hidden.items())
    ]
    more = f" and {len(kinds) - 8} other kinds" if len(kinds) > 8 else ""
    total = sum(hidden.values())
    noun = "character that is" if total == 1 else "characters that are"
    return [f"The arguments contain {total:,} {noun} not seen: {', '.join(kinds[:8])}{more}."]


_BLANKS = re.compile(rf"[\s{_BLANK_LETTERS}\u180e\u200b-\u200f\u2060-\u2064\ufeff]{{21,}}")


def _blank_runs(texts: list[str]) -> list[str]:
    runs = [len(run[0]) for text in texts for run in _BLANKS.finditer(text)]
    if not runs:
        return []
    where = "one place" if len(runs) == 1 else f"{len(runs):,} places"
    return [
        f"The arguments contain long blank stretches in {where} (the longest has {max(runs):,} "
        "characters): look at what comes after them."
    ]


# --- addresses and paths ---------------------------------------------------------------------

# Scripts that are written side by side in one word as a matter of course.
_EAST_ASIAN = {"CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "KATAKANA-HIRAGANA"}
_WORD = re.compile(r"[^\s\"'<>]+")
_POINTED = re.compile(r"[./\\:@]")
_LABEL = re.compile(r"[^\W_]+")


@cache
def _script(character: str) -> str:
    if not character.isalpha():
        return ""
    first = unicodedata.name(character, "").partition(" ")[0]
    return "" if first in _EAST_ASIAN else first


def _scripts(text: str) -> set[str]:
    return {script for character in set(text) if (script := _script(character))}


def _mixed_scripts(texts: list[str]) -> list[str]:
    found = []
    for text in texts:
        if text.isascii():
            continue
        for word in _WORD.findall(text):
            if not word.isascii() and _POINTED.search(word):
                found += [label for label in _LABEL.findall(word) if len(_scripts(label)) > 1]
    if not found:
        return []
    return [
        "A name in an address or path mixes letters of different alphabets that can look the "
        f"same: {_examples(found)}."
    ]


_ADDRESS = re.compile(r"(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]{0,31}://[^\s\"'<>]*")
_NETWORK_SUFFIXES = (".localhost", ".local", ".internal", ".lan", ".home.arpa", ".intranet")


def _addresses(texts: list[str]) -> list[str]:
    addresses = dict.fromkeys(match[0] for text in texts for match in _ADDRESS.finditer(text))
    unreadable, with_user, numbers, near, foreign = [], [], [], [], []
    for address in list(addresses)[:_ADDRESSES_READ]:
        try:
            parts = urlsplit(address)
            host = (parts.hostname or "").rstrip(".")
        except ValueError:
            unreadable.append(address)
            continue
        if "@" in parts.netloc or "\\" in parts.netloc:
            with_user.append(address)
        if not host:
            continue
        number = _ip_address(host)
        if number is not None:
            numbers.append(host)
        if (number is not None and not number.is_global) or _is_near(host, number is not None):
            near.append(host)
        if not host.isascii():
            foreign.append(host)
    warnings = []
    if unreadable:
        warnings.append(f"An address cannot be read: {_examples(unreadable)}.")
    if with_user:
        warnings.append(
            "An address names a user before its host, so that it can look like another one: "
            f"{_examples(with_user)}."
        )
    if numbers:
        warnings.append(f"An address has a number for a host: {_examples(numbers)}.")
    if near:
        warnings.append(f"An address leads into this machine or network: {_examples(near)}.")
    if foreign:
        warnings.append(
            f"An address has letters in its host that are not A to Z: {_examples(foreign)}."
        )
    if len(addresses) > _ADDRESSES_READ:
        warnings.append(
            f"Of {len(addresses):,} addresses only the first {_ADDRESSES_READ} were looked at."
        )
    return warnings


def _ip_address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        pass
    try:
        # The forms that only programs read: 2130706433, 0x7f.1, 0177.0.0.1.
        return ipaddress.IPv4Address(socket.inet_aton(host)) if host[:1].isdigit() else None
    except (OSError, ValueError):
        return None


def _is_near(host: str, is_number: bool) -> bool:
    if is_number:
        return False
    return "." not in host or host.endswith(_NETWORK_SUFFIXES)
