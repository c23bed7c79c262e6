"""The ask task: from a request to a mask and an answer, when it is its turn."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from monailabel.interfaces.tasks.infer_v2 import InferTask, InferType

from monailabel_app.conversations import Conversations
from monailabel_app.question import Question
from monailabel_app.request import AskRequest
from monailabel_app.studies import VolumeCache
from monailabel_app.turns import Line, Ticket
from prsmed.errors import PRSMedError
from prsmed.inference import Answer, Engine, Event

# What stock clients show as options (in MONAI Label's Slicer module a list is a choice, "" a text cell).
# The API's own defaults are those of AskRequest.
OPTIONS: dict[str, Any] = {
    "prompt": "Where is the lesion?",
    "mode": ["slice", "volume"],
    "plane": ["", "axial", "coronal", "sagittal"],
    "slice": "",
    "slice_range": "",
    "window": "",
}


@dataclass(frozen=True)
class Asked:
    """Who asks about which image; set by the server, never by a client.

    Attributes:
        user: Name of the user.
        image: What conversations know the image by.
        source: Its file or DICOM series folder.
        ticket: The place in the line.
    """

    user: str
    image: str
    source: Path
    ticket: Ticket


class AskTask(InferTask):  # type: ignore[misc]
    """Answers a question about an image with a mask on the image's own grid and words.

    Its type is ``segmentation`` so that every stock client lists it.

    Args:
        engine: The model.
        volumes: Reads and keeps images.
        line: Who asks it next.
        conversations: What was asked before.
        observe: Told every answer and how long its question waited, in seconds.
    """

    def __init__(
        self,
        engine: Engine,
        volumes: VolumeCache,
        line: Line,
        conversations: Conversations,
        observe: Callable[[Answer, float], None] = lambda answer, waited: None,
    ) -> None:
        super().__init__(
            type=InferType.SEGMENTATION,
            labels=["lesion"],
            dimension=3,
            description="Ask in words; get a mask, an answer, and whether the two agree. Research use only.",
            config=OPTIONS,
        )
        self.engine = engine
        self.volumes = volumes
        self.line = line
        self.conversations = conversations
        # The model always runs in this one thread: torch keeps a team of helper threads for each thread that calls it,
        # and teams take the processors from each other.
        self.device = ThreadPoolExecutor(1, "model")
        self._observe = observe

    def is_valid(self) -> bool:
        """Always: weights are read on first use."""
        return True

    def info(self) -> dict[str, Any]:
        """What clients are told of the task, with the version that answers."""
        return {**super().info(), "version": asdict(self.engine.version)}

    def swap(self, engine: Engine) -> None:
        """Let another model answer from the next question on; a running one finishes on the old."""
        old, self.engine = self.engine, engine
        old.seen.clear()

    def prepare(self, request: dict[str, Any], by: Asked) -> Question:
        """Check a request and read its image.

        Raises:
            PRSMedError: For anything wrong with the request or the image.
        """
        asked = AskRequest.parse(request)
        history = self.conversations.history(asked.conversation, by.user, by.image) if asked.conversation else ()
        return Question.prepare(asked, self.volumes.read(by.source), history)

    def answer(self, question: Question, ticket: Ticket, tell: Callable[[Event], None] = lambda event: None) -> Answer:
        """Wait for the model and ask it.

        Args:
            question: What :meth:`prepare` made.
            ticket: Its place in the line.
            tell: Called with every event as it comes, in the model's thread; must not block.

        Raises:
            PRSMedError: ``cancelled``; ``out_of_memory``; the engine's.
        """
        with self.line.turn(ticket):
            answer = self.device.submit(self._run, question, ticket, tell).result()
        self._observe(answer, ticket.waited)
        return answer

    def _run(self, question: Question, ticket: Ticket, tell: Callable[[Event], None]) -> Answer:
        try:
            for event in question.ask(self.engine):
                tell(event)
                ticket.check()
        except torch.cuda.OutOfMemoryError as error:
            self.engine.seen.clear()
            torch.cuda.empty_cache()
            raise PRSMedError(
                "out_of_memory", "the GPU has no memory left for this question; ask again, or about fewer slices"
            ) from error
        assert isinstance(event, Answer)
        return event

    def finish(self, question: Question, answer: Answer, by: Asked) -> dict[str, Any]:
        """The JSON of an answer, noted in its conversation."""
        turn = question.asked.prompt, answer.text
        conversation = self.conversations.add(question.asked.conversation, by.user, by.image, turn)
        return {**answer.to_json(), "conversation": conversation, "view": question.view}

    def __call__(self, request: dict[str, Any]) -> tuple[str | None, dict[str, Any]]:
        """Answer one request.

        Args:
            request: The params of the Ask contract, and ``asked``: an :class:`Asked`. ``output`` ``"image"``: the
                client takes nothing but a file (OHIF), so an empty mask is one too. ``folder``: for the mask.

        Returns:
            Path of a mask file for the caller to delete, ``None`` when the mask is empty; the JSON.

        Raises:
            PRSMedError: For anything wrong with the request or the image; nothing is written.
        """
        by: Asked = request["asked"]
        question = self.prepare(request, by)
        answer = self.answer(question, by.ticket)
        is_file_needed = answer.mask.any() or request.get("output") == "image"
        file = question.mask_file(answer.mask, request["folder"]) if is_file_needed else None
        return str(file) if file else None, self.finish(question, answer, by)


def share_processors() -> None:
    """Leave one processor to answer everybody else, unless ``OMP_NUM_THREADS`` says how many the model has."""
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(max(1, torch.get_num_threads() - 1))
