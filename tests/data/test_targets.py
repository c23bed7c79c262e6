from __future__ import annotations

import pytest
from small_set import record

from prsmed.data.targets import KNOWN_MODALITIES, absent_names, all_names, present_names


def test_an_unknown_target_is_called_what_its_set_calls_it() -> None:
    assert present_names(record("knee_mri", "meniscus")) == ("meniscus",)
    assert present_names(record("lung_ct", "lungs, heart and trachea")) == ("lungs, heart and trachea",)
    assert "lesion" in present_names(record())


def test_an_empty_image_is_asked_for_its_own_target() -> None:
    assert absent_names(record("knee_mri", "meniscus"), is_empty=True) == ("meniscus",)


@pytest.mark.parametrize("modality", ["ct", "pet", "unknown", "knee_mri"])
def test_nothing_is_surely_absent_of_an_unknown_region(modality: str) -> None:
    assert absent_names(record(modality, "lesion"), is_empty=False) == ()


@pytest.mark.parametrize(
    ("modality", "possible"),
    [
        ("abdomen_ct", {"lung nodule", "lungs", "prostate", "urinary bladder", "gallstone", "kidney stone", "polyp"}),
        ("brain_ct", {"brain tumour", "skin lesion"}),
        ("heart_mri", {"lungs", "lung nodule", "breast lesion", "gallstone"}),
        ("prostate_mri", {"prostate", "urinary bladder", "polyp"}),
        ("breast_mri", {"lungs", "breast lesion", "lung nodule", "gallstone"}),
        ("bronchus_endoscopy", {"lung nodule", "polyp", "lungs"}),
    ],
)
def test_nothing_that_may_be_in_view_is_called_absent(modality: str, possible: set[str]) -> None:
    names = set(absent_names(record(modality, "thing"), is_empty=False))
    assert names
    assert not names & possible
    assert names <= all_names()


def test_no_target_is_absent_where_it_is_drawn() -> None:
    for modality in KNOWN_MODALITIES:
        for target in absent_names(record(modality, "thing"), is_empty=False):
            assert target not in absent_names(record(modality, target), is_empty=False)
