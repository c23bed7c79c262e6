"""Who sent this request? Asked by the gate, and by routes as a dependency."""

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
        found: Person = request.state.found
        if not found.may(role):
            raise PRSMedError("forbidden", f"this takes the role {role}, which you do not have")
        return found

    return person


def check_reach(request: Request) -> None:
    """Where nobody has to say who they are, let in this machine only.

    Raises:
        PRSMedError: ``keys_required`` or ``foreign_page``.
    """
    if not doorkeeper().is_asking:
        reached = request.scope.get("server")
        check_neighbour(
            reached[0] if reached and reached[1] is not None else None,
            request.headers.get("host", ""),
            request.headers.get("origin"),
            [str(origin).rstrip("/") for origin in settings.MONAI_LABEL_CORS_ORIGINS],
        )


def identify(request: Request) -> Person:
    """Who sent a request; may ask the realm.

    Raises:
        PRSMedError: ``unauthorized``, ``realm_unreachable``.
    """
    return doorkeeper().person(_shown(request))


def _shown(request: Request) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        return token.strip()
    return request.headers.get("x-api-key")


User = Annotated[Person, Depends(require("user"))]
Annotator = Annotated[Person, Depends(require("annotator"))]
Admin = Annotated[Person, Depends(require("admin"))]
