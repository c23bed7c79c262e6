"""The stand-ins, with a small scripted module of their own (`probe_module`)."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

MODULE = Path(__file__).parent / "probe_module" / "Probe.py"


@pytest.fixture
def probe(host: Any) -> Any:
    return host.loadModule(MODULE)


def in_thread(work: Any) -> list[Exception]:
    """What the work raises in a thread of its own."""
    raised: list[Exception] = []

    def run() -> None:
        try:
            work()
        except Exception as error:
            raised.append(error)

    worker = threading.Thread(target=run)
    worker.start()
    worker.join(10)
    return raised


def test_properties_are_attributes(host: Any) -> None:
    import qt

    line = qt.QLineEdit("text")
    line.text = "other"
    line.enabled = False
    assert (line.text, line.enabled, line.visible, line.name) == ("other", False, False, "")
    with pytest.raises(TypeError, match="not callable"):
        line.text()
    with pytest.raises(AttributeError, match="no property 'txt'"):
        line.txt = "a slip"
    with pytest.raises(AttributeError, match="not writable"):
        line.width = 3
    timer = qt.QTimer()
    timer.singleShot = True
    assert timer.singleShot
    assert qt.QComboBox().count == 0


@pytest.mark.parametrize("name", ["Signal", "Slot", "Property", "QtCore"])
def test_what_pythonqt_lacks_is_absent(host: Any, name: str) -> None:
    import qt

    assert not hasattr(qt, name)


def test_connect_checks_the_signature(host: Any) -> None:
    import qt

    button, heard = qt.QPushButton("Ask"), []

    def bare() -> None:
        heard.append("bare")

    button.connect("clicked()", bare)
    button.connect("clicked(bool)", bare)
    button.connect("clicked( bool )", heard.append)
    button.connect("clicked()", button, "setFocus()")
    button.click()
    assert heard == ["bare", "bare", False]
    assert button.disconnect("clicked(bool)", bare)
    button.click()
    assert heard[3:] == ["bare", False]
    for wrong in ("clicked(int)", "pressd()", "currentIndexChanged(QString)"):
        with pytest.raises(ValueError, match="has no signal"):
            button.connect(wrong, bare)


def test_unknown_widgets_say_so(host: Any, tmp_path: Path) -> None:
    import ctk
    import slicer

    with pytest.raises(NotImplementedError, match="ctkDoubleRangeSlider"):
        ctk.ctkDoubleRangeSlider()
    file = tmp_path / "Odd.ui"
    file.write_text('<ui version="4.0"><class>W</class><widget class="ctkOdd" name="W"/></ui>')
    with pytest.raises(NotImplementedError, match="ctkOdd"):
        slicer.util.loadUI(str(file))


def test_module_answers_on_the_main_thread(host: Any, probe: Any) -> None:
    import slicer

    assert [(each["category"], each["sampleName"]) for each in host.registered] == [("Probe", "Phantom")]
    assert slicer.util.getModuleWidget("Probe") is probe
    assert (host.selectedModule, probe.entered) == ("Probe", 1)
    probe.ui.question.text = "where is it?"
    host.answers.append("Yes")
    probe.ui.askButton.click()
    host.pump(lambda: probe.ui.answer.plainText == "WHERE IS IT?")
    assert [box.text for box in host.boxes] == ["Send the image?"]
    assert host.processEventsCount == 0


def test_message_boxes_are_recorded_and_answered(host: Any, probe: Any) -> None:
    host.answers.append("No")
    probe.ui.askButton.click()
    assert [(box.kind, box.text, box.detail) for box in host.boxes] == [
        ("Question", "Send the image?", ""),
        ("Critical", "Not sent.", "by choice"),
    ]
    probe.ui.askButton.click()  # nobody answers
    (error,) = host.takeErrors()
    assert "waits for an answer" in error


def test_own_test_of_the_module_runs(host: Any, probe: Any) -> None:
    import slicer

    slicer.modules.probe.module.runTest()
    assert host.processEventsCount == 1  # delayDisplay's


def test_parameter_node_binds_both_ways_and_outlives_the_scene(host: Any, probe: Any, tmp_path: Path) -> None:
    import numpy as np
    import slicer

    ui, parameters = probe.ui, probe.parameters
    volume = slicer.util.addVolumeFromArray(np.zeros((2, 3, 4), np.int16), name="head")
    assert (ui.opacity.value, ui.flash.checked, ui.first.value, ui.scope.count) == (0.5, True, 1, 2)
    ui.question.text, ui.first.value, ui.opacity.value = "left|right?", 7, 0.2
    ui.flash.checked = False
    ui.scope.setCurrentText("volume")
    ui.volumeSelector.setCurrentNode(volume)
    assert (parameters.question, parameters.first, parameters.opacity) == ("left|right?", 7, pytest.approx(0.2))
    assert (parameters.flash, parameters.scope.name, parameters.volume) == (False, "volume", volume)
    parameters.first = 9
    assert ui.first.value == 9
    assert probe.changes >= 7
    with pytest.raises(TypeError, match="first is a int"):
        parameters.first = "9"
    with pytest.raises(AttributeError, match="no parameter 'frist'"):
        parameters.frist = 9

    saved = tmp_path / "scene.mrb"
    assert slicer.util.saveScene(str(saved))
    host.closeScene()
    assert ui.answer.plainText == "closed"
    assert (ui.question.text, ui.volumeSelector.currentNode()) == ("", None)
    slicer.util.loadScene(str(saved))
    again = type(parameters)(probe.logic.getParameterNode())
    assert (again.question, again.first, again.scope.name) == ("left|right?", 9, "volume")
    assert again.volume.GetName() == "head"
    assert ui.question.text == "left|right?"
    again.disconnectGui(again.connectGui(ui))
    assert ui.volumeSelector.currentNode() is again.volume
    ui.volumeSelector.setCurrentNode(None)  # still bound by the panel itself
    assert again.volume is None


def test_node_combo_box_follows_the_scene(host: Any, probe: Any) -> None:
    import slicer

    selector, heard = probe.ui.volumeSelector, []
    selector.connect("currentNodeChanged(vtkMRMLNode*)", heard.append)
    first = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "first")
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "labels")
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTextNode", "text")
    assert selector.nodeCount() == 1
    assert selector.currentNode() is None  # "none" may be chosen, so nothing is chosen
    selector.noneEnabled = False
    assert selector.currentNode() is first
    second = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "second")
    selector.currentNodeID = second.GetID()
    slicer.mrmlScene.RemoveNode(second)
    assert selector.currentNode() is first
    assert heard == [first, second, first]


def test_scene_and_widgets_belong_to_the_main_thread(host: Any, probe: Any) -> None:
    import main_thread
    import qt
    import slicer

    for work in (
        lambda: slicer.mrmlScene.Clear(False),
        lambda: slicer.util.getNode("x"),
        lambda: probe.ui.question.setText("x"),
        lambda: setattr(probe.ui.question, "text", "x"),
        lambda: qt.QLabel("x"),
        lambda: qt.QTimer(),
    ):
        (raised,) = in_thread(work)
        assert isinstance(raised, main_thread.WrongThread)
    assert len(host.takeErrors()) == 6  # they would have failed this test


def test_errors_in_slots_observers_and_threads_are_seen(host: Any) -> None:
    import qt
    import slicer

    def fail(*_: Any) -> None:
        raise LookupError("unseen")

    button = qt.QPushButton("a")
    button.connect("clicked()", fail)
    button.click()
    tag = slicer.mrmlScene.AddObserver(slicer.vtkMRMLScene.NodeAddedEvent, fail)
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTextNode")
    slicer.mrmlScene.RemoveObserver(tag)
    worker = threading.Thread(target=fail)
    worker.start()
    worker.join()
    errors = host.takeErrors()
    assert len(errors) == 3
    assert all("LookupError: unseen" in error for error in errors)


def test_segment_editor_undoes_one_step(host: Any) -> None:
    import numpy as np
    import slicer

    volume = slicer.util.addVolumeFromArray(np.zeros((4, 5, 6), np.int16))
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    node.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    segment = node.GetSegmentation().AddEmptySegment("tumour")
    slicer.util.selectModule("SegmentEditor")
    editor = slicer.modules.SegmentEditorWidget.editor
    editor.setSegmentationNode(node)
    editor.setSourceVolumeNode(volume)
    editor.setCurrentSegmentID(segment)
    assert slicer.modules.SegmentEditorWidget.parameterSetNode.GetSelectedSegmentID() == segment
    editor.saveStateForUndo()
    slicer.util.updateSegmentBinaryLabelmapFromArray(np.ones((4, 5, 6), np.uint8), node, segment, volume)
    assert slicer.util.arrayFromSegmentBinaryLabelmap(node, segment, volume).sum() == 120
    editor.undo()
    assert slicer.util.arrayFromSegmentBinaryLabelmap(node, segment, volume).sum() == 0


def test_panel_picture(host: Any, probe: Any, tmp_path: Path) -> None:
    from PIL import Image

    probe.ui.askSection.collapsed = True
    assert not probe.ui.question.visible
    host.screenshot(probe, tmp_path / "closed.png")
    probe.ui.askSection.collapsed = False
    assert probe.ui.question.visible
    host.screenshot(probe, tmp_path / "open.png", width=300)
    low, high = (Image.open(tmp_path / f"{name}.png") for name in ("closed", "open"))
    assert high.width == 300
    assert high.height > low.height
    assert len(high.getcolors(100_000)) > 20  # text and frames, not one grey
