"""Whatever goes wrong becomes ``{"error": {"code", "message"}}``, with no internals in it."""

from __future__ import annotations

import logging
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from monailabel.interfaces.exception import (
    ImageNotFoundException,
    LabelNotFoundException,
    MONAILabelError,
    MONAILabelException,
)
from starlette.exceptions import HTTPException

from monailabel_app.errors import Refused, error_json, error_of, status_of
from prsmed.errors import PRSMedError

logger = logging.getLogger(__name__)

_RETRY_SECONDS = "2"
_UNPROCESSABLE = 422


def add_handlers(app: FastAPI) -> None:
    """Let an application answer errors so."""
    app.add_exception_handler(PRSMedError, mistake)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(MONAILabelException, _monailabel)
    app.add_exception_handler(NotImplementedError, _not_supported)
    app.add_exception_handler(Exception, _internal)


def mistake(request: Request | None, error: Exception) -> JSONResponse:
    """The answer to a :class:`PRSMedError`."""
    assert isinstance(error, PRSMedError)
    logger.info("Refused: %s", error.code)
    status = status_of(error.code)
    headers = {
        HTTPStatus.UNAUTHORIZED: {"WWW-Authenticate": "Bearer"},
        HTTPStatus.TOO_MANY_REQUESTS: {"Retry-After": _RETRY_SECONDS},
    }.get(HTTPStatus(status))
    return JSONResponse(error_of(error), status_code=status, headers=headers)


def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    if isinstance(error, Refused):
        return JSONResponse(error.detail, status_code=error.status_code)
    code = HTTPStatus(error.status_code).phrase.lower().replace(" ", "_")
    return JSONResponse(error_json(code, str(error.detail)), status_code=error.status_code, headers=error.headers)


def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"][1:]) or "the body"
    return JSONResponse(error_json("invalid_request", f"{place}: {first['msg']}"), status_code=_UNPROCESSABLE)


def _monailabel(request: Request, error: Exception) -> JSONResponse:
    if isinstance(error, ImageNotFoundException | LabelNotFoundException):
        return JSONResponse(error_json("not_found", "there is no such image or label"), status_code=404)
    assert isinstance(error, MONAILabelException)
    if error.error == MONAILabelError.INVALID_INPUT:
        return JSONResponse(error_json("invalid_input", error.msg), status_code=400)
    logger.error("MONAI Label failed", exc_info=error)
    return _internal(request, error)


def _not_supported(request: Request, error: Exception) -> JSONResponse:
    return mistake(request, PRSMedError("not_supported", "this server's datastore cannot do that"))


def _internal(request: Request, error: Exception) -> JSONResponse:
    return JSONResponse(error_json("internal_error", "the server failed; its log says why"), status_code=500)
