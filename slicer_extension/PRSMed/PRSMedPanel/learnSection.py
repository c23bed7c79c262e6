"""Training on the server, and the versions of its model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import qt
import slicer

from PRSMedLib import learning
from PRSMedLib.i18n import tr as _
from PRSMedLib.jobs import Job
from PRSMedLib.learning import Training, Version
from PRSMedLib.problem import Problem
from PRSMedLib.server import Server
from PRSMedPanel.curve import Row, drawCurve

if TYPE_CHECKING:
    from PRSMed import PRSMedWidget

_POLL_MS = 2000


class LearnSection:
    """Train, watch, stop; promote and roll back.

    Attributes:
        curve: What is drawn.
    """

    def __init__(self, panel: PRSMedWidget) -> None:
        self._panel, self._ui = panel, panel.ui
        self._isRunning, self._isAsking = False, False
        self._versions: Sequence[Version] = ()
        self.curve: Sequence[Row] = ()
        self._timer = qt.QTimer()
        self._timer.setInterval(_POLL_MS)
        self._timer.connect("timeout()", self._poll)
        ui = self._ui
        ui.trainButton.connect("clicked()", self.train)
        ui.stopTrainingButton.connect("clicked()", self.stop)
        ui.refreshVersionsButton.connect("clicked()", self.askVersions)
        ui.promoteButton.connect("clicked()", self.promote)
        ui.rollBackButton.connect("clicked()", self.rollBack)
        ui.versionsTable.connect("itemSelectionChanged()", self.refresh)
        ui.versionsTable.horizontalHeader().setStretchLastSection(True)
        ui.versionsTable.verticalHeader().hide()

    def refresh(self) -> None:
        """Enable what can be done now."""
        info, ui = self._panel.logic.consultation.info, self._ui
        isConnected, canTrain = info is not None, info is not None and info.canTrain
        chosen = self._chosen()
        ui.trainButton.enabled = canTrain and not self._isRunning
        ui.stopTrainingButton.enabled = canTrain and self._isRunning
        ui.refreshVersionsButton.enabled = isConnected
        ui.promoteButton.enabled = isConnected and chosen is not None and chosen.status == "kept"
        ui.rollBackButton.enabled = isConnected and len(self._versions) > 1

    def connected(self) -> None:
        """There is another server, or none: see what it does."""
        self.close()
        self._show(())
        info = self._panel.logic.consultation.info
        if info is not None and info.canStream:
            self.askVersions()
        if info is not None and info.canTrain:
            self._poll()

    def close(self) -> None:
        """Watch no longer; the training goes on at the server."""
        self._timer.stop()
        self._isRunning = self._isAsking = False

    def train(self) -> None:
        """Let the server learn from its corrections; returns at once."""
        self._call(learning.startTraining, lambda nothing: self._watch())

    def stop(self) -> None:
        """Stop it."""
        self._call(learning.stopTraining, lambda nothing: self._poll())

    def askVersions(self) -> None:
        """Ask for the versions."""
        self._call(learning.versions, self._show)

    def promote(self) -> None:
        """Let the chosen version be live, if that is meant."""
        chosen = self._chosen()
        if chosen is not None and slicer.util.confirmYesNoDisplay(
            _("Let {0} answer from now on, for everybody on this server?").format(chosen.name)
        ):
            name = chosen.name
            self._call(lambda server: learning.promote(server, name), self._changed)

    def rollBack(self) -> None:
        """Go back to the version before, if that is meant."""
        if slicer.util.confirmYesNoDisplay(
            _("Go back to the version that was live before, for everybody on this server?")
        ):
            self._call(learning.rollBack, self._changed)

    def _watch(self) -> None:
        self._isRunning = True
        self._timer.start()
        self._poll()
        self.refresh()

    def _poll(self) -> None:
        if not self._isAsking:
            self._isAsking = True
            self._call(learning.training, self._told)

    def _told(self, training: Training) -> None:
        self._isAsking = False
        wasRunning, self._isRunning = self._isRunning, training.isRunning
        if training.isRunning:
            self._timer.start()
        else:
            self._timer.stop()
            if wasRunning:
                self._panel.askModelAgain()
        self.curve = training.curve
        if training.curve:
            self._ui.curveLabel.setPixmap(drawCurve(training.curve, training.steps))
        self._ui.curveLabel.visible = bool(training.curve)
        self._say(_words(training))
        self.refresh()

    def _changed(self, versions: Sequence[Version]) -> None:
        self._show(versions)
        live = next((version.name for version in versions if version.status == "live"), "")
        self._say(_("{0} is live now.").format(live))
        self._panel.askModelAgain()

    def _show(self, versions: Sequence[Version]) -> None:
        self._versions = versions
        table = self._ui.versionsTable
        table.setRowCount(len(versions))
        for row, version in enumerate(versions):
            for column, text in enumerate(_cells(version)):
                item = qt.QTableWidgetItem(text)
                item.setToolTip(version.reason)
                table.setItem(row, column, item)
        table.resizeColumnsToContents()
        self.refresh()

    def _chosen(self) -> Version | None:
        row = self._ui.versionsTable.currentRow()
        return self._versions[row] if 0 <= row < len(self._versions) else None

    def _call(self, work: Callable[[Server], Any], onDone: Callable[[Any], None]) -> None:
        server = self._panel.logic.consultation.server
        if server is None:
            return

        def done(result: Any) -> None:
            # News of a server that is no longer ours would be wrong here.
            if self._panel.logic.consultation.server is server:
                onDone(result)

        self._panel.tasks.start(Job(lambda job: work(server), done, self._fail))

    def _fail(self, problem: Problem) -> None:
        self._isAsking = False
        self._say(problem.message)

    def _say(self, text: str) -> None:
        self._ui.trainStatusLabel.text = text


def _words(training: Training) -> str:
    status = {
        "idle": "",
        "waiting": _("Waiting for the GPU"),
        "reading": _("Reading the corrections"),
        "training": _("Step {0} of {1}").format(training.step, training.steps),
        "validating": _("Comparing with the live model"),
        "done": _("Done"),
        "failed": _("The training failed"),
        "stopped": _("Stopped; the live model stays"),
    }.get(training.status, training.status)
    if training.isRunning and training.secondsLeft is not None:
        status += " " + _("(about {0:.0f} s left)").format(training.secondsLeft)
    lines = [": ".join(part for part in (status, training.summary) if part)]
    if training.quarantined:
        lines.append(_("Set aside: {0}").format("; ".join(training.quarantined)))
    return "\n".join(lines)


def _cells(version: Version) -> tuple[str, ...]:
    dice = "" if version.dice is None else f"{version.dice:.2f}"
    corrections = "" if version.corrections is None else str(version.corrections)
    return version.name, version.status, dice, corrections, version.created.replace("T", " ")[:16]
