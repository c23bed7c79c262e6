"""MONAI Label's web application with our manners: `start_server ... --uvicorn_app monailabel_app.asgi:app`.

It adds four things and changes nothing else: a question runs in a worker thread, so that the server answers
others meanwhile; a malformed request is a 4xx; errors are ``{"error": {"code", "message"}}``; the app is closed
when the server stops.
"""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, File, Form, Request, UploadFile
from fastapi.background import BackgroundTasks
from fastapi.responses import JSONResponse
from monailabel.app import app
from monailabel.config import settings
from monailabel.endpoints.infer import ResultType, run_inference
from monailabel.endpoints.user.auth import RBAC, User
from monailabel.interfaces.exception import (
    ImageNotFoundException,
    LabelNotFoundException,
    MONAILabelError,
    MONAILabelException,
)
from monailabel.interfaces.utils.app import app_instance

from monailabel_app.errors import Refused, error_json
from prsmed.errors import PRSMedError

__all__ = ["app"]

logger = logging.getLogger(__name__)
_router = APIRouter()


@_router.post("/infer/{model}", tags=["Infer"], summary="Ask a question about an image")
def infer(
    background_tasks: BackgroundTasks,
    model: str,
    image: str = "",
    session_id: str = "",
    params: str = Form("{}"),
    file: UploadFile = File(None),  # noqa: B008
    label: UploadFile = File(None),  # noqa: B008
    output: ResultType | None = None,
    user: User = Depends(RBAC(settings.MONAI_LABEL_AUTH_ROLE_USER)),  # noqa: B008
) -> object:
    """MONAI Label's infer route, but in a worker thread: FastAPI runs a plain `def` there."""
    asked = _parse(params)
    if not (image or session_id or file):
        raise PRSMedError("image_missing", "no image was named; give image=ID, a session_id or a file")
    if output is not None:
        asked["output"] = output.value
    try:
        return run_inference(background_tasks, model, image, session_id, json.dumps(asked), file, label, output)
    except BaseException:
        # FastAPI drops the tasks of a request that failed; these delete what the client uploaded.
        for task in background_tasks.tasks:
            task.func(*task.args, **task.kwargs)
        raise


def _parse(params: str) -> dict[str, Any]:
    try:
        parsed = json.loads(params or "{}")
    except (ValueError, RecursionError):
        raise PRSMedError("bad_params", 'params is not JSON; send an object such as {"prompt": "..."}') from None
    if not isinstance(parsed, dict):
        raise PRSMedError("bad_params", f"params is a JSON {type(parsed).__name__}; send an object with a prompt")
    return parsed


@app.exception_handler(Refused)
def _refused(request: Request, error: Refused) -> JSONResponse:
    return JSONResponse(error.detail, status_code=error.status_code)


@app.exception_handler(PRSMedError)
def _mistake(request: Request, error: PRSMedError) -> JSONResponse:
    return _refused(request, Refused(error))


@app.exception_handler(MONAILabelException)
def _monailabel(request: Request, error: MONAILabelException) -> JSONResponse:
    if isinstance(error, ImageNotFoundException | LabelNotFoundException):
        return JSONResponse(error_json("not_found", error.msg), status_code=404)
    if error.error == MONAILabelError.INVALID_INPUT:
        return JSONResponse(error_json("invalid_input", error.msg), status_code=400)
    logger.error("MONAI Label failed", exc_info=error)
    return _internal(request, error)


@app.exception_handler(Exception)
def _internal(request: Request, error: Exception) -> JSONResponse:
    body = error_json("internal_error", "the server failed; its log says why")
    return JSONResponse(body, status_code=500)


@asynccontextmanager
async def _closing_lifespan(application: FastAPI) -> AsyncIterator[Any]:
    async with _stock_lifespan(application) as state:
        yield state
    app_instance().close()


_stock_lifespan = app.router.lifespan_context
app.router.lifespan_context = _closing_lifespan
# The first route that matches wins.
app.router.routes[:0] = _router.routes
