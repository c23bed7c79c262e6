"""Who sent this request? Dependencies of the routes."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Annotated

from fastapi import Depends, Request
from monailabel.config import settings

from monailabel_app.guard.identity import Doorkeeper, Person
from monailabel_app.guard.neighbours import check_neighbour
from prsmed.errors import PRSMedError


@cache
def doorkeeper() -> Doorkeeper:
    """The one of this process."""
    return Doorkeeper()


def require(role: str) -> Callable[[Request], Person]:
    """A dependency: the person, who must have ``role`` (``"admin"``, ``"reviewer"``, ``"annotator"``, ``"user"``)."""

    def person(request: Request) -> Person:
        found = _identify(request)
        request.state.person = found.name
        if not found.may(role):
            raise PRSMedError("forbidden", f"this takes the role {role}, which you do not have")
        return found

    return person


def _identify(request: Request) -> Person:
    keeper = doorkeeper()
    if not keeper.is_asking:
        reached = request.scope.get("server")
        check_neighbour(
            reached[0] if reached and reached[1] is not None else None,
            request.headers.get("host", ""),
            request.headers.get("origin"),
            [str(origin).rstrip("/") for origin in settings.MONAI_LABEL_CORS_ORIGINS],
        )
    return keeper.person(_shown(request))


def _shown(request: Request) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        return token.strip()
    return request.headers.get("x-api-key")


User = Annotated[Person, Depends(require("user"))]
Annotator = Annotated[Person, Depends(require("annotator"))]
Admin = Annotated[Person, Depends(require("admin"))]
