"""The error envelope of the wire, and the literal texts that clients match.

Every error is ``{"error": {"message", "type", "param", "code"}}`` with all four keys present.
Validation is 400, never 422, and a busy thread is 400, never 409: the SDKs repeat a 409.
"""

from __future__ import annotations

from typing import Any


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
        self.message = message
        self.status = status
        self.param = param
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
    return ApiError(f"No {noun} found with id '{object_id}'.", status=404)


def no_such_file(file_id: str) -> ApiError:
    """On /files itself; elsewhere a missing file is ``not_found("file", ...)``."""
    return ApiError(f"No such File object: {file_id}", status=404, param="id")


def invalid_id(parameter: str, value: str, prefix: str) -> ApiError:
    return ApiError(
        f"Invalid '{parameter}': '{value}'. Expected an ID that begins with '{prefix}'.",
        param=parameter,
        code="invalid_value",
    )


def message_while_active(thread_id: str, run_id: str) -> ApiError:
    return ThreadBusy(f"Can't add messages to {thread_id} while a run {run_id} is active.")


def run_while_active(thread_id: str, run_id: str) -> ApiError:
    return ThreadBusy(f"Thread {thread_id} already has an active run {run_id}.")


def outputs_not_accepted(status: str) -> ApiError:
    return ApiError(f'Runs in status "{status}" do not accept tool outputs.')


def outputs_do_not_match(expected: list[str], got: list[str]) -> ApiError:
    return ApiError(f"Expected tool outputs for call_ids {expected}, got {got}")


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
