"""Routes for whoever runs the server: is it up, how is it doing, who is asking, read the model again."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form
from fastapi.responses import JSONResponse, Response
from monailabel.config import settings
from monailabel.interfaces.utils.app import app_instance
from prometheus_client import CONTENT_TYPE_LATEST

from monailabel_app.guard.identity import ROLES
from monailabel_app.web.people import Admin, User, doorkeeper
from prsmed.errors import PRSMedError

router = APIRouter()
reload_router = APIRouter()
_UNAVAILABLE = 503


@router.get("/health", tags=["Others"], summary="Is the server alive, and is the model loaded?")
def health() -> dict[str, Any]:
    """Always 200 while the server lives; open to everyone."""
    return {"status": "alive", "ready": app_instance().is_ready}


@router.get("/health/ready", tags=["Others"], summary="200 once the model is loaded, else 503")
def ready() -> JSONResponse:
    """For what sends questions here; open to everyone."""
    is_ready = app_instance().is_ready
    return JSONResponse({"ready": is_ready}, status_code=200 if is_ready else _UNAVAILABLE)


@router.get("/metrics", tags=["Others"], summary="Counts and times for Prometheus")
def metrics(person: User) -> Response:
    """Requests, questions and their steps, the line, the caches, memory."""
    return Response(app_instance().metrics.text(), media_type=CONTENT_TYPE_LATEST)


@router.get("/auth/", tags=["Auth"], summary="Does one have to sign in?")
def auth() -> dict[str, Any]:
    """What stock clients look at before they ask for name and password; open to everyone."""
    return {
        "enabled": doorkeeper().is_asking,
        "client_id": settings.MONAI_LABEL_AUTH_CLIENT_ID,
        "realm": settings.MONAI_LABEL_AUTH_REALM_URI if doorkeeper().tokens else "",
    }


@router.post("/auth/token", tags=["Auth"], summary="Sign in with name and password")
def token(username: Annotated[str, Form()], password: Annotated[str, Form()]) -> dict[str, Any]:
    """A token for ``Authorization``. A key is its own token: the password of whoever has one."""
    keeper = doorkeeper()
    if not keeper.is_asking:
        return {"access_token": "", "token_type": "bearer"}
    found = keeper.keys.find(password) if keeper.keys else None
    if found is not None and found[0] == username:
        return {"access_token": password, "token_type": "bearer"}
    if keeper.tokens is None:
        raise PRSMedError("unauthorized", "name or key is wrong")
    return keeper.tokens.token(username, password, settings.MONAI_LABEL_AUTH_CLIENT_ID)


@router.get("/auth/token/valid", tags=["Auth"], summary="Is my token valid?")
def valid(person: User) -> dict[str, Any]:
    """Who I am."""
    return {"username": person.name, "roles": [ROLES[role] for role in sorted(person.roles)]}


@reload_router.post("/reload", tags=["Others"], summary="Read the model's folder again")
def reload(person: Admin) -> dict[str, str]:
    """The next question is the new model's; running ones finish on the old."""
    app = app_instance()
    app.reload()
    return {"version": app.task().engine.version.version}
