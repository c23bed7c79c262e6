from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from evaluation_set import tiny_model, tiny_unet

from prsmed.data import Conversation, fit_square, read_image
from prsmed.errors import PRSMedError
from prsmed.evaluation.answering import ask
from prsmed.model.prsmed import PRSMed
from prsmed.position.confidence import confident_regions


@pytest.fixture(scope="module")
def model() -> PRSMed:
    return tiny_model()


def test_a_list_is_answered_as_one_by_one(model: PRSMed, asked: list[Conversation], image_root: Path) -> None:
    together = list(ask(model, asked, image_root))
    assert [answered.conversation for answered in together] == asked
    assert len(asked) > 16  # more than a batch
    for answered in together:
        [alone] = ask(model, [answered.conversation], image_root)
        assert alone.prediction.text == answered.prediction.text
        assert alone.prediction.presence == pytest.approx(answered.prediction.presence, abs=1e-4)
        assert (alone.prediction.mask != answered.prediction.mask).mean() < 0.001
        np.testing.assert_array_equal(answered.prediction.raw_mask, answered.prediction.probability >= 0.5)


def test_the_truth_is_the_mask_of_what_is_asked(model: PRSMed, asked: list[Conversation], image_root: Path) -> None:
    for answered in ask(model, asked, image_root):
        pixels, mask, _ = fit_square(*read_image(answered.conversation.record, image_root), 64)
        np.testing.assert_array_equal(answered.pixels, pixels)
        present = answered.conversation.turn.present
        np.testing.assert_array_equal(answered.true_mask, (mask > 0) & present)


@pytest.mark.parametrize(("threshold", "says_present"), [(0.0, True), (1.1, False)])
def test_the_presence_judgement_empties_masks(
    asked: list[Conversation], image_root: Path, threshold: float, says_present: bool
) -> None:
    judging = tiny_model()
    judging.config = replace(judging.config, presence_threshold=threshold, mask_threshold=0.0)
    for answered in ask(judging, asked[:3], image_root):
        said = answered.prediction
        assert said.raw_mask.all()
        assert said.says_present is says_present
        assert said.mask.all() if says_present else not said.mask.any()


def test_a_unet_draws_and_says_nothing(asked: list[Conversation], image_root: Path) -> None:
    unet = tiny_unet()
    [answered] = ask(unet, asked[:1], image_root)
    said = answered.prediction
    assert (said.text, said.presence, said.says_present) == (None, None, None)
    pixels = torch.from_numpy(answered.pixels).permute(2, 0, 1)[None] / 255
    with torch.no_grad():
        probability = unet(pixels).sigmoid()[0, 0].numpy()
    np.testing.assert_allclose(said.probability, probability, atol=1e-5)
    np.testing.assert_array_equal(said.raw_mask, probability >= 0.5)
    np.testing.assert_array_equal(said.mask, confident_regions(said.raw_mask, probability, 0.95))


def test_a_present_target_needs_a_mask(model: PRSMed, asked: list[Conversation], image_root: Path) -> None:
    first = next(item for item in asked if item.turn.present)
    wrong = replace(first, record=replace(first.record, mask=None))
    with pytest.raises(PRSMedError, match=first.id) as error:
        list(ask(model, [wrong], image_root))
    assert error.value.code == "bad_conversation"
