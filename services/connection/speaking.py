"""Turns what the SDK raises into sentences for the user."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.records import ServiceError


@asynccontextmanager
async def speaking(task: str) -> AsyncIterator[None]:
    """Within it, an SDK error becomes a ``ServiceError``; ``task`` reads "rename the thread"."""
    import openai

    try:
        yield
    except openai.APIStatusError as error:
        raise ServiceError(
            f"Could not {task}: {_reason(error)}",
            status=error.status_code,
            code=error.code,
        ) from error
    except openai.APITimeoutError as error:
        raise ServiceError(f"Could not {task}: the server did not answer in time.") from error
    except openai.APIConnectionError as error:
        cause = error.__cause__ or error
        raise ServiceError(
            f"Could not {task}: {error.request.url.host} cannot be reached ({cause})."
        ) from error
    except openai.APIError as error:
        raise ServiceError(f"Could not {task}: {error.message}") from error
    except openai.OpenAIError as error:
        raise ServiceError(f"Could not {task}: {error}") from error


def _reason(error: object) -> str:
    """The server's own message out of the envelope, or the status alone."""
    body = getattr(error, "body", None)
    if isinstance(body, dict) and isinstance(body.get("message"), str):
        return str(body["message"])
    status = getattr(error, "status_code", "?")
    host = error.request.url.host if hasattr(error, "request") else "the server"
    return f"{host} answered with status {status}."
