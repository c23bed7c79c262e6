"""The desk over a real folder and a real (tiny) model."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tiny_model import FOUND, MISSED

from monailabel_app.ask import AskTask
from monailabel_app.conversations import Conversations
from monailabel_app.datastore import StudyDatastore
from monailabel_app.next_study import Desk, Reader
from monailabel_app.next_study.leases import MOST
from monailabel_app.next_study.questions import fitting_question, usual_question
from monailabel_app.next_study.scorer import Scorer
from monailabel_app.next_study.scores import FILE, Scores
from monailabel_app.studies import VolumeCache
from monailabel_app.turns import Line
from prsmed.errors import PRSMedError
from prsmed.inference import Engine
from prsmed.learning.strategies import BLIND, STRATEGIES

ANN, BOB = Reader("ann"), Reader("bob")


class House:
    """Images in a folder, a model, a desk."""

    def __init__(self, folder: Path, model: Path, count: int, *, seconds: float = 1800) -> None:
        self.folder, self.seconds = folder, seconds
        folder.mkdir(exist_ok=True)
        for number in range(count):
            self.add(f"i{number:02}", number)
        self.datastore = StudyDatastore(str(folder))
        self.task = AskTask(Engine(model, device="cpu"), VolumeCache(1 << 20), Line(8), Conversations(8, 8, 60))
        self.begin()

    def begin(self, question: str = "") -> None:
        """As a server does when it starts."""
        self.is_training = False
        scores = Scores(self.folder / FILE)
        self.scorer = Scorer(self.task, self.datastore, scores, question, lambda: self.is_training)
        self.desk = Desk(self.datastore, self.task.volumes, self.scorer, self.seconds)

    def add(self, name: str, seed: int = 0) -> None:
        pixels = np.random.default_rng(seed).integers(0, 255, (48, 64, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(self.folder / f"{name}.png")

    def label(self, image: str, **info: Any) -> None:
        mask = self.folder.parent / "mask.png"
        Image.fromarray(np.zeros((48, 64), np.uint8)).save(mask)
        self.datastore.save_label(image, str(mask), "final", info)

    def score(self) -> None:
        """Start scoring, if it has not been, and wait until all is done."""
        if not self.scorer.is_running:
            self.scorer.start()
        wait_for(lambda: self.scorer.progress() == (self.scorer.progress()[1],) * 2)

    def close(self) -> None:
        self.scorer.stop()
        self.task.device.shutdown()
        self.datastore.close()


def wait_for(met: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


@pytest.fixture
def house(tmp_path: Path, model: Path) -> Iterator[Callable[..., House]]:
    made: list[House] = []

    def build(count: int = 3, **options: Any) -> House:
        made.append(House(tmp_path / "studies", model, count, **options))
        return made[-1]

    yield build
    for each in made:
        each.close()


@pytest.mark.parametrize("strategy", ["random", "first", "blend", "diversity"])
def test_twenty_readers_at_once_never_get_the_same_image(house: Callable[..., House], strategy: str) -> None:
    place = house(10)
    if strategy not in BLIND:
        place.score()
    start = threading.Barrier(20)

    def ask(number: int) -> dict[str, Any]:
        start.wait()
        return place.desk.next(strategy, Reader("ann", str(number)))

    with ThreadPoolExecutor(20) as pool:
        found = list(pool.map(ask, range(20)))
    given = [each["id"] for each in found if "id" in each]
    assert sorted(given) == [f"i{number:02}" for number in range(10)]
    assert {each["reason"] for each in found if "id" not in each} == {
        "All 10 unlabelled images are with other readers; the next comes free in 30 min at the latest."
    }


def test_who_asks_again_gets_another_and_then_the_same_again(house: Callable[..., House]) -> None:
    desk = house(3).desk
    assert [desk.next("first", ANN)["id"] for _ in range(2)] == ["i00", "i01"]
    assert desk.next("first", BOB)["id"] == "i02"
    again = [desk.next("first", ANN) for _ in range(3)]
    assert [each["id"] for each in again] == ["i00", "i01", "i00"]
    assert again[0]["reason"].startswith("You hold 2 images already, and nothing else is free")
    assert desk.next("first", BOB)["id"] == "i02"
    assert "id" not in desk.next("first", Reader("ann", "another window"))


def test_nobody_holds_everything(house: Callable[..., House]) -> None:
    desk = house(MOST + 2).desk
    given = [desk.next("first", ANN)["id"] for _ in range(MOST + 1)]
    assert len(set(given)) == MOST
    assert given[-1] == given[0]
    assert desk.next("first", BOB)["id"] == f"i{MOST:02}"


def test_a_final_label_frees_it_and_so_does_time(house: Callable[..., House]) -> None:
    place = house(2, seconds=0.3)
    assert [place.desk.next("first", reader)["id"] for reader in (ANN, BOB)] == ["i00", "i01"]
    place.label("i00")
    assert place.desk.next("first", Reader("cyd"))["reason"].startswith("The only image that is not labelled is with")
    time.sleep(0.35)
    assert place.desk.next("first", Reader("cyd"))["id"] == "i01"
    place.label("i01")
    assert place.desk.next("blend", ANN) == {"reason": "All 2 images are labelled."}
    place.datastore.remove_label("i00", "final")
    assert place.desk.next("first", ANN)["id"] == "i00"


def test_an_empty_folder(house: Callable[..., House]) -> None:
    assert "no images yet" in house(0).desk.next("random", ANN)["reason"]


def test_before_anything_is_scored_the_first_comes_and_says_so(house: Callable[..., House]) -> None:
    desk = house(3).desk
    found = desk.next("entropy", ANN)
    assert (found["id"], found["score"], found["strategy"]) == ("i00", None, "entropy")
    assert "is scored yet" in found["reason"]
    assert "question" not in found


def test_among_those_that_are_scored(house: Callable[..., House]) -> None:
    place = house(3)
    place.score()
    place.scorer.stop()
    place.add("a_new_one")
    place.datastore.refresh()
    found = place.desk.next("entropy", ANN)
    assert found["id"].startswith("i0")
    assert found["reason"].endswith("(3 of 4 images are scored so far).")


@pytest.mark.parametrize("strategy", sorted(set(STRATEGIES) - BLIND))
def test_a_reason_of_one_sentence(house: Callable[..., House], strategy: str) -> None:
    place = house(3)
    place.score()
    for reader, taken in ((ANN, 0), (BOB, 1)):
        found = place.desk.next(strategy, reader)
        assert found["question"] == "Where is the lesion?"
        assert isinstance(found["score"], float)
        assert found["lease_seconds"] == 1800
        assert found["reason"].endswith(".")
        assert found["reason"].count(". ") == 0
        assert "None" not in found["reason"]
        if strategy == "diversity":
            assert ("most typical" in found["reason"]) == (taken == 0)


def test_the_best_by_its_score_is_handed_out(house: Callable[..., House]) -> None:
    place = house(5)
    place.score()
    told = place.desk.scores()
    assert (told["done"], told["total"], told["running"], told["version"]) == (5, 5, True, "tiny-1")
    best = max(told["scores"], key=lambda image: told["scores"][image]["flip"])
    found = place.desk.next("flip", ANN)
    assert found["id"] == best
    assert found["score"] == pytest.approx(told["scores"][best]["flip"], abs=1e-4)


def test_unreadable_images_are_left_out_and_told(house: Callable[..., House]) -> None:
    place = house(2)
    (place.folder / "a_broken.png").write_bytes(b"no picture")
    place.datastore.refresh()
    found = place.desk.next("first", ANN)
    assert found["id"] == "i00"
    assert set(found["skipped"]) == {"a_broken"}
    place.score()
    assert "error" in place.desk.scores()["scores"]["a_broken"]
    place.desk.next("first", ANN)
    assert place.desk.next("first", BOB)["reason"].startswith(
        "All 2 unlabelled images are with other readers (1 cannot"
    )
    place.add("a_broken")  # mended
    assert place.desk.next("first", BOB)["id"] == "a_broken"


def test_an_image_deleted_behind_its_back_is_left_out(house: Callable[..., House]) -> None:
    place = house(2)
    (place.folder / "i00.png").unlink()
    assert place.desk.next("first", ANN)["id"] == "i01"


def test_a_restart_does_not_begin_anew(house: Callable[..., House]) -> None:
    place = house(3)
    place.score()
    place.scorer.stop()
    before = place.desk.scores()["scores"]
    kept = (place.folder / FILE).read_bytes()
    place.begin()
    place.task.device.submit(lambda: None).result()
    place.score()
    for image, row in place.desk.scores()["scores"].items():
        assert row == pytest.approx(before[image], abs=1e-3)
    place.scorer.stop()
    assert (place.folder / FILE).read_bytes() == kept, "nothing was looked at again"


def test_only_what_is_new_is_looked_at(house: Callable[..., House]) -> None:
    place = house(2)
    place.score()
    before = {image: place.scorer.found(image, "") for image in ("i00", "i01")}
    place.add("i01", seed=77)
    place.add("late")
    place.datastore.refresh()
    wait_for(lambda: place.scorer.found("late", "") is not None)
    wait_for(lambda: place.scorer.found("i01", "") is not before["i01"])
    assert place.scorer.found("i00", "") is before["i00"]


def test_a_new_version_of_the_model_begins_anew(house: Callable[..., House], model: Path, tmp_path: Path) -> None:
    place = house(3)
    place.score()
    newer = Path(shutil.copytree(model, tmp_path / "newer"))
    told = json.loads((newer / "manifest.json").read_text())
    engine = Engine(newer, device="cpu")
    engine.manifest = replace(engine.manifest, version="tiny-2", sha256="f" * len(told["sha256"]))
    place.task.swap(engine)
    assert place.scorer.progress()[0] < 3
    assert "is scored yet" in place.desk.next("entropy", ANN)["reason"]
    place.score()
    assert place.desk.scores()["version"] == "tiny-2"
    assert place.scorer.scores.version.version == "tiny-2"


def test_a_training_comes_before_scoring(house: Callable[..., House]) -> None:
    home = house(3)
    home.is_training = True
    home.scorer.start()
    time.sleep(0.5)
    assert home.scorer.progress()[0] == 0
    home.is_training = False
    home.score()
    assert home.scorer.progress() == (3, 3)


def test_a_question_waits_for_one_slice_at_most(house: Callable[..., House]) -> None:
    """While one is in the house nothing is scored, however long it takes."""
    place = house(30)
    with place.task.line.turn(ticket := place.task.line.join("ann")):
        place.scorer.start()
        wait_for(lambda: place.scorer.scores.version.version == "tiny-1")
        time.sleep(0.3)
        assert place.scorer.progress()[0] == 0
    assert place.scorer.progress()[0] == 0, "it still holds its ticket"
    place.task.line.leave(ticket)
    wait_for(lambda: place.scorer.progress()[0] > 0)
    place.scorer.stop()
    assert not place.scorer.is_running


def test_the_question_of_a_request_is_scored_beside_the_usual_one(house: Callable[..., House]) -> None:
    place = house(2)
    place.score()
    found = place.desk.next("presence", ANN, MISSED)
    assert "is scored yet" in found["reason"]
    wait_for(lambda: all(place.scorer.found(image, MISSED) for image in ("i00", "i01")))
    found = place.desk.next("presence", BOB, MISSED)
    assert found["question"] == MISSED
    assert "stone" in found["reason"]
    assert place.scorer.found("i00", "") is not None


def test_the_question_of_a_request_is_scored_before_the_rest(house: Callable[..., House]) -> None:
    place = house(20)
    names = [f"i{number:02}" for number in range(20)]
    with place.task.line.turn(ticket := place.task.line.join("ann")):
        place.scorer.start()
        wait_for(lambda: place.scorer.scores.version.version == "tiny-1")
        place.scorer.want(MISSED)
    place.task.line.leave(ticket)
    wait_for(lambda: place.scorer.progress()[0] > 1)
    assert all(place.scorer.found(name, MISSED) for name in names)


def test_what_readers_ask_most_is_asked(house: Callable[..., House]) -> None:
    place = house(5)
    place.score()
    for image, info in (
        ("i00", {"question": "Where is the cyst?"}),
        ("i01", {"params": {"question": MISSED}}),
        ("i02", {"question": MISSED, "params": {"question": "x" * 999}}),
        ("i03", {"question": ["nonsense"], "params": "text"}),
    ):
        place.label(image, **info)
    assert usual_question(place.datastore) == MISSED
    wait_for(lambda: place.scorer.question == MISSED and place.scorer.found("i04", MISSED) is not None)
    assert place.desk.next("presence", ANN)["question"] == MISSED
    place.scorer.stop()
    place.begin(FOUND)
    assert place.scorer.question == FOUND


@pytest.mark.parametrize(("modality", "word"), [("MR", "tumour"), ("US", "mass"), ("ES", "polyp"), ("", "lesion")])
def test_a_question_that_fits_the_kind_of_image(modality: str, word: str) -> None:
    assert word in fitting_question(modality)


@pytest.mark.parametrize(
    ("strategy", "prompt", "code"),
    [
        ("luck", None, "unknown_strategy"),
        ("entropy", 3, "bad_params"),
        ("entropy", ["a"], "bad_params"),
        ("random", "x" * 201, "question_too_long"),
        ("first", "a\x07b", "control_characters"),
        ("first", "  ", "empty_question"),
    ],
)
def test_refused(house: Callable[..., House], strategy: str, prompt: object, code: str) -> None:
    place = house(1)
    with pytest.raises(PRSMedError) as caught:
        place.desk.next(strategy, ANN, prompt)
    assert caught.value.code == code
    assert place.desk.next("first", BOB)["id"] == "i00", "nothing was taken"
