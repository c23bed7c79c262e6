"""A user's mistake as an HTTP answer: a status and one JSON object."""

from __future__ import annotations

from typing import Any

from fastapi import HTTPException

from prsmed.errors import PRSMedError

_BAD_REQUEST = 400
_STATUS = {
    "unauthorized": 401,
    "foreign_page": 403,
    "forbidden": 403,
    "keys_required": 403,
    "read_only": 403,
    "not_found": 404,
    "unknown_conversation": 404,
    "unknown_image": 404,
    "unknown_method": 404,
    "unknown_model": 404,
    "unknown_strategy": 404,
    "unknown_ticket": 404,
    "unknown_trainer": 404,
    "unknown_version": 404,
    "cancelled": 409,
    "damaged_version": 409,
    "gate_rejected": 409,
    "not_judged": 409,
    "nothing_to_roll_back": 409,
    "ticket_in_use": 409,
    "training_running": 409,
    "version_pruned": 409,
    "too_large": 413,
    "busy": 429,
    "out_of_memory": 503,
    "pacs_unreachable": 503,
    "realm_unreachable": 503,
}
# Mistakes of whoever runs the server, which no request can cure. They name its files; those are for its log.
_SERVER_SETUP = frozenset(
    {
        "bad_api_keys",
        "bad_checkpoint",
        "bad_registry",
        "bad_setting",
        "base_conflict",
        "checkpoint_not_found",
        "unknown_preset",
    }
)
_UNAVAILABLE = 503


class Refused(HTTPException):
    """A :class:`PRSMedError` on its way out of the server.

    Being FastAPI's own exception it is a readable 4xx under the stock server too, as
    ``{"detail": {"error": ...}}``; :mod:`monailabel_app.asgi` answers the bare ``{"error": ...}``.
    """

    def __init__(self, error: PRSMedError) -> None:
        super().__init__(status_code=status_of(error.code), detail=error_of(error))


def status_of(code: str) -> int:
    """HTTP status of an error code: 503 for a broken set-up, 400 unless another is known."""
    return _UNAVAILABLE if code in _SERVER_SETUP else _STATUS.get(code, _BAD_REQUEST)


def error_of(error: PRSMedError) -> dict[str, Any]:
    """The body that tells a mistake."""
    if error.code in _SERVER_SETUP:
        return error_json(error.code, "the server is not set up rightly; ask whoever runs it to look at its log")
    return error_json(error.code, str(error))


def error_json(code: str, message: str) -> dict[str, Any]:
    """The body of every error: ``{"error": {"code": ..., "message": ...}}``."""
    return {"error": {"code": code, "message": message}}
