"""A small scripted module, written as Slicer's documentation says, to try the stand-ins with."""

import enum
import threading

import slicer
import vtk
from slicer.i18n import tr as _
from slicer.parameterNodeWrapper import parameterNodeWrapper
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin


class Scope(enum.Enum):
    """What is asked about."""

    slice = 1
    volume = 2


class Probe(ScriptedLoadableModule):
    """Metadata."""

    def __init__(self, parent):
        super().__init__(parent)
        parent.title = _("Probe")
        slicer.app.connect("startupCompleted()", registerSamples)


def registerSamples():
    """Register a sample once the application runs."""
    import SampleData

    SampleData.SampleDataLogic.registerCustomSampleDataSource(
        category="Probe", sampleName="Phantom", uris="file:///phantom.nrrd", fileNames="phantom.nrrd"
    )


@parameterNodeWrapper
class ProbeParameterNode:
    """What the panel remembers."""

    volume: slicer.vtkMRMLScalarVolumeNode
    question: str = ""
    first: int = 1
    opacity: float = 0.5
    flash: bool = True
    scope: Scope = Scope.slice


class ProbeWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The panel."""

    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.entered = self.changes = 0

    def setup(self):
        """Build the panel."""
        super().setup()
        panel = slicer.util.loadUI(self.resourcePath("UI/Probe.ui"))
        self.layout.addWidget(panel)
        self.ui = slicer.util.childWidgetVariables(panel)
        panel.setMRMLScene(slicer.mrmlScene)
        self.logic = ProbeLogic()
        self.ui.askButton.connect("clicked()", self.onAsk)
        self.parameters = ProbeParameterNode(self.logic.getParameterNode())
        self.tag = self.parameters.connectGui(self.ui)
        self.addObserver(self.parameters, vtk.vtkCommand.ModifiedEvent, self.onModified)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self.onClosed)

    def cleanup(self):
        """Leave nothing observed."""
        self.parameters.disconnectGui(self.tag)
        self.removeObservers()

    def enter(self):
        """Count."""
        self.entered += 1

    def onModified(self, caller=None, event=None):
        """Count."""
        self.changes += 1

    def onClosed(self, caller, event):
        """Say so in the panel."""
        self.ui.answer.plainText = "closed"

    def onAsk(self):
        """Ask the user, then answer from a thread."""
        if not slicer.util.confirmYesNoDisplay(_("Send the image?")):
            slicer.util.errorDisplay(_("Not sent."), detailedText="by choice")
            return
        self.logic.answer(self.ui.question.text, self.show)

    def show(self, text):
        """Show an answer; main thread."""
        self.ui.answer.plainText = text


class ProbeLogic(ScriptedLoadableModuleLogic):
    """Works in a thread, answers on the main one."""

    def answer(self, question, done):
        """Call `done` with the question in capitals."""
        import qt

        found = []
        worker = threading.Thread(target=lambda: found.append(question.upper()))
        worker.start()
        timer = qt.QTimer()
        timer.setInterval(5)

        def poll():
            if found:
                timer.stop()
                done(found[0])

        timer.connect("timeout()", poll)
        timer.start()
        self.timer = timer


class ProbeTest(ScriptedLoadableModuleTest):
    """The self-test."""

    def runTest(self):
        """Ask."""
        self.delayDisplay("Starting")
        assert ProbeLogic().moduleName == "Probe"
