"""Corrected segments become labels of the server's studies, and its studies become volumes."""

from __future__ import annotations

import datetime
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import slicer

from PRSMedLib import conversation, notes, segments, volumes
from PRSMedLib.i18n import tr as _
from PRSMedLib.jobs import Job
from PRSMedLib.nrrd import Image, encode
from PRSMedLib.problem import Problem
from PRSMedLib.sending import addStudy, submitLabel
from PRSMedLib.server import Server


@dataclass(frozen=True)
class Submission:
    """A label on its way; made in the main thread, called in a job.

    Attributes:
        image: Id on the server.
        isNew: Whether the image must be added to the server's studies first.
        labelNames: Name to value.
        isEmpty: Whether it says that nothing is there.
    """

    image: str
    isNew: bool
    labelNames: dict[str, int]
    isEmpty: bool
    _labels: Image
    _params: dict[str, Any]
    _pack: Callable[[], tuple[str, bytes]]

    def send(self, server: Server, job: Job[str]) -> str:
        """Send it; the image's id. News of the job are ``(what, share)``."""

        def sent(what: str) -> Callable[[float], None]:
            def tell(share: float) -> None:
                job.check()
                job.tell((what, share))

            return tell

        if self.isNew:
            name, content = self._pack()
            addStudy(server, self.image, name, content, sent(_("Sending the image")))
        submitLabel(server, self.image, encode(self._labels), self._params, sent(_("Sending the label")))
        return self.image


def prepare(volumeNode: slicer.vtkMRMLVolumeNode, study: str | None) -> Submission:
    """What submitting the visible segments of a volume would send.

    Args:
        volumeNode: The image.
        study: Its id among the server's studies; ``None`` when it is not one of them.

    Raises:
        Problem: There are none, or they do not fit.
    """
    node = segments.segmentationOf(volumeNode)
    if node is None:
        raise Problem("no_segments", _("There are no segments of this volume yet; ask, or press Correct and draw one."))
    labels, names = segments.labelmapOf(node, volumeNode)
    return Submission(
        image=study or _freshId(),
        isNew=study is None,
        labelNames=names,
        isEmpty=not labels.voxels.any(),
        _labels=labels,
        _params={"label_names": names, "client": "slicer", **_asked(volumeNode, node)},
        _pack=volumes.packed(volumeNode),
    )


def markCompleted(volumeNode: slicer.vtkMRMLVolumeNode) -> None:
    """The visible segments of a volume were submitted."""
    node = segments.segmentationOf(volumeNode)
    if node is not None:
        for segmentId in segments.visibleSegments(node):
            node.GetSegmentation().GetSegment(segmentId).SetTag("Segmentation.Status", "completed")


def load(path: Path, name: str) -> slicer.vtkMRMLVolumeNode:
    """Show a downloaded study; its file is not needed any more then, and is saved with the scene.

    Raises:
        Problem: ``unreadable_study``.
    """
    try:
        volumeNode = slicer.util.loadVolume(str(path), {"name": name})
    except RuntimeError as error:
        raise Problem("unreadable_study", _("The study that came cannot be read ({0}).").format(error)) from error
    storage = volumeNode.GetStorageNode()
    if storage is not None:
        volumeNode.SetAndObserveStorageNodeID(None)
        slicer.mrmlScene.RemoveNode(storage)
        volumeNode.StorableModified()
    return volumeNode


def _asked(volumeNode: slicer.vtkMRMLVolumeNode, node: slicer.vtkMRMLSegmentationNode) -> dict[str, Any]:
    """The newest question of which a segment is shown, for the server to learn what was meant."""
    shown = set(segments.visibleSegments(node))
    try:
        turns = notes.conversationOf(volumeNode).turns
    except Problem:
        return {}
    for turn in reversed(turns):
        if turn.state == conversation.ANSWERED and shown.intersection(turn.segmentIds):
            answer = turn.answer
            told = {"question": turn.question, "answer": answer.text, "view": answer.view, "version": answer.version}
            return {**told, "conversation": answer.conversation} if answer.conversation else told
    return {}


def _freshId() -> str:
    """A new id that says nothing about the patient (names of volumes often do)."""
    return f"slicer-{datetime.date.today():%Y%m%d}-{secrets.token_hex(4)}"
