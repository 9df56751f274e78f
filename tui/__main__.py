"""``python -m tui``: the same as the ``understudy`` command."""

from __future__ import annotations

import sys

from tui.cli import main

sys.exit(main())
