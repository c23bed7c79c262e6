"""Answers that point: several masks of one answer, their names, and models that draw after they have spoken."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from prsmed.imaging import ImageSlice, Volume
from prsmed.inference import Answer, Engine, MaskEvent, TokenEvent
from prsmed.inference.pointed import name_targets, put_together
from prsmed.model.checkpoint import save_checkpoint
from prsmed.model.prsmed import PRSMed

SAID = "the liver [SEG] and the tumour [SEG]."


@pytest.fixture
def engine(make_tiny: Callable[..., PRSMed], tmp_path: Path) -> Engine:
    model = make_tiny(
        condition_on="seg", answer_from="prompt", max_answer_tokens=40, presence_threshold=0.0, mask_threshold=0.0
    )
    save_checkpoint(model, tmp_path / "tiny", "tiny-1")
    return Engine.load(tmp_path / "tiny", device="cpu")


@pytest.fixture
def says(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Make the model say a text, again and again."""
    language = engine._ready().language

    def make(text: str) -> None:
        ids = language.encode_answers([text]).ids[0].tolist()

        def steps() -> Iterator[int]:
            while True:
                yield from ids

        running = steps()
        width = language.vocabulary + 1
        wanted = lambda hidden: torch.nn.functional.one_hot(torch.tensor([next(running)]), width).float()  # noqa: E731
        monkeypatch.setattr(language, "logits", wanted)

    return make


def test_each_target_has_its_label_its_name_and_its_findings(
    engine: Engine, says: Callable[[str], None], image_slice: ImageSlice
) -> None:
    says(SAID)
    answer = engine.ask(image_slice, "What is where?")
    assert answer.text == "the liver and the tumour."
    assert answer.label_names == {"liver": 1, "tumour": 2}
    assert set(np.unique(answer.mask)) <= {1, 2}
    assert {(finding.name, finding.label) for finding in answer.findings} <= {("liver", 1), ("tumour", 2)}
    assert answer.findings


def test_words_come_before_the_mask_that_they_point_at(
    engine: Engine, says: Callable[[str], None], image_slice: ImageSlice
) -> None:
    says(SAID)
    events = list(engine.stream(image_slice, "What is where?"))
    kinds = [type(event) for event in events]
    assert kinds[-2:] == [MaskEvent, Answer]
    assert set(kinds[:-2]) == {TokenEvent}


def test_who_declines_shows_nothing(engine: Engine, says: Callable[[str], None], image_slice: ImageSlice) -> None:
    says("there is no polyp.")
    answer = engine.ask(image_slice, "Where is the polyp?")
    assert not answer.mask.any()
    assert answer.findings == ()
    assert answer.label_names == {}
    assert answer.probability.shape == image_slice.shape


def test_a_volume_has_one_label_of_all_that_is_pointed_at(
    engine: Engine, volume: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    language = engine._ready().language
    ids = language.encode_answers(["the tumour [SEG]."]).ids[0].tolist()
    step = iter(range(10_000))

    def wanted(hidden: torch.Tensor) -> torch.Tensor:
        token = torch.full((len(hidden),), ids[next(step) % len(ids)])
        return torch.nn.functional.one_hot(token, language.vocabulary + 1).float()

    monkeypatch.setattr(language, "logits", wanted)
    answer = engine.ask_volume(volume, "Where is the tumour?")
    assert answer.mask.shape == volume.shape
    assert answer.label_names == {"tumour": 1}
    assert answer.mask.any()


@pytest.mark.parametrize(
    ("pieces", "question", "names"),
    [
        (["the liver", "and the tumour", ""], "show me", ["liver", "tumour"]),
        (["It is here", ""], "Where is the polyp?", ["polyp"]),
        (["one nodule", "another nodule", "and a third nodule", "."], "?", ["nodule", "nodule #2", "nodule #3"]),
        (["nothing of the kind"], "Where is the polyp?", []),
    ],
)
def test_names_are_what_stands_before_the_token(pieces: list[str], question: str, names: list[str]) -> None:
    assert name_targets(pieces, question) == names


def test_where_masks_overlap_the_surer_one_has_the_pixel(image_slice: ImageSlice) -> None:
    shape = image_slice.shape
    rows, mask = np.arange(shape[0])[:, None], np.ones(shape, np.uint8)
    low, high = np.full(shape, 0.6, np.float32), np.where(rows < 3, 0.9, 0.55).astype(np.float32)
    high = np.broadcast_to(high, shape).copy()
    drawn = put_together([(mask, low), (mask, high)], ["a", "b"], image_slice, 0.2)
    assert np.array_equal(drawn.mask, np.where(np.broadcast_to(rows, shape) < 3, 2, 1))
    assert np.array_equal(drawn.probability, np.maximum(low, high))
