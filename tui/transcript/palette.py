"""The colours of the transcript, taken from the app's theme."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count

from rich.style import Style
from textual.color import Color, ColorParseError

# How a piece of inline text is marked; several at once.
STRONG, EMPHASIS, STRIKE, CODE, LINK, TARGET, MUTED, CITED = (1 << bit for bit in range(8))

_serials = count(1)


class Palette:
    """Every style of the transcript for one theme; ``serial`` tells two palettes apart.

    Styles carry no background except where it means something (code), so that what is drawn once
    fits on any background.
    """

    def __init__(self, variables: Mapping[str, str], background: Color) -> None:
        self.serial = next(_serials)
        self._inline: dict[tuple[int, Style], Style] = {}
        self._syntax: dict[object, Style] = {}
        foreground = self._color(variables, "foreground", Color(224, 224, 224))
        if foreground.ansi is not None or background.ansi is not None:
            faint = muted = Style(dim=True)
            self.code_block = Style()
            self.code = Style(bold=True)
        else:
            muted = Style(color=background.blend(foreground, 0.62).rich_color)
            faint = Style(color=background.blend(foreground, 0.30).rich_color)
            block = background.blend(foreground, 0.055).rich_color
            self.code_block = Style(bgcolor=block)
            self.code = self._style(variables, "text-accent", foreground) + Style(
                bgcolor=background.blend(foreground, 0.085).rich_color
            )
        self.text = Style(color=foreground.rich_color)
        self.muted = muted
        self.faint = faint
        self.strong = Style(bold=True)
        self.primary = self._style(variables, "text-primary", foreground)
        self.accent = self._style(variables, "text-accent", foreground)
        self.secondary = self._style(variables, "text-secondary", foreground)
        self.success = self._style(variables, "text-success", foreground)
        self.warning = self._style(variables, "text-warning", foreground)
        self.error = self._style(variables, "text-error", foreground)
        self.headings = (
            self.primary + Style(bold=True, underline=True),
            self.primary + Style(bold=True),
            self.text + Style(bold=True),
            self.muted + Style(bold=True),
        )
        self.link = self.primary + Style(underline=True)
        self.cited = self.accent
        if foreground.ansi is not None or background.ansi is not None:
            self.found = Style(underline=True, bold=True)
            self.current = Style(reverse=True, bold=True)
        else:
            mark = self._color(variables, "warning", Color(230, 180, 80))
            self.found = Style(bgcolor=background.blend(mark, 0.35).rich_color)
            self.current = Style(
                color=mark.get_contrast_text(1.0).rich_color, bgcolor=mark.rich_color
            )

    @staticmethod
    def _color(variables: Mapping[str, str], name: str, fallback: Color) -> Color:
        try:
            return Color.parse(variables[name])
        except (KeyError, ColorParseError):
            return fallback

    def _style(self, variables: Mapping[str, str], name: str, fallback: Color) -> Style:
        return Style(color=self._color(variables, name, fallback).rich_color)

    def inline(self, marks: int, base: Style) -> Style:
        """``base`` with inline ``marks`` (STRONG | CODE, ...) on it."""
        if not marks:
            return base
        style = self._inline.get((marks, base))
        if style is None:
            style = base
            if marks & MUTED or marks & TARGET:
                style += self.muted
            if marks & CITED:
                style += self.cited
            if marks & LINK:
                style += self.link
            if marks & CODE:
                style += self.code
            style += Style(
                bold=True if marks & STRONG else None,
                italic=True if marks & EMPHASIS else None,
                strike=True if marks & STRIKE else None,
            )
            self._inline[marks, base] = style
        return style

    def syntax(self, token: object) -> Style:
        """The style of a Pygments token type."""
        style = self._syntax.get(token)
        if style is None:
            style = self._syntax[token] = self.code_block + self._look(str(token))
        return style

    def _look(self, name: str) -> Style:
        """From the token's name, most special first: ``Token.Literal.String.Doc``."""
        for part, style in (
            ("Token.Comment", self.muted + Style(italic=True)),
            ("Token.Literal.String.Escape", self.accent),
            ("Token.Literal.String", self.success),
            ("Token.Literal.Number", self.warning),
            ("Token.Keyword", self.primary),
            ("Token.Operator.Word", self.primary),
            ("Token.Name.Function", self.accent),
            ("Token.Name.Class", self.accent),
            ("Token.Name.Decorator", self.accent),
            ("Token.Name.Tag", self.primary),
            ("Token.Name.Attribute", self.accent),
            ("Token.Name.Exception", self.error),
            ("Token.Generic.Deleted", self.error),
            ("Token.Generic.Inserted", self.success),
            ("Token.Generic.Heading", self.primary),
            ("Token.Generic.Subheading", self.primary),
            ("Token.Generic.Output", self.muted),
            ("Token.Generic.Prompt", self.muted),
        ):
            if name.startswith(part):
                return self.text + style
        return self.text
