"""The tables of an audit, and how they look in a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import rich.table
import rich.text

from prsmed.data.audit_findings import Audit, Listed, Pair

SHOWN = 10
"""Examples of a kind in a terminal; ``--json`` has more."""


@dataclass(frozen=True)
class Table:
    """Rows of words and figures.

    Attributes:
        title: What it shows.
        header: One title a column.
        rows: As text.
        note: What the columns mean.
        words: How many columns at the left hold words; the others hold figures.
    """

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    words: int = 1


def summary(audit: Audit) -> Table:
    """What should be looked at, counted."""
    rows = (
        ("groups in two splits", audit.shared_groups.count, "leak: patients or videos on both sides"),
        ("same picture in two splits", audit.leaks.count, "leak: equal pixels or near-duplicates"),
        ("same picture twice in a split", audit.duplicates.count, "equal pixels, or alike in different groups"),
        ("alike inside a group", audit.alike_in_group, "pairs, as frames of a video are: no fault"),
        ("empty masks", audit.empty.count, "of pictures not called healthy"),
        ("masks with specks", audit.specks.count, "regions below a tenth of the largest"),
        ("masks with grey values", audit.gray.count, "more than two values in the file"),
        ("unreadable", audit.unreadable.count, "left out of everything below"),
    )
    lines = tuple((name, _n(found), meaning) for name, found, meaning in rows)
    return Table(f"Audit of {audit.images:,} images", ("finding", "count", "meaning"), lines)


def tables(audit: Audit) -> list[Table]:
    """Balance, baselines, questions and licences."""
    made = [_baselines(audit), _rules(audit), _balance(audit)]
    if audit.questions:
        made.append(_questions(audit))
    licences = tuple((row.source, row.licence, _n(row.images)) for row in audit.licences)
    return [*made, Table("Licences", ("source", "licence", "images"), licences, words=2)]


def examples(audit: Audit) -> list[Table]:
    """The first :data:`SHOWN` of each finding that there is, by path."""
    groups = [
        (f"{found.within} {found.group}", f"{first.split}: {found.counts[first.split]} images, {first.image}")
        for found in audit.shared_groups.shown[:SHOWN]
        for first in found.firsts
    ]
    unreadable = [(found.record.image, found.code) for found in audit.unreadable.shown[:SHOWN]]
    made = [
        Table("Groups in two splits", ("group", "split"), tuple(groups), words=2),
        _pairs("Same picture in two splits", audit.leaks),
        _pairs("Same picture twice in a split", audit.duplicates),
        *(
            Table(title, ("mask", "split"), tuple((str(r.mask), r.split) for r in found.shown[:SHOWN]), words=2)
            for title, found in (
                ("Empty masks", audit.empty),
                ("Masks with specks", audit.specks),
                ("Masks with grey values", audit.gray),
            )
        ),
        Table("Unreadable", ("image", "problem"), tuple(unreadable), words=2),
    ]
    return [table for table in made if table.rows]


def to_terminal(made: Iterable[Table]) -> list[rich.table.Table]:
    """Tables for a ``rich`` console."""
    return [_drawn(table) for table in made]


def _drawn(table: Table) -> rich.table.Table:
    caption = table.note or None
    drawn = rich.table.Table(title=table.title, title_justify="left", caption=caption, caption_justify="left")
    for number, column in enumerate(table.header):
        is_figure = number >= table.words and column != "meaning"
        drawn.add_column(column, justify="right" if is_figure else "left", overflow="fold")
    for row in table.rows:
        drawn.add_row(*map(rich.text.Text, row))  # paths may hold brackets, which rich would read as markup
    return drawn


def _pairs(title: str, found: Listed[Pair]) -> Table:
    rows = tuple(
        (pair.first.image, pair.first.split, pair.second.image, pair.second.split, alike(pair))
        for pair in found.shown[:SHOWN]
    )
    return Table(title, ("image", "split", "the same as", "split", "alike"), rows, words=5)


def alike(pair: Pair) -> str:
    """How much two pictures are."""
    return "equal pixels" if pair.is_exact else f"{pair.bits} of 255 bits apart"


def _baselines(audit: Audit) -> Table:
    rows = tuple(
        (z.modality, z.split, z.majority, _n(z.images), _share(z.majority_accuracy), _share(z.balanced_accuracy))
        for z in audit.zones
    )
    header = ("modality", "split", "constant answer", "images", "accuracy", "balanced")
    note = "What always naming the most common zone (box rule, whole mask) scores; images with a target."
    return Table("Majority-class baseline of the position", header, rows, note, words=3)


def _rules(audit: Audit) -> Table:
    rows = tuple(
        (z.modality, z.split, _n(z.images), _share(z.differ / z.images), _share(z.quadrants_differ / z.images))
        for z in audit.zones
    )
    header = ("modality", "split", "images", "differ", "other quadrant")
    note = (
        "Released code: the bounding box. A.6 of the paper: the quadrant with most area, which knows no center. "
        "Other quadrant: they differ where the box is not central."
    )
    return Table("Two published position rules", header, rows, note, words=2)


def _balance(audit: Audit) -> Table:
    rows = tuple(
        (row.source, row.modality, row.target, row.split, _n(row.images), _n(row.present), _n(row.images - row.present))
        for row in audit.balance
    )
    header = ("source", "modality", "target", "split", "images", "with target", "without")
    return Table("Balance", header, rows, words=4)


def _questions(audit: Audit) -> Table:
    rows = tuple(
        (q.kind, q.modality, q.split, _n(q.turns), _n(q.absent), _letters(q.letters.items())) for q in audit.questions
    )
    header = ("kind", "modality", "split", "turns", "absent", "right letters")
    return Table("Questions", header, rows, words=3)


def _letters(letters: Iterable[tuple[str, int]]) -> str:
    return " ".join(f"{letter} {count}" for letter, count in letters)


def _n(count: int) -> str:
    return f"{count:,}"


def _share(value: float) -> str:
    return f"{100 * value:.1f} %"
