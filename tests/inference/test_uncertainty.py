"""Doubts of the model about an image."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.stats import entropy

from prsmed.errors import PRSMedError
from prsmed.imaging import Volume
from prsmed.inference import MEASURES, Uncertainty, measure, merge, spread_slices
from prsmed.inference.uncertainty import _distance
from prsmed.model.prsmed import PRSMed
from prsmed.position.agreement import Agreement

ASKED = "where is the polyp?"


@pytest.fixture(scope="module")
def pixels() -> torch.Tensor:
    return torch.rand((3, 3, 64, 64), generator=torch.Generator().manual_seed(0))


def test_no_image_depends_on_its_neighbours(make_tiny: Callable[..., PRSMed], pixels: torch.Tensor) -> None:
    model = make_tiny()
    questions = [ASKED, "where is the left polyp in this image?", "is there a polyp at the top?"]
    together = measure(model, pixels, questions)
    for row, found in enumerate(together):
        (alone,) = measure(model, pixels[row : row + 1], questions[row : row + 1])
        assert found.scores == pytest.approx(alone.scores, abs=1e-4)
        assert (found.text_zone, found.mask_zone) == (alone.text_zone, alone.mask_zone)
        np.testing.assert_allclose(found.features, alone.features, atol=1e-5)
        assert np.linalg.norm(found.features) == pytest.approx(1)
        assert set(found.scores) == set(MEASURES)
        assert all(0 <= value <= 1 for value in found.scores.values())
    assert len({round(found.scores["dropout"], 6) for found in together}) == 3


def test_the_same_every_time_and_only_what_is_wanted(make_tiny: Callable[..., PRSMed], pixels: torch.Tensor) -> None:
    model = make_tiny()
    first, second = (measure(model, pixels, [ASKED] * 3, ["dropout", "flip"]) for _ in range(2))
    assert [found.scores for found in first] == [found.scores for found in second]
    assert list(first[0].scores) == ["dropout", "flip"]


def test_entropy_is_that_of_pixels_that_may_be_target(make_tiny: Callable[..., PRSMed], pixels: torch.Tensor) -> None:
    model = make_tiny()
    with torch.no_grad():
        model.decoder.head.weight.mul_(4)
        model.decoder.head.bias.sub_(2)
        seen = model.see(pixels)
        prompt = model.read(seen, model.language.encode_questions([ASKED] * 3))
        drawn = model.segment(seen.features, prompt, 64).mask_logits.sigmoid().double().numpy()
    for found, p in zip(measure(model, pixels, [ASKED] * 3, ["entropy"]), drawn, strict=True):
        may_be = p[p >= 0.05]
        assert 0 < len(may_be) < p.size
        assert found.scores["entropy"] == pytest.approx(entropy([may_be, 1 - may_be], base=2).mean(), abs=1e-4)


def test_a_model_that_always_draws_the_same_has_no_spread(
    make_tiny: Callable[..., PRSMed], pixels: torch.Tensor
) -> None:
    model = make_tiny()
    with torch.no_grad():
        model.decoder.head.weight.zero_()
        model.decoder.head.bias.zero_()
    for found in measure(model, pixels, [ASKED] * 3, ["entropy", "dropout", "flip"]):
        assert found.scores == pytest.approx({"entropy": 1, "dropout": 0, "flip": 0}, abs=1e-5)


@pytest.mark.parametrize(
    ("question", "counts"),
    [("where is the left upper polyp?", False), ("where is the polyp in the left half?", True), (ASKED, True)],
)
def test_a_side_that_is_asked_for_is_not_mirrored(
    make_tiny: Callable[..., PRSMed], pixels: torch.Tensor, question: str, counts: bool
) -> None:
    (found,) = measure(make_tiny(), pixels[:1], [question], ["flip"])
    assert (found.scores["flip"] > 1e-3) == counts


def test_presence_is_in_doubt_at_the_threshold(make_tiny: Callable[..., PRSMed], pixels: torch.Tensor) -> None:
    (found,) = measure(make_tiny(), pixels[:1], [ASKED], ["presence"])
    p = found.probability
    for threshold, doubt in (
        (p, 1.0),
        (p / 2, 1 - (p / 2) / (1 - p / 2)),
        ((1 + p) / 2, 1 - ((1 - p) / 2) / ((1 + p) / 2)),
    ):
        (moved,) = measure(make_tiny(presence_threshold=threshold), pixels[:1], [ASKED], ["presence"])
        assert moved.scores["presence"] == pytest.approx(doubt, abs=1e-4)


@pytest.mark.parametrize(
    ("said", "drawn", "agrees", "expected"),
    [
        ("top left", "top left", True, 0),
        ("left", "top left", True, 0),
        ("none", "none", True, 0),
        (None, "top left", None, 1),
        ("none", "top left", False, 1),
        ("top left", "bottom right", False, 1),
        ("top left", "top left + top right", False, 0.5),
        ("top left + center", "top left + top right", False, 2 / 3),
    ],
)
def test_disagreement_is_the_share_of_zones_not_in_common(
    said: str | None, drawn: str, agrees: bool | None, expected: float
) -> None:
    assert _distance(Agreement(said, drawn, agrees)) == pytest.approx(expected)


def test_a_question_that_does_not_fit_is_refused(make_tiny: Callable[..., PRSMed], pixels: torch.Tensor) -> None:
    with pytest.raises(PRSMedError, match="at most") as caught:
        measure(make_tiny(), pixels[:1], ["polyp " * 2000])
    assert caught.value.code == "question_too_long"


@pytest.mark.parametrize(
    ("count", "expected"), [(1, [0]), (3, [0, 1, 2]), (8, [*range(8)]), (40, [2, 7, 12, 17, 22, 27, 32, 37])]
)
def test_slices_are_spread_over_the_volume(count: int, expected: list[int]) -> None:
    slices = spread_slices(Volume(np.zeros((4, 4, count)), np.diag([1.0, 1, 3, 1])))
    assert [each.index for each in slices] == expected


def doubts(
    value: float, probability: float, said: str = "top left", features: tuple[float, ...] = (1, 0)
) -> Uncertainty:
    scores = dict.fromkeys(MEASURES, value)
    return Uncertainty(scores, probability, said, "center", np.array(features, np.float32))


def test_slices_count_as_the_target_is_likely_in_them() -> None:
    whole = merge([doubts(0.2, 0.9), doubts(0.8, 0.3, "none", (0, 1)), doubts(1.0, 0.0)])
    assert whole.scores["entropy"] == pytest.approx((0.9 * 0.2 + 0.3 * 0.8) / 1.2, abs=1e-4)
    assert whole.scores["presence"] == 0.2
    assert whole.probability == 0.9
    assert whole.text_zone == "none"
    np.testing.assert_allclose(whole.features, np.array([2, 1]) / 5**0.5, rtol=1e-6)


def test_a_volume_of_one_slice_is_that_slice() -> None:
    one = doubts(0.4, 0.0)
    whole = merge([one])
    assert whole.scores == pytest.approx(one.scores)
    assert (whole.probability, whole.text_zone, whole.mask_zone) == (0.0, "top left", "center")
