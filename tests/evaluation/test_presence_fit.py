from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from prsmed.errors import PRSMedError
from prsmed.evaluation.presence_fit import PresenceFit, Said


def said(present: list[float], absent: list[float], modality: str = "ct") -> list[Said]:
    return [
        *(Said(modality, True, probability, True) for probability in present),
        *(Said(modality, False, probability, True) for probability in absent),
    ]


def overconfident(factor: float) -> list[Said]:
    rng = np.random.default_rng(3)
    logits = rng.normal(size=20_000)
    truth = rng.random(20_000) < expit(logits)
    return [Said("ct", bool(y), float(expit(factor * z)), True) for z, y in zip(logits, truth, strict=True)]


@pytest.mark.parametrize("factor", [0.5, 1.0, 4.0])
def test_the_temperature_that_was_put_in_comes_out(factor: float) -> None:
    fit = PresenceFit(overconfident(factor))
    assert fit.temperature() == pytest.approx(factor, rel=0.05)
    assert fit.quality(fit.temperature(), 0.5).ece < 0.02


def test_fitting_again_changes_nothing() -> None:
    first = PresenceFit(overconfident(3.0))
    temperature = first.temperature()
    calibrated = [
        Said("ct", bool(y), float(expit(z / temperature)), True)
        for z, y in zip(first.logits, first.present, strict=True)
    ]
    assert PresenceFit(calibrated, temperature).temperature() == pytest.approx(temperature, rel=1e-4)


def test_certainty_in_single_precision_is_no_infinity() -> None:
    fit = PresenceFit(said([1.0, 1.0, 0.2], [0.0, 0.3]))
    assert np.isfinite(fit.logits).all()
    assert np.isfinite(fit.temperature())


@pytest.mark.parametrize(
    ("present", "absent", "low", "high"),
    [
        pytest.param([0.6, 0.7, 0.9], [0.1, 0.3], 0.3, 0.6, id="separable: neither missed nor false"),
        pytest.param([0.2, 0.7, 0.9], [0.1, 0.3, 0.8], 0.1, 0.2, id="overlapping: fewest false with none missed"),
        pytest.param([0.01] + [0.8] * 39, [0.1, 0.2], 0.2, 0.8, id="one of forty may be missed for both"),
    ],
)
def test_the_threshold_by_hand(present: list[float], absent: list[float], low: float, high: float) -> None:
    assert low < PresenceFit(said(present, absent)).threshold(1.0) < high


def test_targets_nothing_was_drawn_for_are_missed_whatever_the_threshold() -> None:
    undrawn = [Said("ct", True, 0.9, False), Said("ct", True, 0.8, True), Said("ct", False, 0.95, False)]
    quality = PresenceFit(undrawn).quality(1.0, 0.5)
    assert (quality.missed, quality.false_mask) == (0.5, 0.0)
    assert PresenceFit(undrawn).threshold(1.0) < 0.8


def test_modalities_weigh_the_same() -> None:
    many, few = said([0.9] * 98, [0.1] * 4), said([0.9, 0.1], [0.1], "mri")
    quality = PresenceFit([*many, *few]).quality(1.0, 0.5)
    assert quality.missed == pytest.approx((0 / 98 + 1 / 2) / 2)


@pytest.mark.parametrize("one_sided", [[], said([0.5], []), said([], [0.5])], ids=["none", "present", "absent"])
def test_both_classes_are_needed(one_sided: list[Said]) -> None:
    with pytest.raises(PRSMedError) as error:
        PresenceFit(one_sided)
    assert error.value.code == "bad_calibration"
