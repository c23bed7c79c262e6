"""The panel with real Qt widgets, the real Slicer core and a real server: ask, stream, cancel, undo, scenes."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from panel_driving import Driver

pytestmark = pytest.mark.slow

NODULE = "Where is the lung nodule?"


@pytest.fixture
def driver(host: Any) -> Driver:
    return Driver(host)


def test_an_answer_becomes_words_a_verdict_and_a_segment_on_its_slice(driver: Driver, nano_server: str) -> None:
    import slicer

    from PRSMedLib import segments

    assert "PRS-Med" in driver.connect(nano_server)
    volume = driver.sample("PRSMedChestCT")
    driver.show(volume, 21)
    turn = driver.ask(NODULE)
    assert turn.state == "answered"
    assert turn.scope == "axial slice 21"
    assert driver.said == ""
    assert NODULE in driver.page
    assert turn.answer.text in driver.page
    assert any(verdict in driver.page for verdict in ("words and mask agree", "words and mask disagree"))
    node = segments.segmentationOf(volume)
    (segment,) = turn.segmentIds
    array = slicer.util.arrayFromSegmentBinaryLabelmap(node, segment, volume)
    assert set(np.flatnonzero(array.any(axis=(1, 2)))) == {21}
    assert turn.answer.findings[0].size.split()[0] in driver.page


def test_the_view_never_blocks_and_the_mask_is_there_before_the_words(driver: Driver, nano_server: str) -> None:
    driver.connect(nano_server)
    volume = driver.sample("PRSMedChestCT")
    driver.show(volume, 21)
    changes: list[tuple[bool, str]] = []
    consultation = driver.panel.logic.consultation
    shown = consultation.onChanged

    def note() -> None:
        shown()
        turn = driver.turns[-1]
        changes.append((bool(turn.segmentIds), turn.answer.text))

    consultation.onChanged = note
    driver.type(NODULE)
    # Loading requests, building the scene's nodes: the first time costs more.
    assert driver.press_ask() < 0.5
    assert driver.isBusy
    assert not driver.ui.askButton.enabled
    assert driver.ui.cancelButton.enabled
    driver.wait()
    assert (True, "") in changes
    words = [text for has_mask, text in changes if has_mask and text]
    assert len(set(words)) > 3
    assert all(later.startswith(earlier) for earlier, later in itertools.pairwise(words))


def test_the_image_goes_over_once(driver: Driver, nano_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import slicer

    from PRSMedLib import consultation

    sent: list[int] = []
    send = consultation.sendForAWhile

    def counted(server: Any, name: str, content: bytes, tell: Any) -> Any:
        sent.append(len(content))
        return send(server, name, content, tell)

    monkeypatch.setattr(consultation, "sendForAWhile", counted)
    driver.connect(nano_server)
    volume = driver.sample("PRSMedChestCT")
    assert driver.ask(NODULE).state == "answered"
    driver.show(volume, 20)
    assert driver.ask("Is there a tumour?").problem == ""
    assert len(sent) == 1
    # Another image now, though the node is the same.
    slicer.util.arrayFromVolume(volume)[:] += 1
    slicer.util.arrayFromVolumeModified(volume)
    assert driver.ask(NODULE).problem == ""
    assert len(sent) == 2
    # What the server forgot is sent again.
    driver.know(volume, session_id="00000000-0000-0000-0000-000000000000")
    assert driver.ask(NODULE).problem == ""
    assert len(sent) == 3


def test_undo_takes_back_the_newest_answer_in_one_step(driver: Driver, nano_server: str) -> None:
    from PRSMedLib import segments

    driver.connect(nano_server)
    volume = driver.sample("PRSMedChestCT")
    driver.show(volume, 21)
    first = driver.ask(NODULE).segmentIds
    driver.show(volume, 20)
    second = driver.ask(NODULE).segmentIds
    node = segments.segmentationOf(volume)
    assert [*node.GetSegmentation().GetSegmentIDs()] == [*first, *second]
    driver.ui.undoButton.click()
    assert [*node.GetSegmentation().GetSegmentIDs()] == first
    driver.ui.undoButton.click()
    assert [*node.GetSegmentation().GetSegmentIDs()] == []
    assert not driver.ui.undoButton.enabled


def test_what_was_corrected_by_hand_is_not_undone_unasked(driver: Driver, nano_server: str) -> None:
    import slicer

    from PRSMedLib import segments

    driver.connect(nano_server)
    volume = driver.sample("PRSMedChestCT")
    driver.show(volume, 21)
    turn = driver.ask(NODULE)
    node = segments.segmentationOf(volume)
    corrected = np.zeros(slicer.util.arrayFromVolume(volume).shape, np.uint8)
    corrected[20:23, 60:70, 50:64] = 1
    slicer.util.updateSegmentBinaryLabelmapFromArray(corrected, node, turn.segmentIds[0], volume)
    for answer, left in (("No", 1), ("Yes", 0)):
        driver.host.answers.append(answer)
        driver.ui.undoButton.click()
        assert "changed since it came" in driver.host.boxes[-1].text
        assert node.GetSegmentation().GetNumberOfSegments() == left


def test_a_finding_that_is_clicked_is_shown_and_flashes(driver: Driver, nano_server: str) -> None:
    import qt
    import slicer

    from PRSMedLib import segments

    driver.connect(nano_server)
    volume = driver.sample("PRSMedChestCT")
    driver.show(volume, 21)
    turn = driver.ask(NODULE)
    driver.show(volume, 3)
    driver.ui.conversationBrowser.anchorClicked.emit(qt.QUrl("finding:0/0"))
    ijk = turn.answer.findings[0].centroidIjk
    ras = np.array([-2.48, -2.48, 4.54]) * ijk + [172.97, 213.62, -63.55]
    offset = slicer.app.layoutManager().sliceWidget("Red").mrmlSliceNode().GetSliceOffset()
    assert abs(offset - ras[2]) < 0.5
    display = segments.segmentationOf(volume).GetDisplayNode()
    segment = turn.segmentIds[0]
    usual = display.GetSegmentOpacity2DFill(segment)
    seen: set[float] = set()
    flash = driver.panel.answerSection._flash
    driver.host.pump(lambda: seen.add(display.GetSegmentOpacity2DFill(segment)) or not flash._before, 5)
    assert len(seen) >= 2
    assert display.GetSegmentOpacity2DFill(segment) == usual
    driver.ui.conversationBrowser.anchorClicked.emit(qt.QUrl("finding:7/7"))


def test_the_conversation_is_kept_with_the_scene(driver: Driver, nano_server: str, tmp_path: Path) -> None:
    import slicer

    from PRSMedLib import segments

    driver.connect(nano_server)
    volume = driver.sample("PRSMedChestCT")
    driver.show(volume, 21)
    question = "Where is the lung nodule (left|right)?"
    before = driver.ask(question)
    labels = segments.labelmapOf(segments.segmentationOf(volume), volume)[0].voxels
    file = tmp_path / "scene.mrb"
    assert slicer.util.saveScene(str(file))
    driver.host.closeScene()
    assert "appear here" in driver.page
    assert driver.panel.volumeNode is None
    slicer.util.loadScene(str(file))
    driver.host.step()
    assert driver.panel.volumeNode is not None
    (after,) = driver.turns
    assert after == before
    assert question in driver.page
    again = driver.panel.volumeNode
    np.testing.assert_array_equal(segments.labelmapOf(segments.segmentationOf(again), again)[0].voxels, labels)
    driver.ui.undoButton.click()
    assert driver.turns[0].isUndone


def test_report_and_label_map(driver: Driver, nano_server: str) -> None:
    import slicer

    driver.connect(nano_server)
    volume = driver.sample("PRSMedChestCT")
    driver.show(volume, 21)
    turn = driver.ask(NODULE)
    driver.ui.copyButton.click()
    text = slicer.app.clipboard().text()
    assert NODULE in text
    assert turn.answer.text in text
    assert text.endswith("Not a medical device.")
    driver.ui.exportButton.click()
    label = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLLabelMapVolumeNode")
    assert set(np.unique(slicer.util.arrayFromVolume(label))) == {0, 1}


def test_whole_volume_and_range_tell_how_far_they_are(driver: Driver, nano_server: str) -> None:
    driver.connect(nano_server)
    volume = driver.sample("PRSMedChestCT")
    driver.show(volume, 21)
    said: list[str] = []
    progress = driver.panel.logic.consultation.onProgress

    def note(text: str, share: float | None) -> None:
        progress(text, share)
        said.append(driver.said)

    driver.panel.logic.consultation.onProgress = note
    driver.ui.scopeComboBox.currentIndex = 1
    assert (driver.ui.firstSliceSpinBox.value, driver.ui.lastSliceSpinBox.value) == (16, 26)
    turn = driver.ask(NODULE)
    assert turn.scope == "axial slices 16 to 26"
    assert turn.answer.view["slice_range"] == [16, 26]
    assert "Slice 11 of 11 ..." in said
    driver.ui.scopeComboBox.currentIndex = 2
    turn = driver.ask(NODULE)
    assert turn.answer.view["slice_range"] == [0, 28]
    driver.ui.scopeComboBox.currentIndex = 1
    driver.ui.firstSliceSpinBox.value, driver.ui.lastSliceSpinBox.value = 9, 3
    count = len(driver.turns)
    driver.press_ask()
    assert "first before last" in driver.said
    assert len(driver.turns) == count


def test_a_photograph_has_no_slices_to_choose(driver: Driver, nano_server: str) -> None:
    import slicer
    from panel_paths import MODULE
    from PIL import Image as Pillow

    driver.connect(nano_server)
    pixels = np.asarray(Pillow.open(MODULE / "Resources" / "SampleData" / "skin_photo.png"))[np.newaxis].copy()
    volume = slicer.util.addVolumeFromArray(pixels, nodeClassName="vtkMRMLVectorVolumeNode")
    volume.SetIJKToRASDirections(-1, 0, 0, 0, -1, 0, 0, 0, 1)
    driver.panel.chooseVolume(volume)
    turn = driver.ask("Where is the skin lesion?")
    assert turn.state == "answered"
    assert turn.answer.findings
    assert turn.answer.findings[0].patientSide is None
    assert turn.segmentIds


def test_questions_are_offered_and_remembered(driver: Driver, nano_server: str) -> None:
    driver.connect(nano_server)
    driver.sample("PRSMedChestCT")
    driver.ask("Is there a kidney stone? & more")
    menu = driver.ui.suggestionsButton.menu()
    menu.aboutToShow.emit()
    offered = [action.text for action in menu.actions()]
    assert offered[0] == "Is there a kidney stone? && more"
    assert NODULE in offered
    menu.actions()[0].trigger()
    assert driver.ui.questionTextEdit.plainText == "Is there a kidney stone? & more"


def test_control_and_enter_ask(driver: Driver, nano_server: str) -> None:
    import qt

    driver.connect(nano_server)
    volume = driver.sample("PRSMedChestCT")
    driver.show(volume, 21)
    driver.type(NODULE)
    driver.ui.questionTextEdit.setFocus()
    shortcuts = driver.ui.questionTextEdit.findChildren(qt.QShortcut)
    assert {shortcut.key.toString() for shortcut in shortcuts} == {"Ctrl+Return", "Ctrl+Enter"}
    shortcuts[0].activated.emit()
    driver.wait()
    assert driver.turns[-1].state == "answered"


def test_the_plain_server_answers_too(driver: Driver, stock_server: str) -> None:
    assert "one piece" in driver.connect(stock_server)
    volume = driver.sample("PRSMedChestCT")
    driver.show(volume, 21)
    turn = driver.ask(NODULE)
    assert turn.state == "answered"
    assert turn.segmentIds
    assert json.loads(json.dumps(turn.answer.toJson()))["text"] == turn.answer.text


def test_the_phantoms_are_listed_and_load(driver: Driver) -> None:
    listed = [source for source in driver.host.registered if source["category"] == "PRS-Med"]
    assert len(listed) == 3
    volumes = [node for source in listed[:2] for node in source["customDownloader"](None)]
    assert [volume.GetName() for volume in volumes] == [source["nodeNames"] for source in listed[:2]]
    for source in listed:
        assert Path(source["thumbnailFileName"]).is_file()
        assert Path(source["uris"].removeprefix("file://")).name == source["fileNames"]


def test_it_connects_by_itself_where_one_connected_before(driver: Driver, nano_server: str) -> None:
    import slicer

    slicer.util.selectModule("SegmentEditor")
    slicer.util.selectModule("PRSMed")
    assert driver.ui.serverStatusLabel.text == "Not connected."
    driver.connect(nano_server)
    again = Driver(driver.host)
    driver.host.pump(lambda: "Connected" in again.ui.serverStatusLabel.text, 30)
