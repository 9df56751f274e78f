"""The README's Python script, run as it stands there against ``understudy serve``."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.terminal.model_endpoint import endpoint
from tests.terminal.pty_session import PATIENCE, ROOT
from tests.terminal.test_serve import serving


def test_the_script_prints_the_answer(home: Path) -> None:
    (script,) = re.findall(
        r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL
    )
    with endpoint(["A thread", " is a conversation."]) as model:
        with serving(home, UNDERSTUDY_MODEL_URL=model.url) as server:
            done = subprocess.run(
                [sys.executable, "-c", script],
                env={
                    **os.environ,
                    "NO_PROXY": "127.0.0.1",
                    "OPENAI_BASE_URL": server.url,
                    "OPENAI_API_KEY": server.token,
                },
                capture_output=True,
                text=True,
                timeout=PATIENCE,
                check=False,
            )
        asked = model.requests[0]["messages"]
    assert (done.returncode, done.stdout) == (0, "A thread is a conversation."), done.stderr
    assert [each["content"] for each in asked] == ["Be brief.", "What is a thread?"]
