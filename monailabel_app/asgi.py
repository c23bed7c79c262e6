"""The web application: `start_server ... --uvicorn_app monailabel_app.asgi:app`.

MONAI Label's protocol, so that its stock clients work unchanged, without its weak points: nothing blocks the event
loop, questions stand in line and stream, errors are JSON, and every request passes the guard. Stock routes that this
server does not offer: replacing a model's file, whole-slide inference, its log page.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import FrameType

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from monailabel.config import settings
from monailabel.endpoints import activelearning, batch_infer, datastore, info, ohif, scoring, session
from monailabel.interfaces.utils.app import app_instance
from monailabel.utils.async_tasks.task import AsyncTask

import prsmed
from monailabel_app.guard.privacy import be_discreet, keep_quiet
from monailabel_app.settings import MEGABYTE, server_settings
from monailabel_app.web import downloads, next_study, proxy, questions, service, training, uploads, versions
from monailabel_app.web.access import AccessLog
from monailabel_app.web.gate import Gate
from monailabel_app.web.handlers import add_handlers
from monailabel_app.web.limits import BodyLimit
from monailabel_app.web.people import doorkeeper
from monailabel_app.web.stock import guarded

__all__ = ["app", "build"]

_PATIENCE_SECONDS = 10
_CHILDREN = ("scoring", "batch_infer")


@asynccontextmanager
async def _lifespan(application: FastAPI) -> AsyncIterator[None]:
    instance = app_instance()
    instance.is_guarded = True
    instance.server_mode(True)
    ids = getattr(instance.datastore(), "ids", list)
    be_discreet([settings.MONAI_LABEL_STUDIES, str(instance.scratch.path)], ids)
    instance.on_init_complete()
    # Open streams would keep the server from stopping.
    previous = signal.getsignal(signal.SIGTERM)
    signal.signal(signal.SIGTERM, lambda number, frame: _stop(number, frame, previous))
    yield
    _close()


def _close() -> None:
    for method in _CHILDREN:
        AsyncTask.stop(method)
    app_instance().close()


def _stop(number: int, frame: FrameType | None, previous: object) -> None:
    app_instance().line.close()
    # A client that never ends its upload would keep the server from stopping.
    timer = threading.Timer(_PATIENCE_SECONDS, lambda: (_close(), os._exit(0)))
    timer.daemon = True
    timer.start()
    if callable(previous):
        previous(number, frame)


def build() -> FastAPI:
    """The application, as the settings want it."""
    chosen = server_settings()
    doorkeeper()
    application = FastAPI(
        title="PRS-Med for MONAI Label",
        version=prsmed.__version__,
        description="Ask a medical image a question; get a mask and an answer. Research use only.",
        docs_url="/",
        redoc_url=None,
        lifespan=_lifespan,
    )
    for stock in (info, datastore, activelearning, batch_infer, scoring, session):
        application.include_router(guarded(stock.router, uploads.REPLACED | downloads.REPLACED | next_study.REPLACED))
    for router in (
        questions.router,
        uploads.router,
        downloads.router,
        next_study.router,
        service.router,
        training.router,
        versions.router,
    ):
        application.include_router(router)
    if "reload" in chosen.open:
        application.include_router(service.reload_router)
    if "proxy" in chosen.open:
        application.include_router(proxy.router)
        application.include_router(guarded(ohif.router))
    add_handlers(application)
    application.add_middleware(Gate)
    if settings.MONAI_LABEL_CORS_ORIGINS:
        application.add_middleware(
            CORSMiddleware,
            allow_origins=[str(origin).rstrip("/") for origin in settings.MONAI_LABEL_CORS_ORIGINS],
            allow_methods=["*"],
            allow_headers=["*"],
        )
    application.add_middleware(BodyLimit, upload_bytes=chosen.max_upload_mb * MEGABYTE)
    application.add_middleware(AccessLog)
    return application


keep_quiet()
app = build()
