"""A user's mistake as an HTTP answer: 4xx and one JSON object; 503 when the server is set up wrongly."""

from __future__ import annotations

from typing import Any

from fastapi import HTTPException

from prsmed.errors import PRSMedError

_NOT_FOUND = frozenset({"unknown_image", "unknown_model"})
# Mistakes of whoever runs the server, which no request can cure.
_SERVER_SETUP = frozenset({"bad_checkpoint", "checkpoint_not_found", "unknown_preset"})
_STATUS_BAD_REQUEST, _STATUS_NOT_FOUND, _STATUS_UNAVAILABLE = 400, 404, 503


class Refused(HTTPException):
    """A :class:`PRSMedError` on its way out of the server.

    Being FastAPI's own exception it is a readable 4xx under the stock server too, as
    ``{"detail": {"error": ...}}``; :mod:`monailabel_app.asgi` answers the bare ``{"error": ...}``.
    """

    def __init__(self, error: PRSMedError) -> None:
        super().__init__(status_code=status_of(error.code), detail=error_json(error.code, _public_message(error)))


def status_of(code: str) -> int:
    """HTTP status of an error code: 404 for what does not exist, 503 for a broken set-up, else 400."""
    if code in _NOT_FOUND:
        return _STATUS_NOT_FOUND
    return _STATUS_UNAVAILABLE if code in _SERVER_SETUP else _STATUS_BAD_REQUEST


def error_json(code: str, message: str) -> dict[str, Any]:
    """The body of every error: ``{"error": {"code": ..., "message": ...}}``."""
    return {"error": {"code": code, "message": message}}


def _public_message(error: PRSMedError) -> str:
    # A set-up error names files of the server; those are for its log, not for its clients.
    if error.code in _SERVER_SETUP:
        return "the server's model could not be loaded; ask whoever runs it to look at its log"
    return str(error)
