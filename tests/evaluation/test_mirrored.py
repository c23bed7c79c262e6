from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from evaluation_set import tiny_model, tiny_unet

from prsmed.data import Conversation
from prsmed.evaluation.mirrored import FLIPS, Flip, ask_mirrored, compare_mirrored, mirror_tables, mirrorable
from prsmed.evaluation.outcome import Prediction
from prsmed.model.prsmed import PRSMed


def said(mask: np.ndarray, text: str | None = None, says_present: bool | None = True) -> Prediction:
    return Prediction(mask, mask, says_present=says_present, text=text)


def box(top: int, left: int) -> np.ndarray:
    mask = np.zeros((8, 8), dtype=bool)
    mask[top : top + 2, left : left + 4] = True
    return mask


@pytest.mark.parametrize(
    ("flip", "back"), [("left-right", box(0, 4)), ("top-bottom", box(6, 0)), ("both ways", box(6, 4))]
)
def test_a_mask_that_mirrors_overlaps_fully(flip: Flip, back: np.ndarray, asked: list[Conversation]) -> None:
    found = compare_mirrored(asked[0], flip, said(box(0, 0)), said(back))
    assert (found.dice, found.iou) == (1.0, 1.0)


def test_overlaps_are_those_counted_by_hand(asked: list[Conversation]) -> None:
    still = compare_mirrored(asked[0], "left-right", said(box(0, 1)), said(box(0, 1)))  # columns 1..4 and 3..6
    assert (still.dice, still.iou) == (4 / 8, 2 / 6)
    nothing = np.zeros((8, 8), dtype=bool)
    for pair in ((nothing, box(0, 1)), (box(0, 1), nothing)):
        lost = compare_mirrored(asked[0], "both ways", *map(said, pair))
        assert (lost.dice, lost.iou) == (0.0, 0.0)
    assert compare_mirrored(asked[0], "both ways", said(nothing), said(nothing)).dice is None


TEXTS = [
    ("left-right", "It is in the top left.", "It is in the top right.", True),
    ("left-right", "It is in the top left.", "It is in the top left.", False),
    ("top-bottom", "It is in the top left.", "It is in the bottom left.", True),
    ("both ways", "It is in the top left.", "It is in the bottom right.", True),
    ("both ways", "It is in the center.", "It is in the center.", True),
    ("left-right", "One in the top left and one in the top right.", "In the top left and in the top right.", True),
    ("left-right", "It is in the top left.", "There is no tumour.", False),
    ("left-right", "There is no tumour.", "There is no tumour.", None),
]


@pytest.mark.parametrize(("flip", "straight", "mirrored", "expected"), TEXTS, ids=[str(n) for n in range(len(TEXTS))])
def test_zones_mirror(flip: Flip, straight: str, mirrored: str, expected: bool, asked: list[Conversation]) -> None:
    found = compare_mirrored(asked[0], flip, said(box(0, 0), straight), said(box(0, 0), mirrored))
    assert found.zones is expected


def test_questions_about_absent_targets_and_with_sides_are_left_out(asked: list[Conversation]) -> None:
    present = next(one for one in asked if one.turn.present)
    worded = [
        replace(present, turns=(replace(present.turn, question=question),))
        for question in ("Is it in the upper lobe?", "Where in the left lung?", "Is it right or left?", "Where is it?")
    ]
    missing = [one for one in asked if not one.turn.present]
    assert missing
    assert mirrorable([*worded, *missing]) == worded[3:]


def test_a_limit_is_of_each_modality_and_spread(asked: list[Conversation]) -> None:
    everything = mirrorable(asked)
    for modality in {one.record.modality for one in everything}:
        own = [one for one in everything if one.record.modality == modality]
        few = [one for one in mirrorable(asked, 2) if one.record.modality == modality]
        assert few == [own[len(own) // 4], own[3 * len(own) // 4]]


def test_a_model_that_draws_everywhere_is_consistent(asked: list[Conversation], image_root: Path) -> None:
    model = tiny_model()
    model.config = replace(model.config, presence_threshold=0.0, mask_threshold=0.0)
    three = list(ask_mirrored(model, mirrorable(asked), image_root))
    assert [[one.flip for one in each] for each in three] == [list(FLIPS)] * len(mirrorable(asked))
    assert {(one.dice, one.iou, one.presence) for each in three for one in each} == {(1.0, 1.0, True)}
    told = {table.title: table.to_json() for table in mirror_tables([one for each in three for one in each])}
    assert list(told) == ["Mirrored left-right", "Mirrored top-bottom", "Mirrored both ways"]
    assert told["Mirrored both ways"]["macro"]["Dice"]["value"] == 1.0
    assert told["Mirrored both ways"]["macro"]["Dice"]["n"] == len(three)


class Thresholding(torch.nn.Module):
    """Logits that are the brightness: what it draws mirrors with the picture, unless it is blind on the left."""

    def __init__(self, is_biased: bool) -> None:
        super().__init__()
        self.is_biased = is_biased

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        logits = pixels.mean(dim=1, keepdim=True) * 20 - 15
        if self.is_biased:
            logits[..., : logits.shape[-1] // 2] = -15.0
        return logits


@pytest.mark.parametrize("is_biased", [False, True], ids=["mirrors", "blind on the left"])
def test_only_a_model_that_mirrors_scores_one(is_biased: bool, asked: list[Conversation], image_root: Path) -> None:
    unet = tiny_unet()
    thresholding = Thresholding(is_biased)
    unet.forward = thresholding.forward  # type: ignore[method-assign]
    found = [one for each in ask_mirrored(unet, mirrorable(asked), image_root) for one in each]
    assert {one.presence for one in found} == {None}
    scores = {flip: [one.dice for one in found if one.flip == flip and one.dice is not None] for flip in FLIPS}
    assert scores["top-bottom"] == [1.0] * len(scores["top-bottom"])
    if is_biased:
        assert np.mean(scores["left-right"]) < 0.5
    else:
        assert {score for own in scores.values() for score in own} == {1.0}


def test_each_mirroring_is_of_the_picture(
    asked: list[Conversation], image_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import prsmed.evaluation.mirrored as module

    seen: list[np.ndarray] = []
    real = module.predict

    def spy(model: PRSMed, pixels: torch.Tensor, questions: list[str]) -> list[Prediction]:
        seen.append(pixels.numpy())
        return real(model, pixels, questions)

    monkeypatch.setattr(module, "predict", spy)
    list(ask_mirrored(tiny_model(), mirrorable(asked)[:1], image_root))
    straight = seen[0]
    expected = (straight, straight[..., ::-1], straight[:, :, ::-1], straight[:, :, ::-1, ::-1])
    for pixels, true in zip(seen, expected, strict=True):
        np.testing.assert_array_equal(pixels, true)
