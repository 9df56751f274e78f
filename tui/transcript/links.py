"""The links of a text, and where they really go."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from tui.text import hidden_characters
from tui.transcript.parser import whole_parser

if TYPE_CHECKING:
    from markdown_it.token import Token

OPENED = ("http", "https", "mailto")
"""Schemes that are opened; anything else can be copied."""
LONGEST = 4_000
_BARE = re.compile(r"https?://[^\s<>\"'`|\\^{}\[\]]+", re.IGNORECASE)
_SAFE = "%/:?#[]@!$&'()*+,;=~-._"


@dataclass(frozen=True, slots=True)
class Link:
    """``text`` is what the reader sees of it, ``target`` where it goes."""

    text: str
    target: str


@dataclass(frozen=True, slots=True)
class Destination:
    """A target looked at closely.

    ``url`` is what would be opened, in ASCII; empty when it is not opened, and ``refusal`` says
    why. ``host`` is as in the target, ``ascii_host`` as it is looked up (punycode). ``warnings``
    are sentences.
    """

    url: str
    scheme: str
    host: str
    ascii_host: str
    refusal: str
    warnings: tuple[str, ...]


def links_in(text: str) -> list[Link]:
    """The links of a Markdown text in their order, each target once; images are links too."""
    found: dict[str, Link] = {}
    for token in whole_parser().parse(text[:400_000]):
        for link in _inline_links(token.children or []):
            if link.target and link.target not in found:
                found[link.target] = link
    return list(found.values())


def _inline_links(tokens: list[Token]) -> Iterator[Link]:
    target: str | None = None
    words: list[str] = []
    for token in tokens:
        if token.type == "link_open":
            target, words = str(token.attrs.get("href", "")), []
        elif token.type == "link_close" and target is not None:
            yield Link("".join(words), target)
            target = None
        elif token.type == "image":
            yield Link(token.content or "image", str(token.attrs.get("src", "")))
        elif target is not None:
            words.append(token.content)
        elif token.type in ("text", "code_inline"):
            for match in _BARE.finditer(token.content):
                bare = match[0].rstrip(".,;:!?")
                if bare.endswith(")") and "(" not in bare:
                    bare = bare.rstrip(").,;:!?")
                yield Link(bare, bare)


def examine(link: Link) -> Destination:
    """Where a link goes, whether it is opened, and what is to be known of it."""
    target = link.target.strip()
    warnings = [
        f"Hidden in it: {name} ({count} times)." if count > 1 else f"Hidden in it: {name}."
        for name, count in hidden_characters(target).items()
    ]
    try:
        parts = urlsplit(target)
        host = parts.hostname or ""
        user = parts.username
        parts.port  # noqa: B018  # raises ValueError for a port that is none
    except ValueError:
        return Destination("", "", "", "", "It is no valid address.", tuple(warnings))
    scheme = parts.scheme.lower()
    refusal = ""
    if scheme not in OPENED:
        what = f"{scheme}: addresses" if scheme else "Addresses without a scheme"
        refusal = f"{what} are not opened from here; it can be copied."
    elif len(target) > LONGEST:
        refusal = f"It is longer than {LONGEST:,} characters and not opened from here."
    elif scheme != "mailto" and not host:
        refusal = "It names no host."
    ascii_host = host
    if host and not host.isascii():
        try:
            ascii_host = host.encode("idna").decode("ascii")
        except UnicodeError:
            refusal = refusal or "Its host is no valid name."
        else:
            warnings.append(f"The host has letters of another script: it is {ascii_host}.")
    if user is not None and scheme != "mailto":
        warnings.append("What stands before @ is a user name. The host is what stands after it.")
    if looks := _other_host(link.text, host):
        warnings.append(f"Its text looks like an address of {looks}, which it is not.")
    url = ""
    if not refusal:
        address = target
        if ascii_host != host:
            before, _, _host = parts.netloc.rpartition("@")
            port = f":{parts.port}" if parts.port is not None else ""
            address = parts._replace(
                netloc=f"{before}@{ascii_host}{port}" if before else f"{ascii_host}{port}"
            ).geturl()
        url = quote(address, safe=_SAFE)
    return Destination(url, scheme, host, ascii_host, refusal, tuple(warnings))


def _other_host(text: str, host: str) -> str:
    """A host that the link's text names although the link goes to another one."""
    match = re.fullmatch(r"\s*(?:https?://)?((?:[\w-]+\.)+[a-zA-Z]{2,})(?:[/?#:]\S*)?\s*", text)
    if match is None or not host:
        return ""
    named = match[1].lower()
    bare = named.removeprefix("www.")
    return "" if bare == host.lower().removeprefix("www.") else named
