"""The MONAI Label app."""

from __future__ import annotations

import logging
import os
import tempfile
import threading
from pathlib import Path
from typing import Any

from monailabel.config import settings
from monailabel.interfaces.app import MONAILabelApp
from monailabel.interfaces.datastore import Datastore, DefaultLabelTag
from monailabel.interfaces.tasks.infer_v2 import InferTask
from monailabel.interfaces.tasks.strategy import Strategy
from monailabel.tasks.activelearning.first import First

import prsmed
from monailabel_app.ask import AskTask
from monailabel_app.datastore import StudyDatastore
from monailabel_app.errors import Refused
from monailabel_app.studies import VolumeCache, locate
from prsmed.errors import PRSMedError
from prsmed.inference import Engine

logger = logging.getLogger(__name__)

TASK = "prsmed"
# A preset's name or a checkpoint folder.
MODEL_VARIABLE = "PRSMED_MODEL"


class PRSMedApp(MONAILabelApp):  # type: ignore[misc]
    """Ask an image a question; get a mask and an answer checked against it.

    Args:
        app_dir: This folder, where MONAI Label puts its logs.
        studies: A folder (see :class:`~monailabel_app.datastore.StudyDatastore`) or a DICOMweb server's URL.
        conf: MONAI Label's ``--conf`` pairs; none are ours.
    """

    def __init__(self, app_dir: str, studies: str, conf: dict[str, str]) -> None:
        self._engine = Engine.load(os.environ.get(MODEL_VARIABLE, "nano"))
        super().__init__(
            app_dir=app_dir,
            studies=studies,
            conf=conf,
            name="PRS-Med",
            description="Questions about medical images, answered with a mask and words. Research use only.",
            version=prsmed.__version__,
        )

    def init_datastore(self) -> Datastore:
        """Our datastore for a folder; MONAI Label's own for a URL."""
        if self.studies.startswith(("http://", "https://")):
            return super().init_datastore()
        return StudyDatastore(
            self.studies,
            auto_reload=settings.MONAI_LABEL_DATASTORE_AUTO_RELOAD,
            read_only=settings.MONAI_LABEL_DATASTORE_READ_ONLY,
        )

    def init_infers(self) -> dict[str, InferTask]:
        """The one task, ``prsmed``."""
        return {TASK: AskTask(self._engine, VolumeCache())}

    def init_strategies(self) -> dict[str, Strategy]:
        """Images in order of their ids. (MONAI Label's Random fails when all were served in one second.)"""
        return {"first": First()}

    def on_init_complete(self) -> None:
        """Load the model in the background, so that the first question is not the slow one."""
        super().on_init_complete()
        threading.Thread(target=self._warm_up, name="warm-up", daemon=True).start()

    def infer(self, request: dict[str, Any], datastore: Datastore | None = None) -> dict[str, Any]:
        """Run a question.

        Unlike MONAI Label's own, ``image`` is an id of the datastore or an upload, never another path of the
        server; a DICOM series reaches the task as its folder, with its modality and window; and a user's
        mistake is a 4xx.

        Raises:
            Refused: Anything wrong with the request or the image; nothing is written.
        """
        datastore = datastore or self.datastore()
        try:
            task = self._infers.get(request.get("model"))
            if task is None:
                known = ", ".join(self._infers)
                raise PRSMedError(
                    "unknown_model", f"there is no model {request.get('model')!r}; the models are {known}"
                )
            image = request.get("image")
            path = locate(datastore, image, self._upload_folders())
            file, params = task({**request, "image": str(path)})
        except PRSMedError as error:
            logger.info("Refused: %s", error.code)
            raise Refused(error) from error
        label = file
        if file and request.get("save_label") and image in datastore.list_images():
            tag = request.get("label_tag", DefaultLabelTag.ORIGINAL)
            label = datastore.save_label(image, file, tag, {"model": request["model"], "params": params})
        return {"label": label, "tag": DefaultLabelTag.ORIGINAL, "file": file, "params": params}

    def close(self) -> None:
        """Leave no copy of an image behind."""
        datastore = self.datastore()
        if isinstance(datastore, StudyDatastore):
            datastore.close()

    def _upload_folders(self) -> tuple[Path, ...]:
        sessions = self.sessions()
        folders = [tempfile.gettempdir(), *([sessions.store_path] if sessions else [])]
        return tuple(Path(folder).resolve() for folder in folders)

    def _warm_up(self) -> None:
        try:
            self._engine.warm_up()
        except PRSMedError as error:
            logger.error("The model cannot be loaded: %s", error)
        else:
            logger.info("Ready: model %s is loaded", self._engine.version.version)
