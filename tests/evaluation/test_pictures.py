from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
from evaluation_set import absent, outcome
from PIL import Image

from prsmed.data import Conversation
from prsmed.evaluation.outcome import Answered, Prediction, judge
from prsmed.evaluation.pictures import PREDICTED_COLOR, TRUE_COLOR, choose, draw


def test_best_median_worst_and_the_largest_false_mask() -> None:
    scores = {"a": 0.3, "b": 0.9, "c": 0.5, "d": 0.1, "e": 0.2}
    outcomes = [outcome(id=name, dice=score) for name, score in scores.items()]
    outcomes += [absent(id="f"), absent(id="g", mask_share=0.1), absent(id="h", mask_share=0.2)]
    outcomes += [outcome(id="i", modality="lung_ct"), absent(id="j", modality="skin_dermoscopy")]
    assert choose(outcomes) == {"b": "best", "a": "median", "d": "worst", "h": "false mask", "i": "best"}


def test_outlines_lie_on_the_edges_of_their_masks(asked: list[Conversation]) -> None:
    item = next(item for item in asked if item.turn.present)
    true, predicted = np.zeros((64, 64), dtype=bool), np.zeros((64, 64), dtype=bool)
    true[8:24, 8:24] = True
    predicted[40:56, 32:48] = True
    pixels = np.full((64, 64, 3), 77, np.uint8)
    answered = Answered(item, pixels, true, Prediction(predicted, predicted))
    judged = judge(answered)
    other = replace(answered, conversation=replace(item, id="unasked"))
    [picture] = draw([other, answered], [judged], {item.id: "worst"})
    assert picture.tag == "worst"
    drawn = np.array(Image.open(io.BytesIO(picture.png)))
    scale = drawn.shape[0] // 64
    for color, top, left in ((TRUE_COLOR, 8, 8), (PREDICTED_COLOR, 40, 32)):
        rows, cols = np.nonzero((drawn == color).all(axis=2))
        assert (rows.min(), cols.min()) == (top * scale, left * scale)
        assert (rows.max() + 1, cols.max() + 1) == ((top + 16) * scale, (left + 16) * scale)
    assert tuple(drawn[16 * scale, 16 * scale]) == (77,) * 3  # inside stays visible


def test_pictures_stand_by_modality_best_first(asked: list[Conversation], image_root: Path) -> None:
    mask = np.ones((64, 64), dtype=bool)
    pixels = np.zeros((64, 64, 3), np.uint8)
    answers = [Answered(item, pixels, mask & item.turn.present, Prediction(mask, mask)) for item in asked]
    outcomes = [judge(answered) for answered in answers]
    pictures = draw(reversed(answers), outcomes, choose(outcomes))
    keys = [(picture.outcome.modality, picture.tag) for picture in pictures]
    modalities = sorted({item.record.modality for item in asked})
    expected = [(modality, tag) for modality in modalities for tag in ("best", "median", "worst", "false mask")]
    assert keys == [key for key in expected if key in keys]
    assert {tag for _, tag in keys} == {"best", "median", "worst", "false mask"}
