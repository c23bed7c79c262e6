"""The question box."""

from __future__ import annotations

from typing import TYPE_CHECKING

import qt
import slicer

from PRSMedLib import views, volumes
from PRSMedLib.i18n import tr as _
from PRSMedLib.problem import Problem
from PRSMedLib.questions import guessModality, suggested
from PRSMedPanel import preferences
from PRSMedPanel.consent import mayBeSent

if TYPE_CHECKING:
    from PRSMed import PRSMedWidget

_SCOPES = (views.SLICE, views.RANGE, views.VOLUME)
_ASK_KEYS = ("Ctrl+Return", "Ctrl+Enter")
_ALL = 100


class AskSection:
    """What is looked at, what is asked, and how far it is."""

    def __init__(self, panel: PRSMedWidget) -> None:
        self._panel, self._ui = panel, panel.ui
        ui = self._ui
        self._menu = qt.QMenu(ui.suggestionsButton)
        ui.suggestionsButton.setMenu(self._menu)
        self._menu.connect("aboutToShow()", self._fillMenu)
        # Both Enter keys, and only while one types.
        self._shortcuts = [qt.QShortcut(qt.QKeySequence(keys), ui.questionTextEdit) for keys in _ASK_KEYS]
        for shortcut in self._shortcuts:
            shortcut.setContext(qt.Qt.WidgetShortcut)
            shortcut.connect("activated()", self.ask)
        ui.askButton.connect("clicked()", self.ask)
        ui.cancelButton.connect("clicked()", self.cancel)
        ui.alignButton.connect("clicked()", self._align)
        ui.scopeComboBox.connect("currentIndexChanged(int)", self._scopeChanged)
        ui.viewComboBox.connect("currentIndexChanged(int)", self._viewChanged)
        consultation = panel.logic.consultation
        consultation.maySend = lambda server: server.isThisComputer or preferences.hasConsented(server)
        consultation.onProgress = self._progress
        consultation.onOver = self._over

    def refresh(self) -> None:
        """Enable what can be done now."""
        consultation, ui = self._panel.logic.consultation, self._ui
        # Whatever else is missing is told when it is pressed.
        ui.askButton.enabled = not consultation.isBusy
        ui.cancelButton.enabled = consultation.isBusy
        ui.alignButton.enabled = self._panel.volumeNode is not None
        ui.progressBar.visible = consultation.isBusy

    def showViews(self) -> None:
        """Offer the slice views of the layout; the chosen one stays chosen while it is there."""
        layout = slicer.app.layoutManager()
        if layout is None:  # Slicer without its window
            return
        nodes = {name: layout.sliceWidget(name).mrmlSliceNode() for name in layout.sliceViewNames()}
        names = [name for name, node in nodes.items() if node.IsMappedInLayout()] or list(nodes)
        box = self._ui.viewComboBox
        if names != [box.itemText(number) for number in range(box.count)]:
            chosen = box.currentText
            box.clear()
            box.addItems(names)
            box.currentText = chosen if chosen in names else names[0]

    def volumeChanged(self) -> None:
        """Another volume has other slices."""
        if _SCOPES[self._ui.scopeComboBox.currentIndex] == views.RANGE:
            self._suggestRange()

    def ask(self) -> None:
        """Send the question; returns at once."""
        consultation, ui = self._panel.logic.consultation, self._ui
        volumeNode, question = self._panel.volumeNode, ui.questionTextEdit.plainText
        try:
            consultation.check(volumeNode, question)
            isNew = consultation.known.source(volumeNode, consultation.server) is None
            if isNew and not mayBeSent(volumeNode, consultation.server):
                self._say(_("Nothing was sent."))
                return
            sliceRange = ui.firstSliceSpinBox.value, ui.lastSliceSpinBox.value
            consultation.ask(
                volumeNode, self._sliceNode(), question, _SCOPES[ui.scopeComboBox.currentIndex], sliceRange
            )
        except Problem as problem:
            self._say(problem.message)
            return
        preferences.keepQuestion(question.strip())
        self._progress(_("Asking"), None)
        self._panel.refresh()

    def cancel(self) -> None:
        """Do not wait any longer."""
        self._panel.logic.consultation.cancel()

    def _progress(self, text: str, share: float | None) -> None:
        # A range of nothing shows that something goes on.
        self._ui.progressBar.maximum = 0 if share is None else _ALL
        self._ui.progressBar.value = 0 if share is None else round(share * _ALL)
        self._say(text + " ...")

    def _over(self, problem: Problem | None) -> None:
        self._say(problem.message if problem else "")
        self._panel.refresh()

    def _say(self, text: str) -> None:
        self._ui.askStatusLabel.text = text

    def _sliceNode(self) -> slicer.vtkMRMLSliceNode:
        view = slicer.app.layoutManager().sliceWidget(self._ui.viewComboBox.currentText)
        return view.mrmlSliceNode()

    def _align(self) -> None:
        volumeNode = self._panel.volumeNode
        if volumeNode is not None:
            views.align(volumeNode, self._sliceNode())
            self._say("")

    def _scopeChanged(self, index: int) -> None:
        isRange = _SCOPES[index] == views.RANGE
        self._ui.firstSliceSpinBox.visible = self._ui.lastSliceSpinBox.visible = isRange
        self._ui.viewComboBox.enabled = _SCOPES[index] != views.VOLUME
        if isRange:
            self._suggestRange()

    def _viewChanged(self, index: int) -> None:
        self.volumeChanged()

    def _suggestRange(self) -> None:
        """A few slices on either side of the one that is shown."""
        volumeNode = self._panel.volumeNode
        if volumeNode is None:
            return
        try:
            there = views.shown(volumeNode, self._sliceNode())
        except Problem as problem:
            self._say(problem.message)
            return
        self._ui.firstSliceSpinBox.value = max(0, there.index - 5)
        self._ui.lastSliceSpinBox.value = min(there.count - 1, there.index + 5)

    def _fillMenu(self) -> None:
        self._menu.clear()
        recent = preferences.recentQuestions()
        fitting = [each for each in suggested(self._modality()) if each not in recent]
        for question in recent:
            self._offer(question)
        if recent and fitting:
            self._menu.addSeparator()
        for question in fitting:
            self._offer(question)

    def _offer(self, question: str) -> None:
        action = self._menu.addAction(question.replace("&", "&&"))
        action.connect("triggered()", lambda: self._take(question))

    def _take(self, question: str) -> None:
        self._ui.questionTextEdit.plainText = question
        self._ui.questionTextEdit.setFocus()

    def _modality(self) -> str:
        volumeNode = self._panel.volumeNode
        if volumeNode is None or volumeNode.GetImageData() is None:
            return ""
        image = volumeNode.GetImageData()
        isColor = image.GetNumberOfScalarComponents() > 1
        return guessModality(volumes.modality(volumeNode), isColor, image.GetScalarRange()[0])
