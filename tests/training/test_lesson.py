from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from prsmed.data import phantom_records
from prsmed.model.prsmed import PRSMed
from prsmed.training.config import TrainConfig
from prsmed.training.lesson import teach_language

RECORDS = phantom_records(6, seed=0)


def teach(model: PRSMed, steps: int) -> list[float]:
    curve: list[float] = []
    config = TrainConfig(language_steps=steps, lr=5e-3)
    teach_language(model, RECORDS, config, lambda done, loss: curve.append(loss))
    return curve


def test_the_lesson_teaches_words_and_touches_nothing_of_the_image(make_tiny: Callable[..., PRSMed]) -> None:
    model, untouched = make_tiny(), make_tiny().state_dict()
    curve = teach(model, 20)
    assert len(curve) == 20
    assert np.mean(curve[-4:]) < 0.9 * np.mean(curve[:4])
    changed = {name.split(".")[0] for name, new in model.state_dict().items() if not torch.equal(new, untouched[name])}
    assert {"language", "mask_tokens"} <= changed <= {"language", "mask_tokens", "visual_tokens"}


def test_a_lesson_repeated_is_the_same(make_tiny: Callable[..., PRSMed]) -> None:
    one, other = make_tiny(), make_tiny()
    assert teach(one, 2) == teach(other, 2)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))
