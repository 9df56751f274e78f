"""The error envelope of the wire, and the literal texts that clients match.

Every error is ``{"error": {"message", "type", "param", "code"}}`` with all four keys present.
Validation is 400, never 422, and a busy thread is 400, never 409: the SDKs repeat a 409.
"""

from __future__ import annotations

from typing import Any

# Of what a client sent, an error repeats this much: enough to find it.
ECHO_CHARACTERS = 200
MESSAGE_CHARACTERS = 16_000


class ApiError(Exception):
    """An answer other than success; becomes the envelope with this status."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        param: str | None = None,
        code: str | None = None,
    ):
        super().__init__(message)
        self.message = message[:MESSAGE_CHARACTERS]
        self.status = status
        self.param = None if param is None else param[:ECHO_CHARACTERS]
        self.code = code

    def envelope(self) -> dict[str, Any]:
        kind = "server_error" if self.status >= 500 else "invalid_request_error"
        return {
            "error": {
                "message": self.message,
                "type": kind,
                "param": self.param,
                "code": self.code,
            }
        }


class ThreadBusy(ApiError):
    """An active run holds the thread."""


def not_found(noun: str, object_id: str) -> ApiError:
    """``noun`` as the hosted API names it: assistant, thread, message, run, run step."""
    return ApiError(f"No {noun} found with id '{object_id[:ECHO_CHARACTERS]}'.", status=404)


def no_such_file(file_id: str) -> ApiError:
    """On /files itself; elsewhere a missing file is ``not_found("file", ...)``."""
    return ApiError(f"No such File object: {file_id[:ECHO_CHARACTERS]}", status=404, param="id")


def too_many(parameter: str, most: int, got: int) -> ApiError:
    return ApiError(
        f"Invalid '{parameter}': array too long. Expected an array with maximum length {most}, "
        f"but got an array with length {got} instead.",
        param=parameter,
        code="array_above_max_length",
    )


def invalid_id(parameter: str, value: str, prefix: str) -> ApiError:
    return ApiError(
        f"Invalid '{parameter}': '{value}'. Expected an ID that begins with '{prefix}'.",
        param=parameter,
        code="invalid_value",
    )


def expired_store(store_id: str) -> ApiError:
    return ApiError(
        f"Vector store '{store_id}' has expired and cannot be used. Make a new one of its files, "
        "or give it a longer 'expires_after'."
    )


def message_while_active(thread_id: str, run_id: str) -> ApiError:
    return ThreadBusy(f"Can't add messages to {thread_id} while a run {run_id} is active.")


def run_while_active(thread_id: str, run_id: str) -> ApiError:
    return ThreadBusy(f"Thread {thread_id} already has an active run {run_id}.")


def outputs_not_accepted(status: str) -> ApiError:
    return ApiError(f'Runs in status "{status}" do not accept tool outputs.')


def outputs_do_not_match(expected: list[str], got: list[str]) -> ApiError:
    shown = [call_id[:ECHO_CHARACTERS] for call_id in got]
    return ApiError(f"Expected tool outputs for call_ids {expected}, got {shown}")


def cannot_cancel(status: str) -> ApiError:
    return ApiError(f"Cannot cancel run with status '{status}'.")


def cannot_update_run(status: str) -> ApiError:
    return ApiError(f"Cannot update run with status '{status}'.")


def nothing_to_run() -> ApiError:
    return ApiError(
        "Thread must have at least one user message, or the assistant or run must have "
        "instructions.",
        code="invalid_thread",
    )


def unknown_url(method: str, path: str) -> ApiError:
    return ApiError(f"Invalid URL ({method} {path})", status=404)
