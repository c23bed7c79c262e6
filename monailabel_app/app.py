"""The MONAI Label app."""

from __future__ import annotations

import logging
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from monailabel.config import settings
from monailabel.interfaces.app import MONAILabelApp
from monailabel.interfaces.datastore import Datastore, DefaultLabelTag
from monailabel.interfaces.tasks.infer_v2 import InferTask
from monailabel.interfaces.tasks.strategy import Strategy
from monailabel.interfaces.tasks.train import TrainTask

import prsmed
from monailabel_app.ask import Asked, AskTask, share_processors
from monailabel_app.conversations import Conversations
from monailabel_app.datastore import StudyDatastore
from monailabel_app.dicomweb_open import open_remote
from monailabel_app.errors import Refused
from monailabel_app.guard.names import check_tag
from monailabel_app.metrics import Metrics
from monailabel_app.next_study import Desk, DeskStrategy, open_desk, scores_in_background
from monailabel_app.scratch import Scratch
from monailabel_app.settings import MEGABYTE, server_settings
from monailabel_app.studies import VolumeCache, locate
from monailabel_app.train import CorrectionsTask
from monailabel_app.turns import Line, Ticket
from monailabel_app.versions import LiveModel, open_registry
from prsmed.errors import PRSMedError
from prsmed.inference import Engine
from prsmed.learning.strategies import STRATEGIES

logger = logging.getLogger(__name__)

TASK = "prsmed"


class PRSMedApp(MONAILabelApp):  # type: ignore[misc]
    """Ask an image a question; get a mask and an answer checked against it.

    Args:
        app_dir: This folder, where MONAI Label puts its logs.
        studies: A folder (see :class:`~monailabel_app.datastore.StudyDatastore`) or a DICOMweb server's URL.
        conf: MONAI Label's ``--conf`` pairs; none are ours.

    Attributes:
        is_guarded: Whether our web application stands before it: then an upload is a :class:`~pathlib.Path` and an
            image that is text is an id. Under the stock one, an upload is text too: a path in the temporary folder.
        registry: The versions of the model.
        live_model: Keeps the task on the live one.
        desk: Hands out the next study.
    """

    desk: Desk

    def __init__(self, app_dir: str, studies: str, conf: dict[str, str]) -> None:
        chosen = server_settings()
        self.is_guarded = False
        self.is_ready = False
        self.scratch = Scratch()
        # Whatever this process puts aside goes with it, or is swept away by the next one.
        tempfile.tempdir = str(self.scratch.path)
        self.metrics = Metrics()
        self.line = Line(chosen.max_waiting)
        share_processors()
        self.registry = open_registry(studies)
        self.live_model = LiveModel(self.registry)
        self._engine = self.live_model.first()
        super().__init__(
            app_dir=app_dir,
            studies=studies,
            conf=conf,
            name="PRS-Med",
            description="Questions about medical images, answered with a mask and words. Research use only.",
            version=prsmed.__version__,
        )
        self.metrics.watch(self.task)

    def init_datastore(self) -> Datastore:
        """Our datastore for a folder or a DICOMweb server."""
        if self.studies.startswith(("http://", "https://")):
            return super().init_datastore()
        return StudyDatastore(
            self.studies,
            auto_reload=settings.MONAI_LABEL_DATASTORE_AUTO_RELOAD,
            read_only=settings.MONAI_LABEL_DATASTORE_READ_ONLY,
            state=server_settings().state,
        )

    def init_remote_datastore(self) -> Datastore:
        """Our datastore for a DICOMweb server, MONAI Label's own for XNAT and DSA."""
        if settings.MONAI_LABEL_DATASTORE.lower() in {"xnat", "dsa"}:
            return super().init_remote_datastore()
        return open_remote(self.studies)

    def init_infers(self) -> dict[str, InferTask]:
        """The one task, ``prsmed``."""
        chosen = server_settings()
        volumes = VolumeCache(chosen.cache_volumes_mb * MEGABYTE)
        conversations = Conversations(chosen.max_conversations, chosen.max_turns, 60 * chosen.conversation_minutes)
        return {TASK: AskTask(self._engine, volumes, self.line, conversations, self.metrics.answer)}

    def init_trainers(self) -> dict[str, TrainTask]:
        """Learning from corrections, under the name of what learns."""
        return {TASK: CorrectionsTask(self.registry, server_settings())}

    def init_strategies(self) -> dict[str, Strategy]:
        """Every way to choose the next study, over one desk."""
        learns = self._trainers[TASK].training
        self.desk = open_desk(self.task(), self.datastore(), server_settings(), lambda: learns.is_running)
        return {name: DeskStrategy(self.desk, name) for name in STRATEGIES}

    def on_init_complete(self) -> None:
        """Load the model in the background, so that the first question is not the slow one, and watch its versions."""
        super().on_init_complete()
        self.live_model.watch(self.task())
        threading.Thread(target=self._warm_up, args=(self.task().engine,), name="warm-up", daemon=True).start()

    def task(self, model: object = TASK) -> AskTask:
        """The ask task.

        Raises:
            PRSMedError: ``unknown_model``.
        """
        task = self._infers.get(model) if isinstance(model, str) else None
        if task is None:
            raise PRSMedError(
                "unknown_model", f"there is no model {str(model)[:60]!r}; the models are {', '.join(self._infers)}"
            )
        assert isinstance(task, AskTask)
        return task

    @contextmanager
    def ticket(self, user: str, ticket_id: str | None = None) -> Iterator[Ticket]:
        """A place in the line, for the block.

        Raises:
            PRSMedError: ``busy``, ``ticket_in_use``.
        """
        ticket = self.line.join(user, ticket_id)
        try:
            yield ticket
        finally:
            self.line.leave(ticket)

    def asked(self, image: object, ticket: Ticket) -> Asked:
        """Who asks about which image.

        Args:
            image: An id of the datastore, or the path of an upload.
            ticket: The question's.

        Raises:
            PRSMedError: ``unknown_image``.
        """
        return Asked(ticket.user, str(image), self._source(image), ticket)

    def infer(self, request: dict[str, Any], datastore: Datastore | None = None) -> dict[str, Any]:
        """MONAI Label's interface: :meth:`answer` for a user without a name.

        Raises:
            Refused: Anything wrong with the request or the image, as a 4xx; nothing is written.
        """
        try:
            with self.ticket("") as ticket:
                return self.answer(request, ticket)
        except PRSMedError as error:
            logger.info("Refused: %s", error.code)
            raise Refused(error) from error

    def answer(self, request: dict[str, Any], ticket: Ticket) -> dict[str, Any]:
        """Run a question.

        Unlike MONAI Label's own, ``image`` is an id of the datastore or an upload, never another path of the
        server, and a DICOM series reaches the task as its folder, with its modality and window.

        Args:
            request: MONAI Label's request: ``model``, ``image`` and the params of the Ask contract.
            ticket: The question's.

        Raises:
            PRSMedError: For anything wrong with the request or the image; nothing is written.
        """
        task = self.task(request.get("model"))
        image = request.get("image")
        tag = check_tag(request.get("label_tag") or DefaultLabelTag.ORIGINAL.value)
        by = self.asked(image, ticket)
        file, params = task({**request, "asked": by, "folder": self.scratch.path})
        label = file
        if file and request.get("save_label") and isinstance(image, str) and not os.path.isabs(image):
            label = self.datastore().save_label(
                image, file, tag, {"model": request["model"], "params": {**params, "question": request["prompt"]}}
            )
        return {"label": label, "tag": DefaultLabelTag.ORIGINAL, "file": file, "params": params}

    def reload(self) -> None:
        """Read the live version's files again; running questions finish on the old one."""
        self.live_model.refresh(self.task(), again=True)

    def close(self) -> None:
        """Stop what waits and what trains, and leave no copy of an image behind."""
        self.line.close()
        for trainer in self._trainers.values():
            trainer.training.stop()
        self.desk.scorer.stop()
        self.live_model.close()
        datastore = self.datastore()
        if hasattr(datastore, "close"):
            datastore.close()
        self.scratch.close()

    def _source(self, image: object) -> Path:
        if isinstance(image, Path):
            return image
        if not self.is_guarded and isinstance(image, str) and os.path.isabs(image):
            path = Path(image).resolve()
            uploads = {Path(tempfile.gettempdir()).resolve()}
            if self.sessions() is not None:
                uploads.add(Path(self.sessions().store_path).resolve())
            if uploads.intersection(path.parents) and path.exists():
                return path
        return locate(self.datastore(), image)

    def _warm_up(self, engine: Engine) -> None:
        try:
            self.task().device.submit(engine.warm_up).result()
        except PRSMedError as error:
            logger.error("The model cannot be loaded: %s", error)
        else:
            self.is_ready = True
            if scores_in_background(self.studies, server_settings()):
                self.desk.scorer.start()
            logger.info("Ready: model %s is loaded", engine.version.version)
