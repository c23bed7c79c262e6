"""Correct a mask, submit it, take the next study."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import slicer

from PRSMedLib import corrections, learning, segments, volumes
from PRSMedLib.corrections import Submission
from PRSMedLib.i18n import tr as _
from PRSMedLib.jobs import Job
from PRSMedLib.learning import NextStudy
from PRSMedLib.problem import Problem
from PRSMedLib.server import Server
from PRSMedPanel.consent import mayBeSent

if TYPE_CHECKING:
    from PRSMed import PRSMedWidget


class CorrectSection:
    """From an answer to a label that the server learns from."""

    def __init__(self, panel: PRSMedWidget) -> None:
        self._panel, self._ui = panel, panel.ui
        self._job: Job[object] | None = None
        self._ui.correctButton.connect("clicked()", self.correct)
        self._ui.submitButton.connect("clicked()", self.submit)
        self._ui.nextButton.connect("clicked()", self.nextStudy)
        self._ui.cancelSendingButton.connect("clicked()", self.cancel)

    def refresh(self) -> None:
        """Enable what can be done now."""
        consultation, volumeNode = self._panel.logic.consultation, self._panel.volumeNode
        isConnected = consultation.info is not None
        hasSegments = volumeNode is not None and segments.segmentationOf(volumeNode) is not None
        self._ui.correctButton.enabled = volumeNode is not None
        self._ui.submitButton.enabled = isConnected and hasSegments and self._job is None
        self._ui.nextButton.enabled = isConnected and self._job is None
        self._ui.cancelSendingButton.visible = self._job is not None

    def showStrategies(self) -> None:
        """Offer the ways in which the server can choose."""
        info = self._panel.logic.consultation.info
        self._ui.strategyComboBox.clear()
        for strategy in info.strategies if info else ():
            self._ui.strategyComboBox.addItem(strategy)

    def correct(self) -> None:
        """Open Segment Editor with our segmentation and its newest segment."""
        volumeNode = self._panel.volumeNode
        if volumeNode is None:
            return
        node = segments.makeSegmentation(volumeNode)
        ids = node.GetSegmentation().GetSegmentIDs()
        slicer.util.selectModule("SegmentEditor")
        editor = slicer.util.getModuleWidget("SegmentEditor").editor
        editor.setSegmentationNode(node)
        editor.setSourceVolumeNode(volumeNode)
        # Else what is painted would be cut out of the other answers.
        editor.mrmlSegmentEditorNode().SetOverwriteMode(slicer.vtkMRMLSegmentEditorNode.OverwriteNone)
        if ids:
            editor.setCurrentSegmentID(ids[-1])
        self._panel.refresh()

    def submit(self) -> None:
        """Send the visible segments as the final label, after a look at what that would be."""
        consultation, volumeNode = self._panel.logic.consultation, self._panel.volumeNode
        server = consultation.server
        if volumeNode is None or server is None:
            return
        try:
            submission = corrections.prepare(volumeNode, consultation.known.study(volumeNode, server))
        except Problem as problem:
            self._say(problem.message)
            return
        if not self._isMeant(submission, volumeNode):
            self._say(_("Nothing was sent."))
            return
        stamp = volumes.stamp(volumeNode)

        def submitted(image: str) -> None:
            if slicer.mrmlScene.IsNodePresent(volumeNode):
                consultation.known.remember(volumeNode, server, {"image": image}, stamp)
                corrections.markCompleted(volumeNode)
            self._finish(_("Submitted. The server learns from it with the next training."))

        self._run(
            Job(
                lambda job: submission.send(server, job),
                submitted,
                lambda problem: self._finish(problem.message),
                lambda news: self._say(f"{news[0]}: {news[1]:.0%}"),
            )
        )

    def nextStudy(self) -> None:
        """Let the server choose a study, and load it; returns at once."""
        server, strategy = self._panel.logic.consultation.server, self._ui.strategyComboBox.currentText
        if server is None:
            return
        # Deletes itself, also when nobody waits for the study any more.
        folder = tempfile.TemporaryDirectory(prefix="prsmed-", dir=slicer.app.temporaryPath)

        def work(job: Job[tuple[NextStudy, Path | None]]) -> tuple[NextStudy, Path | None]:
            study = learning.nextStudy(server, strategy)
            if not study.image:
                return study, None

            def received(share: float) -> None:
                job.check()
                job.tell(share)

            return study, learning.download(server, study.image, Path(folder.name), received)

        def loaded(found: tuple[NextStudy, Path | None]) -> None:
            with folder:
                self._load(server, *found)

        self._say(_("Asking for the next study ..."))
        self._run(
            Job(
                work,
                loaded,
                lambda problem: self._finish(problem.message),
                lambda share: self._say(_("Receiving the study: {0:.0%}").format(share)),
            )
        )

    def cancel(self) -> None:
        """Do not send or receive any further."""
        if self._job is not None:
            self._job.cancel()
            self._finish(_("Cancelled."))

    def _load(self, server: Server, study: NextStudy, path: Path | None) -> None:
        try:
            if path is not None:
                volumeNode = corrections.load(path, study.image)
                known = self._panel.logic.consultation.known
                known.remember(volumeNode, server, {"image": study.image}, volumes.stamp(volumeNode))
                self._panel.chooseVolume(volumeNode)
        except Problem as problem:
            self._finish(problem.message)
        else:
            self._finish(study.reason)

    def _isMeant(self, submission: Submission, volumeNode: slicer.vtkMRMLVolumeNode) -> bool:
        server = self._panel.logic.consultation.server
        if submission.isNew and not mayBeSent(volumeNode, server):
            return False
        names = ", ".join(submission.labelNames)
        text = _("Submit the visible segments ({0}) as the final label of {1}?").format(names, volumeNode.GetName())
        if submission.isEmpty:
            text = _("All visible segments are empty. Submit that {0} is not in {1}?").format(
                names, volumeNode.GetName()
            )
        if submission.isNew:
            text += "\n\n" + _("The image is not among the server's studies yet and will be added to them.")
        return bool(slicer.util.confirmYesNoDisplay(text, windowTitle=_("Submit as corrected")))

    def _run(self, job: Job[object]) -> None:
        self._job = job
        self._panel.tasks.start(job)
        self._panel.refresh()

    def _finish(self, text: str) -> None:
        self._job = None
        self._say(text)
        self._panel.refresh()

    def _say(self, text: str) -> None:
        self._ui.correctStatusLabel.text = text
