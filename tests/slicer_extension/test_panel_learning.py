"""Correct, submit, next study, train, versions: the panel against a real server that really learns."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from panel_driving import Driver
from running import serve

from prsmed.imaging import read_volume, write_demo_studies
from prsmed.learning.gate import Score, compare
from prsmed.learning.registry import Registry
from prsmed.learning.version import VersionFacts
from prsmed.model.checkpoint import find_checkpoint
from PRSMedLib.problem import Problem

pytestmark = pytest.mark.slow

NODULE = "Where is the lung nodule?"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    return Registry(tmp_path_factory.mktemp("registry"), find_checkpoint("nano"))


@pytest.fixture(scope="module")
def learner(tmp_path_factory: pytest.TempPathFactory, registry: Registry) -> Iterator[str]:
    """A server of its own, since it changes."""
    folder = tmp_path_factory.mktemp("learner")
    write_demo_studies(folder / "studies")
    settings = {"PRSMED_STATE": str(folder / "state"), "PRSMED_VERSIONS": str(registry.folder)}
    for server in serve(folder / "studies", Path("nano"), folder / "log", **settings):
        yield server.url


@pytest.fixture
def driver(host: Any, learner: str) -> Driver:
    driver = Driver(host)
    assert "Model nano" in driver.connect(learner)
    return driver


def add_version(registry: Registry, work: Path, *, is_good: bool) -> str:
    """A version that the gate promotes or rejects; its weights are nano's."""
    live = registry.live().name
    copy = shutil.copytree(find_checkpoint("nano"), work / registry.next_name())
    version = registry.add(copy, VersionFacts(live, corrections=7))
    before = [Score(str(case), "lesions", str(case), dice=0.5) for case in range(20)]
    after = [Score(str(case), "lesions", str(case), dice=0.6 if is_good else 0.3) for case in range(20)]
    registry.decide(version.name, compare(after, before), "trainer", live)
    return version.name


def submit(driver: Driver, answer: str = "Yes") -> str:
    """Press Submit, answer the box, and what the panel says in the end."""
    driver.host.answers.append(answer)
    driver.ui.submitButton.click()
    driver.host.pump(lambda: driver.ui.submitButton.enabled, 60)
    return str(driver.ui.correctStatusLabel.text)


def next_study(driver: Driver, strategy: str) -> Any:
    driver.ui.strategyComboBox.currentText = strategy
    before = driver.panel.volumeNode
    driver.ui.nextButton.click()
    driver.host.pump(lambda: driver.ui.nextButton.enabled, 60)
    assert driver.panel.volumeNode is not before
    return driver.panel.volumeNode


def label_of(address: str, image: str, folder: Path) -> tuple[Any, dict[str, Any]]:
    """The final label as the server keeps it, and what is known about it."""
    by = {"label": image, "tag": "final"}
    response = requests.get(f"{address}/datastore/label", params=by, timeout=30)
    response.raise_for_status()
    name = response.headers["content-disposition"].split('filename="')[1].strip('"')
    file = folder / name
    file.write_bytes(response.content)
    info = requests.get(f"{address}/datastore/label/info", params=by, timeout=30).json()
    return read_volume(file), info


def test_correct_opens_segment_editor_with_our_segment(driver: Driver) -> None:
    import slicer

    from PRSMedLib import segments

    volume = driver.sample("PRSMedChestCT")
    driver.show(volume, 21)
    turn = driver.ask(NODULE)
    driver.ui.correctButton.click()
    assert driver.host.selectedModule == "SegmentEditor"
    editor = slicer.util.getModuleWidget("SegmentEditor").editor
    assert editor.segmentationNode() is segments.segmentationOf(volume)
    assert editor.sourceVolumeNode() is volume
    assert editor.currentSegmentID() == turn.segmentIds[-1]
    overwrite = editor.mrmlSegmentEditorNode().GetOverwriteMode()
    assert overwrite == slicer.vtkMRMLSegmentEditorNode.OverwriteNone


def test_a_corrected_segment_becomes_the_server_s_final_label(driver: Driver, learner: str, tmp_path: Path) -> None:
    import slicer

    from PRSMedLib import segments

    volume = driver.sample("PRSMedChestCT")
    driver.show(volume, 21)
    turn = driver.ask(NODULE)
    node = segments.segmentationOf(volume)
    corrected = np.zeros(slicer.util.arrayFromVolume(volume).shape, np.uint8)
    corrected[20:23, 60:70, 50:64] = 1
    slicer.util.updateSegmentBinaryLabelmapFromArray(corrected, node, turn.segmentIds[0], volume)
    assert submit(driver, "No") == "Nothing was sent."
    assert "learns from it" in submit(driver)
    box = driver.host.boxes[-1].text
    assert "will be added" in box
    image = driver.study(volume)
    kept, info = label_of(learner, image, tmp_path)
    np.testing.assert_array_equal(kept.voxels, corrected.transpose(2, 1, 0))
    (name,) = segments.labelmapOf(node, volume)[1]
    assert info["label_names"] == {name: 1}
    assert (info["question"], info["answer"]) == (NODULE, turn.answer.text)
    assert info["view"]["slice"] == 21
    # Once more, corrected again: the image is there now, and the newest label counts.
    corrected[20] = 0
    slicer.util.updateSegmentBinaryLabelmapFromArray(corrected, node, turn.segmentIds[0], volume)
    submit(driver)
    assert "will be added" not in driver.host.boxes[-1].text
    kept, _info = label_of(learner, image, tmp_path)
    np.testing.assert_array_equal(kept.voxels, corrected.transpose(2, 1, 0))


def test_the_question_of_a_hidden_mask_is_not_what_was_corrected(driver: Driver, learner: str, tmp_path: Path) -> None:
    from PRSMedLib import segments

    volume = driver.sample("PRSMedChestCT")
    driver.show(volume, 21)
    driver.ask(NODULE)
    driver.show(volume, 20)
    hidden = driver.ask("Is there a lung nodule?")
    display = segments.segmentationOf(volume).GetDisplayNode()
    for segment in hidden.segmentIds:
        display.SetSegmentVisibility(segment, False)
    submit(driver)
    _kept, info = label_of(learner, driver.study(volume), tmp_path)
    assert (info["question"], info["view"]["slice"]) == (NODULE, 21)


def test_a_submission_that_outlives_its_scene_marks_nothing(driver: Driver, learner: str) -> None:
    volume = driver.sample("PRSMedChestCT")
    driver.show(volume, 21)
    driver.ask(NODULE)
    driver.host.answers.append("Yes")
    driver.ui.submitButton.click()
    driver.host.closeScene()
    assert driver.ui.correctStatusLabel.text == "Cancelled."
    other = driver.sample("PRSMedChestCT")
    driver.host.pump(lambda: not driver.panel.tasks._jobs, 60)
    assert driver.study(other) is None
    assert driver.ui.nextButton.enabled


def test_half_a_study_is_not_left_behind(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    import slicer

    from PRSMedLib import learning

    def broken(server: Any, image: str, folder: Path, received: Any) -> Path:
        (folder / "image.nrrd").write_bytes(b"half")
        raise Problem("lost", "broken off")

    monkeypatch.setattr(learning, "download", broken)
    driver.ui.nextButton.click()
    driver.host.pump(lambda: driver.ui.correctStatusLabel.text == "broken off", 30)
    driver.host.pump(lambda: not [*Path(slicer.app.temporaryPath).glob("prsmed-*")], 10)


def test_that_nothing_is_there_can_be_submitted_too(driver: Driver, learner: str, tmp_path: Path) -> None:
    from PRSMedLib import segments

    volume = driver.sample("PRSMedBrainMR")
    node = segments.makeSegmentation(volume)
    driver.panel.refresh()
    driver.ui.submitButton.click()
    assert "No segment is visible" in driver.ui.correctStatusLabel.text
    node.GetSegmentation().AddEmptySegment("tumor", "tumor")
    assert "learns from it" in submit(driver)
    assert "that tumor is not in" in driver.host.boxes[-1].text
    kept, info = label_of(learner, driver.study(volume), tmp_path)
    assert not kept.voxels.any()
    assert info["label_names"] == {"tumor": 1}


def test_the_next_study_comes_with_its_reason_and_is_not_sent_back(
    driver: Driver, learner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import slicer

    from PRSMedLib import consultation

    def never(*arguments: object) -> None:
        raise AssertionError("the image was sent")

    monkeypatch.setattr(consultation, "sendForAWhile", never)
    volume = next_study(driver, "first")
    assert driver.study(volume)
    assert driver.ui.correctStatusLabel.text
    # Its file is gone, so it belongs to the scene and is saved with it.
    assert volume.GetStorageNode() is None
    assert volume.GetModifiedSinceRead()
    slices = volume.GetImageData().GetDimensions()[2]
    driver.show(volume, slices // 2)
    assert driver.ask("Is there a tumour?").state == "answered"
    assert not [*Path(slicer.app.temporaryPath).glob("prsmed-*")]


def test_versions_are_shown_promoted_and_rolled_back(driver: Driver, registry: Registry, tmp_path: Path) -> None:
    ui, table = driver.ui, driver.ui.versionsTable
    ui.correctCollapsibleButton.collapsed = False

    def rows() -> dict[str, str]:
        return {table.item(row, 0).text(): table.item(row, 1).text() for row in range(table.rowCount)}

    def choose(name: str) -> None:
        table.selectRow(list(rows()).index(name))

    good, bad = (add_version(registry, tmp_path, is_good=is_good) for is_good in (True, False))
    ui.refreshVersionsButton.click()
    driver.host.pump(lambda: bad in rows(), 30)
    assert (rows()["nano-1"], rows()[good], rows()[bad]) == ("kept", "live", "rejected")
    choose(bad)
    assert not ui.promoteButton.enabled
    choose("nano-1")
    driver.host.answers.append("Yes")
    ui.promoteButton.click()
    driver.host.pump(lambda: ui.trainStatusLabel.text == "nano-1 is live now.", 30)
    driver.host.pump(lambda: "Model nano-1." in ui.serverStatusLabel.text, 30)
    driver.host.answers.append("Yes")
    ui.rollBackButton.click()
    driver.host.pump(lambda: ui.trainStatusLabel.text == f"{good} is live now.", 30)
    driver.host.pump(lambda: rows()[good] == "live", 30)
    driver.host.answers.append("No")
    ui.rollBackButton.click()
    driver.host.step()
    assert rows()[good] == "live"


def test_training_shows_its_curve_and_can_be_stopped(driver: Driver, pictures: Path) -> None:
    ui = driver.ui
    volume = driver.sample("PRSMedChestCT")
    driver.show(volume, 21)
    driver.ask(NODULE)
    submit(driver)
    ui.correctCollapsibleButton.collapsed = False
    ui.trainButton.click()
    driver.host.pump(lambda: ui.stopTrainingButton.enabled, 60)
    assert not ui.trainButton.enabled
    said: list[str] = []
    driver.host.pump(lambda: said.append(ui.trainStatusLabel.text) or len(driver.panel.learnSection.curve) > 1, 240)
    assert any(text.startswith("Step") for text in said)
    for section in (ui.serverCollapsibleButton, ui.askCollapsibleButton, ui.answerCollapsibleButton):
        section.collapsed = True
    driver.picture(pictures / "panel_learning.png", height=620)
    ui.stopTrainingButton.click()
    driver.host.pump(lambda: ui.trainButton.enabled, 60)
    assert "Stopped" in ui.trainStatusLabel.text
    driver.show(volume, 20)
    assert driver.ask(NODULE).state == "answered"
