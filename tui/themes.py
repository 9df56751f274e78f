"""The two themes of the app's own: calm grounds, one warm accent, text well above the background.

Text and ground differ by at least 7:1, dimmed text and state colours by at least 4.5:1.
"""

from __future__ import annotations

from textual.theme import Theme

DARK = Theme(
    name="understudy-dark",
    dark=True,
    primary="#8fb8de",
    secondary="#a3acbd",
    accent="#e3b877",
    foreground="#d9dde5",
    background="#14171d",
    surface="#191d25",
    panel="#222732",
    success="#93c193",
    warning="#e0b45e",
    error="#ea8b86",
    variables={
        "border": "#e3b877",
        "border-blurred": "#3a4252",
        "block-cursor-background": "#2d3647",
        "block-cursor-foreground": "#f2f4f8",
        "block-cursor-text-style": "bold",
        "block-cursor-blurred-background": "#222732",
        "block-cursor-blurred-foreground": "#d9dde5",
        "block-hover-background": "#1f2530",
        "footer-background": "#14171d",
        "footer-key-foreground": "#e3b877",
        "footer-description-foreground": "#98a1b2",
        "input-cursor-background": "#e3b877",
        "input-cursor-foreground": "#14171d",
        "input-selection-background": "#8fb8de 35%",
        "scrollbar": "#2f3745",
        "scrollbar-hover": "#465065",
        "scrollbar-active": "#e3b877",
        "scrollbar-background": "#14171d",
        "scrollbar-background-hover": "#14171d",
        "scrollbar-background-active": "#14171d",
        "scrollbar-corner-color": "#14171d",
        "link-color": "#8fb8de",
        "button-focus-text-style": "bold reverse",
    },
)

LIGHT = Theme(
    name="understudy-light",
    dark=False,
    primary="#2a5d8f",
    secondary="#515b6b",
    accent="#8a5200",
    foreground="#1e232b",
    background="#faf9f6",
    surface="#f3f1ec",
    panel="#e9e6de",
    success="#2c6a36",
    warning="#805300",
    error="#a32c2c",
    variables={
        "border": "#8a5200",
        "border-blurred": "#cdc8bc",
        "block-cursor-background": "#dfe6ee",
        "block-cursor-foreground": "#12161c",
        "block-cursor-text-style": "bold",
        "block-cursor-blurred-background": "#ece9e2",
        "block-cursor-blurred-foreground": "#1e232b",
        "block-hover-background": "#efece5",
        "footer-background": "#faf9f6",
        "footer-key-foreground": "#8a5200",
        "footer-description-foreground": "#5a6371",
        "input-cursor-background": "#8a5200",
        "input-cursor-foreground": "#faf9f6",
        "input-selection-background": "#2a5d8f 25%",
        "scrollbar": "#d4cfc3",
        "scrollbar-hover": "#b9b2a3",
        "scrollbar-active": "#8a5200",
        "scrollbar-background": "#faf9f6",
        "scrollbar-background-hover": "#faf9f6",
        "scrollbar-background-active": "#faf9f6",
        "scrollbar-corner-color": "#faf9f6",
        "link-color": "#2a5d8f",
        "button-focus-text-style": "bold reverse",
    },
)

THEMES: tuple[Theme, ...] = (DARK, LIGHT)
DEFAULT = DARK.name
