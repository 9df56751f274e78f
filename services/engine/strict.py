"""The hosted API's own refusals, for those who want them: nobody needs them on their own machine.

With ``EngineSettings.strict`` a request without the beta header is refused, and so is the
download of a file that was uploaded for assistants; without it neither is.
"""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse

from services.engine.errors import ApiError
from services.engine.guard import Application, Receive, Scope, Send

# The SDKs send the header here, and not on files, uploads and models.
_BETA = ("/v1/assistants", "/v1/threads", "/v1/vector_stores")
KEPT_BACK = frozenset({"assistants", "user_data"})


class BetaHeader:
    """Refuses what lacks ``OpenAI-Beta: assistants=v2`` where the hosted API wanted it."""

    def __init__(self, app: Application) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(_BETA):
            given = b",".join(value for name, value in scope["headers"] if name == b"openai-beta")
            if b"assistants=v2" not in given:
                answer = JSONResponse(_missing().envelope(), status_code=400)
                await answer(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _missing() -> ApiError:
    return ApiError(
        "You must provide the 'OpenAI-Beta' header to access the Assistants API. Please try again "
        "by setting the header 'OpenAI-Beta: assistants=v2'.",
        code="invalid_beta",
    )


def check_download(file: dict[str, Any]) -> None:
    """Raises ``ApiError`` for a file whose bytes the hosted API kept to itself."""
    if file["purpose"] in KEPT_BACK:
        raise ApiError(f"Not allowed to download files of purpose: {file['purpose']}")
