"""The labelled images as one archive."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import FileResponse
from monailabel.interfaces.utils.app import app_instance
from starlette.background import BackgroundTask

from monailabel_app.web.people import Annotator

router = APIRouter()
REPLACED = frozenset({("GET", "/datastore/dataset")})
"""The stock route, which leaves its archive behind."""


@router.get("/datastore/dataset", tags=["Datastore"], summary="Download images and final labels as a ZIP archive")
def dataset(person: Annotator, limit_cases: Annotated[int | None, Query(ge=1)] = None) -> FileResponse:
    """Images with a final label, their labels, and what is recorded of them."""
    archive = Path(app_instance().datastore().get_dataset_archive(limit_cases))
    return FileResponse(
        archive, media_type="application/zip", filename="dataset.zip", background=BackgroundTask(archive.unlink)
    )
