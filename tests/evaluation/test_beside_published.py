from __future__ import annotations

import io

from evaluation_set import absent, outcome
from PIL import Image

from prsmed.evaluation.beside import published_tables
from prsmed.evaluation.mask_figures import mask_figures
from prsmed.evaluation.measures import MASK_MEASURES
from prsmed.evaluation.summary import summarise

OUTCOMES = [
    outcome(mdice=0.5, miou=0.25, group="a"),
    outcome(mdice=0.7, miou=0.35, group="b"),
    outcome(modality="ct", mdice=1.0, miou=1.0),
    absent(modality="lung_ct"),
]


def test_ours_stand_beside_the_printed_figures_of_the_same_modality() -> None:
    (table,) = published_tables(summarise(MASK_MEASURES, OUTCOMES))
    (row,) = table.rows  # nothing is printed for "ct", and lung CT has no present target here
    assert [cell.figure for cell in row] == ["brain mri", "2", "0.600", "0.803", "0.294", "0.300", "0.757", "0.245"]
    assert table.header[2:5] == ("mDice, here", "mDice, PRS-Med", "mDice, BiomedParse")
    assert len(row) == len(table.header)
    told = table.to_json()["brain mri"]
    assert (told["Present"], told["mDice, PRS-Med"]) == ({"n": 2, "groups": 2}, 0.803)


def test_without_probabilities_nothing_is_beside() -> None:
    assert published_tables(summarise(MASK_MEASURES, [outcome()])) == []


def test_the_spread_of_dice_is_drawn_the_same_way_twice() -> None:
    made = [outcome(dice=0.1), outcome(dice=0.9), outcome(modality="lung_ct", dice=0.4), absent()]
    (figure,) = mask_figures(made)
    assert "brain mri: median 0.50 of 2; lung ct: median 0.40 of 1" in figure.alt
    assert Image.open(io.BytesIO(figure.png)).size[0] > 500
    assert mask_figures(made) == [figure]
    assert mask_figures([absent()]) == []
