"""The weights that ship with the package do what `./scripts/serve` shows."""

from __future__ import annotations

import numpy as np
import pytest

from prsmed.imaging import demo_phantoms, extract, take
from prsmed.inference import Engine
from prsmed.position import parse

QUESTIONS = {
    "chest_ct": "Where is the lung nodule in this CT?",
    "brain_mr": "Where is the brain tumour?",
    "skin_photo": "Where is the lesion?",
}


@pytest.fixture(scope="module")
def nano() -> Engine:
    return Engine.load("nano", device="cpu")


@pytest.mark.parametrize("name", QUESTIONS)
def test_the_lesion_of_a_demo_study_is_found_and_its_place_named(nano: Engine, name: str) -> None:
    volume, lesion = demo_phantoms()[name]
    index = int(lesion.sum(axis=(0, 1)).argmax())
    image_slice = extract(volume, "axial", index)
    answer = nano.ask(image_slice, QUESTIONS[name])
    truth, found = take(lesion, image_slice) > 0, answer.mask > 0
    assert 2 * np.sum(truth & found) / (truth.sum() + found.sum()) > 0.7
    reading = parse(answer.text)
    assert reading.zones, answer.text
    assert answer.findings[0].zone in reading.zones


@pytest.mark.parametrize("name", QUESTIONS)
def test_what_is_not_there_is_said_not_to_be(nano: Engine, name: str) -> None:
    volume, _ = demo_phantoms()[name]
    answer = nano.ask(extract(volume, "axial", volume.shape[2] // 2), "Is there a kidney stone?")
    assert not answer.mask.any()
    assert parse(answer.text).none, answer.text
    assert answer.agreement.agrees is True
