"""What goes wrong, as the user sees it; and that a sound scene is left each time."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from panel_driving import Driver
from running import serve
from test_panel_server import http, reply, self_signed

from prsmed.imaging import write_demo_studies

pytestmark = pytest.mark.slow

NODULE = "Where is the lung nodule?"


@pytest.fixture
def driver(host: Any) -> Driver:
    return Driver(host)


@pytest.fixture
def mortal_server(tmp_path: Path) -> Iterator[Any]:
    """A server that may be killed."""
    write_demo_studies(tmp_path / "studies")
    yield from serve(tmp_path / "studies", Path("nano"), tmp_path / "log", PRSMED_STATE=str(tmp_path / "state"))


@pytest.fixture(scope="module")
def locked_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """A server that asks who one is, and alice's key."""
    from monailabel_app.guard.api_keys import add_key

    folder = tmp_path_factory.mktemp("locked")
    write_demo_studies(folder / "studies")
    key = add_key(folder / "keys", "alice", "annotator")
    settings = {"PRSMED_API_KEYS": str(folder / "keys"), "PRSMED_STATE": str(folder / "state")}
    for server in serve(folder / "studies", Path("nano"), folder / "log", **settings):
        yield server.url, key


def ask_all(driver: Driver) -> Any:
    """Ask a question that takes a while, and return as soon as it is under way."""
    driver.ui.scopeComboBox.currentIndex = 2
    driver.type(NODULE)
    driver.press_ask()
    assert driver.isBusy
    return driver.panel.volumeNode


def no_segments() -> bool:
    import slicer

    nodes = slicer.util.getNodesByClass("vtkMRMLSegmentationNode")
    return not any(node.GetSegmentation().GetNumberOfSegments() for node in nodes)


def test_a_wrong_address_is_told_and_nothing_is_asked(driver: Driver) -> None:
    assert "No server listens" in driver.connect("http://127.0.0.1:9")
    assert "is no address" in driver.connect("not an address")
    driver.sample("PRSMedChestCT")
    driver.type(NODULE)
    driver.press_ask()
    assert "Connect to a server first" in driver.said


def test_a_certificate_that_is_not_trusted_is_told(driver: Driver, tmp_path: Path) -> None:
    def nothing(handler: BaseHTTPRequestHandler) -> None:
        raise AssertionError("something was sent")

    with http(nothing, self_signed(tmp_path)) as address:
        assert "certificate" in driver.connect(address)


def test_without_a_key_the_server_is_shut_and_with_it_open(driver: Driver, locked_server: tuple[str, str]) -> None:
    address, key = locked_server
    assert "enter your key" in driver.connect(address)
    assert "enter your key" in driver.connect(address, "prsmed_wrong")
    assert "Connected" in driver.connect(address, key)
    driver.sample("PRSMedChestCT")
    assert driver.ask(NODULE).state == "answered"
    # Remembered with the address, and not for another.
    from PRSMedPanel import preferences

    assert preferences.token(address) == key
    assert preferences.token("http://127.0.0.1:8000") == ""


NOT_QUESTIONS = {"empty": ("", "Type a question"), "blank": ("   ", "Type a question"), "long": ("x" * 2001, "2001")}


@pytest.mark.parametrize(("typed", "said"), NOT_QUESTIONS.values(), ids=NOT_QUESTIONS)
def test_what_is_no_question_is_told_and_not_sent(driver: Driver, nano_server: str, typed: str, said: str) -> None:
    driver.connect(nano_server)
    driver.sample("PRSMedChestCT")
    driver.type(typed)
    driver.press_ask()
    assert said in driver.said
    assert not driver.isBusy
    assert driver.turns == []


def test_without_a_volume_one_is_asked_for(driver: Driver, nano_server: str) -> None:
    driver.connect(nano_server)
    driver.type(NODULE)
    driver.press_ask()
    assert "Choose the volume" in driver.said


def test_a_view_across_the_slices_is_refused_and_align_view_is_the_cure(driver: Driver, nano_server: str) -> None:
    import slicer

    driver.connect(nano_server)
    volume = driver.sample("PRSMedChestCT")
    node = slicer.app.layoutManager().sliceWidget("Red").mrmlSliceNode()
    tilted = np.array([[-1, 0, 0], [0, 0.9848, 0.1736], [0, -0.1736, 0.9848]])
    for row in range(3):
        for column in range(3):
            node.GetSliceToRAS().SetElement(row, column, tilted[row, column])
    node.UpdateMatrices()
    driver.type(NODULE)
    driver.press_ask()
    assert "Align view" in driver.said
    assert driver.turns == []
    driver.ui.alignButton.click()
    assert driver.ask(NODULE).state == "answered"
    driver.show(volume, 500)
    driver.press_ask()
    assert "Scroll" in driver.said


def test_an_image_the_server_no_longer_has_is_sent_to_it(driver: Driver, nano_server: str) -> None:
    driver.connect(nano_server)
    volume = driver.sample("PRSMedChestCT")
    driver.know(volume, image="long gone")
    assert driver.ask(NODULE).state == "answered"
    assert driver.study(volume) is None


def test_nor_is_it_sent_to_another_computer_unasked(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    from PRSMedLib import server as servers

    def unknown(handler: BaseHTTPRequestHandler) -> None:
        assert handler.command == "POST", "the image was sent"
        reply(404, b'{"error": {"code": "unknown_image", "message": "there is no such image"}}')(handler)

    monkeypatch.setattr(servers.Server, "isThisComputer", False)
    with http(unknown) as address:
        server = servers.Server(address)
        driver.panel.connectedTo(server, servers.ServerInfo("X", "", (), canStream=False, canTrain=False))
        volume = driver.sample("PRSMedChestCT")
        driver.know(volume, image="long gone")
        turn = driver.ask(NODULE)
        assert turn.state == "failed"
        assert "there is no such image" in driver.page
        assert driver.host.boxes == []
        # Now it is known to be missing, and one is asked.
        driver.host.answers.append("No")
        driver.press_ask()
        assert driver.said == "Nothing was sent."


def test_cancel_ends_it_here_and_at_the_server(driver: Driver, nano_server: str) -> None:
    driver.connect(nano_server)
    driver.sample("PRSMedChestCT")
    ask_all(driver)
    driver.host.pump(lambda: "Slice" in driver.said, 30)
    driver.ui.cancelButton.click()
    assert not driver.isBusy
    assert driver.turns[-1].state == "cancelled"
    assert "Cancelled" in driver.page
    deadline = time.monotonic() + 10
    while requests.get(f"{nano_server}/queue", timeout=10).json()["running"] and time.monotonic() < deadline:
        driver.host.step()
        time.sleep(0.05)
    assert requests.get(f"{nano_server}/queue", timeout=10).json()["running"] == 0
    assert no_segments()
    driver.ui.scopeComboBox.currentIndex = 0
    assert driver.ask(NODULE).state == "answered"


def test_a_server_that_is_killed_in_the_middle(driver: Driver, mortal_server: Any) -> None:
    driver.connect(mortal_server.url)
    driver.sample("PRSMedChestCT")
    ask_all(driver)
    driver.host.pump(lambda: "Slice" in driver.said, 30)
    os.kill(mortal_server.pid, signal.SIGKILL)
    driver.wait(30)
    assert driver.turns[-1].state == "failed"
    assert "See whether the server still runs" in driver.said
    assert driver.ui.askButton.enabled
    driver.press_ask()
    driver.wait(30)
    assert "No server listens" in driver.said


def test_a_mask_whose_words_never_come_is_kept(driver: Driver, nano_server: str) -> None:
    """The true beginning of an answer, cut off after its mask."""
    driver.connect(nano_server)
    driver.sample("PRSMedChestCT")
    body = {"prompt": NODULE, "slice": 21, "result_extension": ".nrrd"}
    stream = requests.post(f"{nano_server}/ask/chest_ct", json=body, timeout=60).content
    until_mask = stream.partition(b"event: token")[0]
    pages = {"/info/": requests.get(f"{nano_server}/info/", timeout=60).content, "/health": b"{}"}

    def answer(handler: BaseHTTPRequestHandler) -> None:
        is_question = handler.command == "POST"
        content = until_mask if is_question else pages[handler.path]
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(content) + 1000 * is_question))
        handler.end_headers()
        handler.wfile.write(content)

    with http(answer) as address:
        driver.connect(address)
        driver.know(driver.panel.volumeNode, image="chest_ct")
        turn = driver.ask(NODULE)
    assert turn.state == "interrupted"
    assert turn.segmentIds
    assert "the mask was kept" in driver.page
    # Half an answer is no report.
    assert not driver.ui.copyButton.enabled
    driver.ui.undoButton.click()
    assert no_segments()


def test_a_volume_that_is_deleted_while_its_answer_is_awaited(driver: Driver, nano_server: str) -> None:
    import slicer

    driver.connect(nano_server)
    volume = driver.sample("PRSMedChestCT")
    ask_all(driver)
    slicer.mrmlScene.RemoveNode(volume)
    assert not driver.isBusy
    assert "deleted" in driver.said
    driver.host.pump(lambda: not driver.panel.tasks._jobs, 30)
    assert no_segments()
    driver.sample("PRSMedBrainMR")
    driver.ui.scopeComboBox.currentIndex = 0
    assert driver.ask("Where is the brain tumour?").state == "answered"


def test_a_scene_that_is_closed_while_an_answer_is_awaited(driver: Driver, nano_server: str) -> None:
    import slicer

    driver.connect(nano_server)
    driver.sample("PRSMedChestCT")
    ask_all(driver)
    driver.host.closeScene()
    assert not driver.isBusy
    driver.host.pump(lambda: not driver.panel.tasks._jobs, 30)
    assert slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLSegmentationNode") is None
    driver.sample("PRSMedBrainMR")
    driver.ui.scopeComboBox.currentIndex = 0
    assert driver.ask("Where is the brain tumour?").state == "answered"


def test_a_segmentation_that_is_deleted_while_an_answer_is_awaited(driver: Driver, nano_server: str) -> None:
    import slicer

    from PRSMedLib import segments

    driver.connect(nano_server)
    volume = driver.sample("PRSMedChestCT")
    driver.show(volume, 21)
    driver.ask(NODULE)
    ask_all(driver)
    slicer.mrmlScene.RemoveNode(segments.segmentationOf(volume))
    driver.wait()
    assert driver.turns[-1].state == "answered"
    ids = [*segments.segmentationOf(volume).GetSegmentation().GetSegmentIDs()]
    assert ids == driver.turns[-1].segmentIds


def test_another_module_may_be_opened_meanwhile(driver: Driver, nano_server: str) -> None:
    import slicer

    driver.connect(nano_server)
    driver.sample("PRSMedChestCT")
    ask_all(driver)
    slicer.util.selectModule("SegmentEditor")
    driver.wait()
    assert driver.turns[-1].state == "answered"
    slicer.util.selectModule("PRSMed")
    assert driver.turns[-1].answer.text in driver.page


def test_slicer_may_be_closed_meanwhile(driver: Driver, nano_server: str) -> None:
    driver.connect(nano_server)
    driver.sample("PRSMedChestCT")
    ask_all(driver)
    # What is left to do is done by the fixture: exit, cleanup, deletion of the panel; no error may be seen.


def test_before_an_image_leaves_the_computer_one_is_asked_once(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    from PRSMedLib.server import Server, ServerInfo
    from PRSMedPanel import preferences

    server = Server("http://pacs.example.invalid:8000")
    driver.panel.connectedTo(server, ServerInfo("X", "", (), canStream=False, canTrain=False))
    driver.sample("PRSMedChestCT")
    driver.type(NODULE)
    driver.host.answers.append("No")
    driver.press_ask()
    (box,) = driver.host.boxes
    assert "pacs.example.invalid" in box.text
    assert "not encrypted" in box.text
    assert driver.said == "Nothing was sent."
    assert not preferences.hasConsented(server)
    driver.host.answers.append("Yes")
    driver.press_ask()
    driver.wait(60)
    assert "no computer called so" in driver.said
    driver.press_ask()
    driver.wait(60)
    assert len(driver.host.boxes) == 2
    driver.ui.addressLineEdit.text = server.address
    driver.ui.forgetButton.click()
    assert not preferences.hasConsented(server)
    assert driver.panel.logic.consultation.server is None


def test_an_empty_volume_is_told(driver: Driver, nano_server: str) -> None:
    import slicer

    driver.connect(nano_server)
    driver.panel.chooseVolume(slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "nothing"))
    driver.type(NODULE)
    driver.press_ask()
    assert "nothing has no voxels" in driver.said
