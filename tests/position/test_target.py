"""What a question asks for."""

from __future__ import annotations

import pytest

from prsmed.position.target import FALLBACK, target_in


@pytest.mark.parametrize(
    ("question", "target"),
    [
        ("Where is the tumor in this brain MRI?", "tumour"),
        ("Where are the TUMOURS?", "tumour"),
        ("can you see a polyp", "polyp"),
        ("Segment the lungs in this chest X-ray.", "lungs"),
        ("Outline the left lung.", "left lung"),
        ("Is there a nodule in the right lung?", "nodule"),
        ("In this lung CT, where is the heart?", "heart"),
        ("Any masses in the breast?", "mass"),
        ("Show metastases in the liver.", "metastasis"),
        ("Where's the esophagus?", "oesophagus"),
        ("Where is the left ventricle?", "left ventricle"),
        ("Find the left liver", "liver"),
        ("Which part of the prostate-MRI shows the bladder?", "bladder"),
        ("Where is the urinary bladder?", "bladder"),
        ("Is there bleeding in the brain?", "haemorrhage"),
        ("Where is it?", FALLBACK),
        ("", FALLBACK),
        ("Is the massive thing heartless?", FALLBACK),
    ],
)
def test_target_in(question: str, target: str) -> None:
    assert target_in(question) == target
