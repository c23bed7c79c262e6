"""Who passes the gate: not who is worse on any kind of image, and nobody on too little."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_versions import scores

from prsmed.errors import PRSMedError
from prsmed.learning.gate import Score, Verdict, compare


def absent(rate: float, n: int = 40) -> list[Score]:
    return [Score(f"absent-{i}", "brain_mri", f"p{i}", false_mask=i < round(rate * n)) for i in range(n)]


def row(verdict: Verdict, modality: str, measure: str = "dice") -> dict[str, object]:
    return next(row for row in verdict.to_json()["rows"] if (row["modality"], row["measure"]) == (modality, measure))


def test_the_same_model_passes() -> None:
    verdict = compare(scores(), scores())
    assert verdict.promoted
    assert row(verdict, "brain_mri")["difference"] == 0


def test_a_loss_is_told_in_one_sentence() -> None:
    verdict = compare(scores(gain=-0.28, noise=0.1), scores())
    assert not verdict.promoted
    told = row(verdict, "brain_mri")
    assert verdict.reason == (
        "rejected: brain mri (n=42) fell from 0.630 to 0.350, -0.280 "
        f"[{told['low']:+.3f}, {told['high']:+.3f}], allowed -0.020"
    )


def test_a_gain_elsewhere_does_not_make_up_for_a_loss() -> None:
    live = scores() + scores(modality="polyp_endoscopy")
    candidate = scores(gain=-0.03) + scores(modality="polyp_endoscopy", gain=0.3)
    verdict = compare(candidate, live)
    assert not verdict.promoted
    assert "brain mri" in verdict.reason
    assert "polyp" not in verdict.reason


@pytest.mark.parametrize(
    ("gain", "noise", "margin", "passes"),
    [
        (-0.021, 0.0, 0.02, False),
        (-0.021, 0.5, 0.02, False),  # more than is allowed, certain or not
        (-0.015, 0.0, 0.02, False),  # more than half of it, and certain
        (-0.015, 0.0, 0.05, False),  # less than half of it, but all kinds together fell for certain
        (-0.021, 0.0, 0.0, False),
        (0.001, 0.0, 0.0, True),
    ],
)
def test_the_margin(gain: float, noise: float, margin: float, passes: bool) -> None:
    assert compare(scores(gain=gain, noise=noise), scores(), margin=margin).promoted is passes


def test_a_small_loss_that_may_be_chance_passes() -> None:
    rng = np.random.default_rng(0)
    live = scores(n=60)
    candidate = [replace(s, dice=s.dice - 0.012 + float(rng.normal(0, 0.1))) for s in live if s.dice is not None]
    drift = np.mean([c.dice - s.dice for c, s in zip(candidate, live, strict=True)])  # type: ignore[operator]
    candidate = [replace(s, dice=s.dice - 0.012 - float(drift)) for s in candidate if s.dice is not None]
    verdict = compare(candidate, live)
    assert row(verdict, "brain_mri")["difference"] == pytest.approx(-0.012)
    assert verdict.promoted


def test_small_certain_losses_everywhere_add_up() -> None:
    kinds = ("brain_mri", "polyp_endoscopy", "lung_xray")
    live = [score for kind in kinds for score in scores(modality=kind)]
    candidate = [score for kind in kinds for score in scores(modality=kind, gain=-0.006)]
    verdict = compare(candidate, live)
    assert not verdict.promoted
    assert "over all kinds" in verdict.reason


def test_the_interval_is_that_of_a_bootstrap_of_patients() -> None:
    rng = np.random.default_rng(1)
    groups = [f"p{i}" for i in range(12) for _ in range(int(rng.integers(1, 7)))]
    shift = dict(zip(sorted(set(groups)), rng.normal(0.02, 0.05, 12), strict=True))
    live = [Score(str(i), "brain_mri", group, dice=float(rng.uniform(0.3, 0.8))) for i, group in enumerate(groups)]
    candidate = [replace(s, dice=s.dice + shift[s.group]) for s in live if s.dice is not None]
    told = row(compare(candidate, live), "brain_mri")
    names = sorted(shift)
    sizes = np.array([groups.count(name) for name in names])
    drawn = rng.integers(0, 12, (20_000, 12))
    sums = (sizes * [shift[name] for name in names])[drawn].sum(1)
    low, high = np.percentile(sums / sizes[drawn].sum(1), [2.5, 97.5])
    assert told["low"] == pytest.approx(low, abs=0.003)
    assert told["high"] == pytest.approx(high, abs=0.003)
    assert (told["n"], told["groups"]) == (len(groups), 12)


@pytest.mark.parametrize("n", [8, 9])
def test_a_kind_with_few_cases_is_told_and_not_judged(n: int) -> None:
    live = scores() + scores(modality="skin_dermoscopy", n=n)
    verdict = compare(scores() + scores(modality="skin_dermoscopy", n=n, gain=-0.05, noise=0.2), live)
    assert verdict.promoted
    assert row(verdict, "skin_dermoscopy")["difference"] < -0.05  # type: ignore[operator]
    assert f"too few cases to judge skin dermoscopy (n={n})" in verdict.reason
    assert row(verdict, "skin_dermoscopy")["is_judged"] is False


@pytest.mark.parametrize(("n", "passes"), [(4, True), (6, False)], ids=["two patients", "three patients"])
def test_what_is_lost_beyond_doubt_needs_few_cases(n: int, passes: bool) -> None:
    live = scores() + scores(modality="skin_dermoscopy", n=n)
    verdict = compare(scores(gain=0.1) + scores(modality="skin_dermoscopy", n=n, gain=-0.3), live)
    assert verdict.promoted is passes
    assert ("skin dermoscopy (n=6) fell" in verdict.reason) is not passes


def test_many_images_of_few_patients_are_few_cases() -> None:
    live = [replace(score, group=f"p{i % 4}") for i, score in enumerate(scores())]
    assert row(compare(live, live), "brain_mri")["is_judged"] is False


@pytest.mark.parametrize(
    ("gain", "n", "passes"),
    [(0.4, 8, True), (0.4, 4, False), (0.019, 8, False), (0.0, 8, False), (-0.4, 8, False)],
    ids=["better for certain", "two patients", "hardly better", "the same", "worse"],
)
def test_where_nothing_can_be_judged_one_must_be_better_for_certain(gain: float, n: int, passes: bool) -> None:
    verdict = compare(scores(gain=gain, n=n), scores(n=n))
    assert verdict.promoted is passes
    assert "too few cases" in verdict.reason


def test_without_cases_nobody_passes() -> None:
    assert "no labelled case" in compare([], []).reason
    assert not compare(absent(0.0), absent(0.0)).promoted


@pytest.mark.parametrize(
    ("rate", "n", "passes"), [(0.05, 40, True), (0.1, 40, False), (0.5, 10, True)], ids=["few", "many", "unjudged"]
)
def test_masks_of_what_is_absent_must_not_become_frequent(rate: float, n: int, passes: bool) -> None:
    verdict = compare(scores(gain=0.1) + absent(rate, n), scores() + absent(0.0, n))
    assert verdict.promoted is passes
    assert ("masks of absent targets" in verdict.reason) is not passes
    assert row(verdict, "all", "false_mask")["candidate"] == pytest.approx(rate)


def test_bad_labels_do_not_vote_themselves_in() -> None:
    """Shifted masks, a part of them held out: what was known to be right counts for itself."""
    known = [replace(score, is_users=True) for score in scores(n=20)]
    shifted = [replace(score, case=f"new-{score.case}", is_users=True) for score in scores(n=40)]
    worse = [replace(score, dice=0.3) for score in known]
    better = [replace(score, dice=0.9) for score in shifted]
    verdict = compare(worse + better, known + shifted, known={score.case for score in known})
    assert not verdict.promoted
    assert row(verdict, "brain_mri, new")["difference"] == pytest.approx(0.27, abs=0.01)
    assert "brain mri (n=20) fell" in verdict.reason
    assert compare(worse + better, known + shifted).promoted, "without knowing them they would have been made up for"


def test_scores_of_other_cases_are_refused() -> None:
    for other in (scores(n=41), scores() + scores(), scores(modality="lung_ct")):
        with pytest.raises(PRSMedError) as caught:
            compare(scores(), other)
        assert caught.value.code == "unpaired"


gains = st.lists(st.floats(-0.2, 0.2), min_size=12, max_size=30)


@settings(deadline=None, max_examples=60)
@given(gains, st.floats(0, 0.1), st.floats(0, 0.1), st.randoms(use_true_random=False))
def test_order_changes_nothing_and_a_wider_margin_never_rejects_more(
    changes: list[float], margin: float, more: float, rng: random.Random
) -> None:
    live = scores(n=len(changes))
    candidate = [
        replace(s, dice=s.dice + change) for s, change in zip(live, changes, strict=True) if s.dice is not None
    ]
    verdict = compare(candidate, live, margin=margin)
    shuffled = rng.sample(candidate, len(candidate)), rng.sample(live, len(live))
    assert compare(*shuffled, margin=margin) == verdict
    if verdict.promoted and margin + more > 0:
        assert compare(candidate, live, margin=margin + more).promoted
        assert verdict.metrics("candidate")["dice"] >= verdict.metrics("live")["dice"] - margin - 1e-3
