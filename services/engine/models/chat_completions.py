"""Any endpoint that speaks Chat Completions: OpenAI, Ollama, llama.cpp, vLLM, LM Studio, ..."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Any

from services.engine.models.base import ModelRequest
from services.engine.models.chat_chunks import ChatTurn
from services.engine.models.chat_remedies import CHAT_REMEDIES
from services.engine.models.chat_request import chat_body
from services.engine.models.endpoint_client import Timeouts
from services.engine.models.endpoint_model import EndpointModel

__all__ = ["ChatCompletions", "Timeouts"]


class ChatCompletions(EndpointModel):
    """``POST /chat/completions``, streamed."""

    PATH = "/chat/completions"
    REMEDIES = CHAT_REMEDIES

    def _body(self, request: ModelRequest, refused: AbstractSet[str]) -> dict[str, Any]:
        return chat_body(request, openai=self._official, refused=refused)

    def _turn(self, request: ModelRequest) -> ChatTurn:
        return ChatTurn(request, self._endpoint)
