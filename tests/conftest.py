"""Every test has a home of its own and none of the machine's settings."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that UNDERSTUDY_HOME names in this test; it does not exist yet."""
    for name in list(os.environ):
        if name.startswith(("UNDERSTUDY_", "OPENAI_")):
            monkeypatch.delenv(name)
    folder = tmp_path / "understudy-home"
    monkeypatch.setenv("UNDERSTUDY_HOME", str(folder))
    return folder
