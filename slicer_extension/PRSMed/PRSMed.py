"""PRS-Med in 3D Slicer: ask an image a question, get a mask and an answer that was checked against it."""

from __future__ import annotations

import os
import sys

import slicer
import vtk
from slicer import vtkMRMLScalarVolumeNode
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.parameterNodeWrapper import parameterNodeWrapper
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin

from PRSMedLib import segments, views
from PRSMedLib.consultation import Consultation
from PRSMedLib.conversation import ANSWERED, Turn
from PRSMedLib.jobs import runToEnd
from PRSMedLib.nrrd import Image
from PRSMedLib.regions import maskOf
from PRSMedLib.server import Server, ServerInfo
from PRSMedPanel.answerSection import AnswerSection
from PRSMedPanel.askSection import AskSection
from PRSMedPanel.correctSection import CorrectSection
from PRSMedPanel.learnSection import LearnSection
from PRSMedPanel.sampleData import loadSample, registerSampleData
from PRSMedPanel.serverSection import ServerSection
from PRSMedPanel.tasks import Tasks


class PRSMed(ScriptedLoadableModule):
    """What Slicer knows of the module."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("PRS-Med")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Segmentation")]
        self.parent.dependencies = []
        self.parent.contributors = ["PRS-Med contributors"]
        self.parent.helpText = _(
            "Ask an image a question in words; a MONAI Label server of your own answers with a mask and a sentence "
            "that has been checked against it. Correct the mask, submit it, and the server learns from it. "
            "Research use only, not a medical device."
        )
        self.parent.acknowledgementText = _(
            "After PRS-Med (Position Reasoning Segmentation in Medical Imaging) and MedSeg-R. The server's models have "
            "licenses of their own, shown when they are imported; the one it starts with is Apache-2.0, as this is."
        )
        slicer.app.connect("startupCompleted()", registerSampleData)


@parameterNodeWrapper
class PRSMedParameterNode:
    """What is kept with the scene; the conversations are text nodes of their own."""

    # Color images too: they are derived from it.
    volume: vtkMRMLScalarVolumeNode


class PRSMedWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The panel: its sections, and what they share."""

    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = None
        self.tasks = None
        self._parameterNode = None
        self._sections = []

    def setup(self):
        """Build the panel."""
        ScriptedLoadableModuleWidget.setup(self)
        uiWidget = slicer.util.loadUI(self.resourcePath("UI/PRSMed.ui"))
        self.layout.addWidget(uiWidget)
        self.ui = slicer.util.childWidgetVariables(uiWidget)
        uiWidget.setMRMLScene(slicer.mrmlScene)
        self.tasks = Tasks()
        self.logic = PRSMedLogic()
        self.logic.consultation.start = self.tasks.start
        self.answerSection = AnswerSection(self)
        self.askSection = AskSection(self)
        self.correctSection = CorrectSection(self)
        self.learnSection = LearnSection(self)
        self.serverSection = ServerSection(self)
        self._sections = [self.answerSection, self.askSection, self.correctSection, self.learnSection]
        self.ui.volumeSelector.connect("currentNodeChanged(vtkMRMLNode*)", self._volumeChanged)
        scene = slicer.mrmlScene
        self.addObserver(scene, scene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(scene, scene.EndCloseEvent, self.onSceneEndClose)
        self.addObserver(scene, scene.EndImportEvent, self.onSceneEndClose)
        self.addObserver(scene, scene.NodeAboutToBeRemovedEvent, self.onNodeAboutToBeRemoved)
        self.addObserver(scene, scene.NodeRemovedEvent, self.onNodeRemoved)
        self.askSection.showViews()
        self.initializeParameterNode()
        self.refresh()

    def cleanup(self):
        """Slicer closes: let nothing come any more."""
        self.logic.consultation.cancel()
        self.answerSection.close()
        self.learnSection.close()
        self.tasks.close()
        self.removeObservers()

    def enter(self):
        """The user opens the module."""
        self.initializeParameterNode()
        self.askSection.showViews()
        self.serverSection.connectAgain()
        self.refresh()

    def exit(self):
        """The user goes to another module; a question under way is answered all the same."""

    def onReload(self):
        """Developers: Slicer reloads this file only."""
        for name in [name for name in sys.modules if name.split(".")[0] in ("PRSMedLib", "PRSMedPanel")]:
            del sys.modules[name]
        ScriptedLoadableModuleWidget.onReload(self)

    @property
    def volumeNode(self):
        """The chosen volume, or ``None``."""
        return self.ui.volumeSelector.currentNode()

    def chooseVolume(self, volumeNode):
        """Choose a volume and show it."""
        self.ui.volumeSelector.setCurrentNode(volumeNode)
        slicer.util.setSliceViewerLayers(background=volumeNode, fit=True)
        self.refresh()

    def refresh(self, caller=None, event=None):
        """Let every section show what is so now."""
        for section in self._sections:
            section.refresh()

    def disconnectFromServer(self):
        """Nobody is there to ask."""
        consultation = self.logic.consultation
        consultation.cancel()
        self.correctSection.cancel()
        consultation.server = consultation.info = None
        self._serverChanged()

    def connectedTo(self, server: Server, info: ServerInfo):
        """A server with PRS-Med answered."""
        self.logic.consultation.server, self.logic.consultation.info = server, info
        self._serverChanged()

    def askModelAgain(self):
        """The server has another model: show which, and its versions."""
        self.serverSection.askModelAgain()
        self.learnSection.askVersions()

    def initializeParameterNode(self):
        """Choose the volume that the scene's parameter node names, or the first there is."""
        self._parameterNode = self.logic.getParameterNode()
        chosen = self._parameterNode.volume or self.volumeNode
        if chosen is None:
            first = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLScalarVolumeNode")
            chosen = None if first is None or first.IsA("vtkMRMLLabelMapVolumeNode") else first
        self.ui.volumeSelector.setCurrentNode(chosen)
        self._parameterNode.volume = chosen

    def onSceneStartClose(self, caller, event):
        """The scene goes, and with it the question about it."""
        self.logic.consultation.forget()
        self.answerSection.close()
        self.correctSection.cancel()
        self._parameterNode = None

    def onSceneEndClose(self, caller, event):
        """There is another scene."""
        if self.parent.isEntered:
            self.initializeParameterNode()
        self.refresh()

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def onNodeAboutToBeRemoved(self, caller, event, node):
        """A volume goes, and with it the question about it."""
        if node.IsA("vtkMRMLVolumeNode"):
            self.logic.consultation.forget(node)

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def onNodeRemoved(self, caller, event, node):
        """What could be done with a segmentation that is gone cannot be done any more."""
        if node.IsA("vtkMRMLSegmentationNode") and not slicer.mrmlScene.IsClosing():
            self.refresh()

    def _volumeChanged(self, node):
        # The selector is not bound by the wrapper: that would take photographs off its list.
        if self._parameterNode is not None:
            self._parameterNode.volume = node
        self.askSection.volumeChanged()
        self.refresh()

    def _serverChanged(self):
        self.correctSection.showStrategies()
        self.learnSection.connected()
        self.refresh()


class PRSMedLogic(ScriptedLoadableModuleLogic):
    """The module without its panel."""

    def __init__(self):
        ScriptedLoadableModuleLogic.__init__(self)
        self.consultation = Consultation(runToEnd)

    def getParameterNode(self):
        """The scene's, wrapped."""
        return PRSMedParameterNode(super().getParameterNode())

    def askAndWait(self, address: str, volumeNode, sliceNode, question: str, token: str = "") -> Turn:
        """For scripts: ask about the slice a view shows, and wait for the answer.

        Args:
            address: The server's.
            volumeNode: The image.
            sliceNode: The view.
            question: In words.
            token: Key or token, where the server asks for one.

        Returns:
            The turn: its answer, and the ids of the segments that its mask became.

        Raises:
            PRSMedLib.problem.Problem: It cannot be asked; what fails on the way is told in the turn.
        """
        server = Server(address, token)
        consultation = Consultation(runToEnd, server=server, info=server.connect())
        consultation.ask(volumeNode, sliceNode, question)
        return consultation.current(volumeNode).turns[-1]


class PRSMedTest(ScriptedLoadableModuleTest):
    """What Slicer's own self-test runs; the rest of the tests is in the repository's tests/slicer_extension."""

    def setUp(self):
        """Begin with an empty scene."""
        slicer.mrmlScene.Clear()

    def runTest(self):
        """Run them all."""
        for test in (self.test_maskComesBackFromItsSegment, self.test_server):
            self.setUp()
            test()
        self.delayDisplay("PRS-Med: passed")

    def test_maskComesBackFromItsSegment(self):
        """A mask on an oblique volume becomes a segment, and the segment the same mask."""
        import numpy as np

        voxels = np.random.default_rng(0).integers(0, 100, (6, 20, 24)).astype(np.int16)
        volumeNode = slicer.util.addVolumeFromArray(voxels)
        matrix = np.array([[0.8, -0.6, 0, 5], [0.6, 0.8, 0, -7], [0, 0, 3, 11], [0, 0, 0, 1.0]])
        volumeNode.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(matrix))
        mask = np.zeros(voxels.shape, np.uint8)
        mask[2, 5:9, 10:15] = 1
        segments.addMask(volumeNode, maskOf(Image(mask, matrix)), {"tumor": 1}, "Where is it: left|right?")
        labels, names = segments.labelmapOf(segments.segmentationOf(volumeNode), volumeNode)
        assert names == {"tumor": 1}
        np.testing.assert_array_equal(labels.voxels, mask)

    def test_server(self):
        """Ask the server that PRSMED_SERVER names, where it does."""
        address = os.environ.get("PRSMED_SERVER")
        if not address:
            self.delayDisplay("PRSMED_SERVER names no server: nothing was asked", 500)
            return
        volumeNode = loadSample("PRSMedChestCT")
        sliceNode = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLSliceNode")
        views.align(volumeNode, sliceNode)
        turn = PRSMedLogic().askAndWait(address, volumeNode, sliceNode, "Where is the lung nodule?")
        assert turn.state == ANSWERED, turn.problem
