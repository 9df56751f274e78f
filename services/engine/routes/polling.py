"""How soon the polling helpers of the SDKs look again: they wait a second unless told."""

from __future__ import annotations

POLL_AFTER = {"openai-poll-after-ms": "100"}
