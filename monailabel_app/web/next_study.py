"""Routes of active learning: the next study, and what the model makes of each image."""

from __future__ import annotations

import time
from typing import Annotated, Any

from fastapi import APIRouter, Body, Path
from monailabel.interfaces.utils.app import app_instance

from monailabel_app.guard.names import TASK_NAME
from monailabel_app.guard.objects import check_object
from monailabel_app.next_study import Reader
from monailabel_app.web.people import User
from monailabel_app.web.stock import check_known
from prsmed.errors import PRSMedError

router = APIRouter(prefix="/activelearning", tags=["ActiveLearning"])
REPLACED = frozenset({("POST", "/activelearning/{strategy}")})
"""The stock route that ours stands for."""
_MAX_CLIENT_ID = 200


@router.post("/{strategy}", summary="The next study")
def next_study(
    person: User,
    strategy: Annotated[str, Path(pattern=TASK_NAME)],
    params: Annotated[dict[str, Any] | None, Body()] = None,
) -> dict[str, Any]:
    """An image that nobody has labelled, kept for whoever asks; MONAI Label's JSON and the reason.

    Without ``id`` when nothing is left: then only the reason is told.
    """
    check_known("/activelearning/", {"strategy": strategy})
    given = check_object(params or {})
    app = app_instance()
    client = _client_of(given)
    found: dict[str, Any] = app.desk.next(strategy, Reader(person.name, client), given.get("prompt"))
    if "id" not in found:
        return found
    datastore, image = app.datastore(), found["id"]
    info = datastore.get_image_info(image)
    served = {**info.get("strategy", {}), strategy: {"ts": int(time.time()), "client_id": client or person.name}}
    datastore.update_image_info(image, {"strategy": served})
    return {**info, "path": datastore.get_image_uri(image), **found}


@router.get("/scores", summary="What the model makes of each image, and how far the scoring is")
def scores(person: User) -> dict[str, Any]:
    """Values of every strategy that looks at images, by image; of one that cannot be read the reason."""
    told: dict[str, Any] = app_instance().desk.scores()
    return told


def _client_of(params: dict[str, Any]) -> str:
    client = params.get("client_id") or ""
    if not isinstance(client, str) or len(client) > _MAX_CLIENT_ID:
        raise PRSMedError(
            "bad_params", f"client_id is not a text of at most {_MAX_CLIENT_ID} characters; send a short name"
        )
    return client
