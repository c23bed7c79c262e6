"""Which image is looked at next."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prsmed.errors import PRSMedError
from prsmed.inference import MEASURES, Uncertainty
from prsmed.learning.strategies import (
    BLIND,
    STRATEGIES,
    check_strategy,
    in_order,
    measures_of,
    ranked,
    shuffled,
    values_of,
)


def made(features: tuple[float, ...] = (1.0, 0.0), **scores: float) -> Uncertainty:
    filled = {name: scores.get(name, 0.5) for name in MEASURES}
    return Uncertainty(filled, 0.5, "center", "center", np.array(features, np.float32))


def drawn(count: int, seed: int = 0) -> dict[str, Uncertainty]:
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(count, 5))
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    return {
        f"{n:03}": made(tuple(features[n]), **dict(zip(MEASURES, rng.random(5), strict=True))) for n in range(count)
    }


@pytest.mark.parametrize("strategy", MEASURES)
def test_the_most_doubtful_first(strategy: str) -> None:
    images = drawn(30)
    order = ranked(strategy, images, [])
    assert [choice.score for choice in order] == sorted(
        (each.scores[strategy] for each in images.values()), reverse=True
    )
    assert images[order[0].image].scores[strategy] == order[0].score


def test_blend_is_the_mean_of_the_ranks() -> None:
    images = {"a": made((1, 0), entropy=0.1, flip=0.9), "b": made((0, 1), entropy=0.2, flip=0.2), "c": made((0, 1))}
    # Ranks 0, .5, 1 of entropy (a, b, c), of flip (b, c, a); 0, .75, .75 of diversity from (1, 0); .5 of what is equal.
    expected = {"a": (0 + 1 + 0 + 3 * 0.5) / 6, "b": (0.5 + 0 + 0.75 + 1.5) / 6, "c": (1 + 0.5 + 0.75 + 1.5) / 6}
    order = ranked("blend", images, [np.array([1, 0], np.float32)])
    assert {choice.image: choice.score for choice in order} == pytest.approx(expected)
    assert [choice.image for choice in order] == ["c", "b", "a"]


def test_equals_are_settled_by_the_other_measures_then_by_id() -> None:
    images = {name: made(disagreement=1.0) for name in "cab"} | {"z": made(disagreement=1.0, entropy=0.9)}
    assert [choice.image for choice in ranked("disagreement", images, [])] == ["z", "a", "b", "c"]


@given(seed=st.integers(0, 1000), steps=st.integers(1, 8))
@settings(max_examples=25, deadline=None)
def test_diversity_is_the_greedy_choice_of_centres(seed: int, steps: int) -> None:
    """Against the textbook: the farthest point from all chosen, again and again."""
    images = drawn(20, seed)
    points = {name: each.features.astype(float) for name, each in images.items()}
    taken = [points.pop("000"), points.pop("001")]
    left = {name: images[name] for name in points}
    for _ in range(steps):
        best = ranked("diversity", left, [np.float32(each) for each in taken])[0]
        apart = {name: min(np.linalg.norm(points[name] - each) for each in taken) for name in left}
        assert best.image == max(apart, key=lambda name: apart[name])
        assert best.score == pytest.approx(apart[best.image], abs=1e-3)
        taken.append(points[best.image])
        del left[best.image]


def test_diversity_begins_in_the_middle() -> None:
    images = {"west": made((-1.0, 0.0)), "middle": made((0.1, 0.0)), "east": made((1.0, 0.0))}
    assert ranked("diversity", images, [])[0].image == "middle"


def test_many_labelled_images_are_all_looked_at() -> None:
    images = drawn(3)
    taken = [np.float32([1, 0, 0, 0, 0])] * 2000 + [images["001"].features]
    values = values_of(list(images.values()), taken)["diversity"]
    assert values[1] == pytest.approx(0, abs=1e-3)
    assert (values[[0, 2]] > 0.1).all()


def test_blind_ones() -> None:
    names = ["b", "c", "a"]
    assert [choice.image for choice in in_order(names)] == ["a", "b", "c"]
    firsts = [shuffled(names, np.random.default_rng(seed))[0].image for seed in range(300)]
    assert all(80 < firsts.count(name) < 120 for name in names)
    assert {choice.score for choice in shuffled(names, np.random.default_rng(0))} == {None}


def test_names() -> None:
    for name in STRATEGIES:
        assert check_strategy(name) == name
    with pytest.raises(PRSMedError, match="'luck'; there is random, first, entropy") as caught:
        check_strategy("luck")
    assert caught.value.code == "unknown_strategy"
    assert [name for name in STRATEGIES if not measures_of(name)] == ["random", "first", "diversity"]
    assert measures_of("blend") == MEASURES
    assert set(STRATEGIES) - BLIND >= set(MEASURES)
    assert ranked("entropy", {}, []) == []
