"""The conversation, and what can be done with an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import qt
import slicer

from PRSMedLib import segments, views
from PRSMedLib.conversation import Conversation, Turn
from PRSMedLib.i18n import tr as _
from PRSMedLib.page import conversationPage, target
from PRSMedLib.problem import Problem
from PRSMedLib.report import isReportable, reportText
from PRSMedPanel.flash import Flash

if TYPE_CHECKING:
    from PRSMed import PRSMedWidget

_NEAR_END = 20


class AnswerSection:
    """Shows the turns of the chosen volume as they come."""

    def __init__(self, panel: PRSMedWidget) -> None:
        self._panel, self._ui = panel, panel.ui
        self._flash = Flash()
        self._ui.conversationBrowser.connect("anchorClicked(QUrl)", self._followed)
        self._ui.undoButton.connect("clicked()", self.undo)
        self._ui.copyButton.connect("clicked()", self.copyReport)
        self._ui.exportButton.connect("clicked()", self.exportLabelmap)
        panel.logic.consultation.onChanged = self.show

    def refresh(self) -> None:
        """Show the conversation and enable what can be done now."""
        self.show()

    def show(self) -> None:
        """Show the conversation of the chosen volume, its newest turn in sight."""
        kept = self._conversation()
        self._showPage(conversationPage(kept.turns))
        volumeNode = self._panel.volumeNode
        hasSegments = volumeNode is not None and segments.segmentationOf(volumeNode) is not None
        isBusy = self._panel.logic.consultation.isBusy
        self._ui.undoButton.enabled = not isBusy and kept.lastUndoable() is not None
        self._ui.copyButton.enabled = any(isReportable(turn) for turn in kept.turns)
        self._ui.exportButton.enabled = hasSegments

    def undo(self) -> None:
        """Take back the segments of the newest answer."""
        if self._panel.volumeNode is not None:
            self._panel.logic.consultation.undo(self._panel.volumeNode, _mayLose)

    def copyReport(self) -> None:
        """Put the conversation on the clipboard as text."""
        slicer.app.clipboard().setText(reportText(self._conversation().turns))
        slicer.util.showStatusMessage(_("The report is on the clipboard."), 3000)

    def exportLabelmap(self) -> None:
        """Make a label map volume of the visible segments."""
        volumeNode = self._panel.volumeNode
        node = segments.segmentationOf(volumeNode) if volumeNode is not None else None
        if node is None:
            return
        try:
            label = segments.toLabelVolume(node, volumeNode)
        except Problem as problem:
            slicer.util.warningDisplay(problem.message)
            return
        slicer.util.showStatusMessage(_("Made the label map volume {0}.").format(label.GetName()), 3000)

    def _showPage(self, page: str) -> None:
        """Replace what is shown; whoever reads further up is left there."""
        browser = self._ui.conversationBrowser
        bar = browser.verticalScrollBar()
        place, wasAtEnd = bar.value, bar.value >= bar.maximum - _NEAR_END
        browser.html = page
        bar.value = bar.maximum if wasAtEnd else place

    def _followed(self, link: qt.QUrl) -> None:
        volumeNode = self._panel.volumeNode
        found = target(link.toString(), self._conversation().turns)
        if volumeNode is None or found is None:
            return
        turn, number = found
        try:
            views.jumpTo(volumeNode, turn.answer.findings[number].centroidIjk)
        except Problem as problem:
            slicer.util.warningDisplay(problem.message)
            return
        self._flashFinding(volumeNode, turn, number)

    def _flashFinding(self, volumeNode: slicer.vtkMRMLVolumeNode, turn: Turn, number: int) -> None:
        node = segments.segmentationOf(volumeNode)
        if node is not None:
            name = turn.answer.findings[number].name
            segmentation = node.GetSegmentation()
            there = [each for each in turn.segmentIds if segmentation.GetSegment(each)]
            named = [each for each in there if segmentation.GetSegment(each).GetName() == name]
            self._flash.begin(node, named or there)

    def _conversation(self) -> Conversation:
        volumeNode = self._panel.volumeNode
        if volumeNode is None:
            return Conversation()
        try:
            return self._panel.logic.consultation.current(volumeNode)
        except Problem as problem:
            self._ui.askStatusLabel.text = problem.message
            return Conversation()

    def close(self) -> None:
        """Stop flashing."""
        self._flash.end()


def _mayLose() -> bool:
    text = _("The segments of this answer were changed since it came. Remove them all the same?")
    return bool(slicer.util.confirmYesNoDisplay(text, windowTitle=_("Undo")))
