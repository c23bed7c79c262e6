"""Our figures beside those that PRS-Med's paper prints, with what stands in the way of comparing them."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files

import yaml

from prsmed.evaluation.summary import Row
from prsmed.evaluation.tables import Cell, Table

_MEASURES = (("mdice", "mDice"), ("miou", "mIoU"))
_CAVEATS = (
    (
        "Not the same images",
        "The paper's test images are not published as a list; ours are held out by patient, video or cluster. Columns "
        "can be read beside each other, not subtracted.",
    ),
    (
        "Not the same grid",
        "The paper compares at each image's own size, this report in the model's square; thresholds and averages are "
        "the paper's (mDice and mIoU, over 256 thresholds).",
    ),
    (
        "The printed row is mixed",
        "By the result files in PRS-Med's repository its brain and polyp figures come from another run than the rest. "
        "The run with the other figures has 0.768 and 0.678 for the brain, and its figure for polyps is a copy.",
    ),
    (
        "Brain and polyp may have seen the answer",
        "At the time of that other run the inference script opened the path of the mask as the image. That the printed "
        "figures come from it is likely, not proven: they are no target to reach.",
    ),
    ("Skin", "The printed 0.875 and 0.799 stand in none of the result files."),
)


def published_tables(summary: Mapping[str, Row]) -> list[Table]:
    """One table, a row a modality that was evaluated and published; none where there are no probabilities.

    Source: PRS-Med, tables 1 and 2; the caveats are read off its repository's result files.
    """
    published: dict[str, dict[str, tuple[float, float]]] = yaml.safe_load(
        (files("prsmed.evaluation") / "beside.yaml").read_text(encoding="utf-8")
    )
    known = set.union(*(set(figures) for figures in published.values()))
    parts = [part for part in summary.get(_MEASURES[0][0], {}) if part in known]
    if not parts:
        return []
    header = tuple(f"{title}, {system}" for _, title in _MEASURES for system in ("here", *published))
    rows = [
        (Cell(part.replace("_", " ")), _count(summary, part), *_figures(summary, part, published)) for part in parts
    ]
    return [Table("Beside the published figures", ("Modality", "Present", *header), tuple(rows), _CAVEATS)]


def _figures(
    summary: Mapping[str, Row], part: str, published: Mapping[str, Mapping[str, tuple[float, float]]]
) -> list[Cell]:
    cells = []
    for number, (name, _) in enumerate(_MEASURES):
        printed = [_printed(figures[part][number]) for figures in published.values()]
        cells += [Cell.of(summary[name].get(part)), *printed]
    return cells


def _count(summary: Mapping[str, Row], part: str) -> Cell:
    counted = summary[_MEASURES[0][0]][part]
    return Cell.count(counted.n, counted.groups)


def _printed(figure: float) -> Cell:
    return Cell(f"{figure:.3f}", value=figure)
