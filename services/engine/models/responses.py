"""Any endpoint that speaks the Responses API: OpenAI itself, and reasoning models above all.

Stateless: nothing is stored there, and the whole conversation is sent each time.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Any

from services.engine.models.base import ModelRequest
from services.engine.models.endpoint_client import Timeouts
from services.engine.models.endpoint_model import EndpointModel
from services.engine.models.recalled_thoughts import RecalledThoughts
from services.engine.models.responses_events import ResponsesTurn
from services.engine.models.responses_remedies import RESPONSES_REMEDIES
from services.engine.models.responses_request import responses_body


class Responses(EndpointModel):
    """``POST /responses``, streamed."""

    PATH = "/responses"
    REMEDIES = RESPONSES_REMEDIES

    def __init__(
        self,
        base_url: str,
        api_key: str | None,
        *,
        timeouts: Timeouts | None = None,
        retries: int = 2,
    ) -> None:
        super().__init__(base_url, api_key, timeouts=timeouts, retries=retries)
        self._thoughts = RecalledThoughts()

    def _body(self, request: ModelRequest, refused: AbstractSet[str]) -> dict[str, Any]:
        return responses_body(
            request, openai=self._official, refused=refused, thoughts=self._thoughts
        )

    def _turn(self, request: ModelRequest) -> ResponsesTurn:
        return ResponsesTurn(request, self._endpoint, self._thoughts)
