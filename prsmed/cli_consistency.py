"""`prsmed consistency`."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from prsmed.console import Bars, Data, out

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prsmed.orientations import Invariance


def consistency(
    data: Data,
    model: Annotated[
        str, typer.Option("--preset", "--model", help="Shipped weights by name, or a checkpoint folder.")
    ] = "nano",
    limit: Annotated[
        int | None, typer.Option(min=1, help="At most so many questions of each modality; all when left out.")
    ] = None,
    volume: Annotated[
        list[Path] | None, typer.Option(help="A DICOM, NIfTI or NRRD volume to turn, beside phantoms. Repeat for more.")
    ] = None,
    question: Annotated[str, typer.Option(help="What to ask about those volumes.")] = "Where is the tumour?",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")] = False,
) -> None:
    """Compare answers about mirrored pictures and about volumes stored in other orientations (docs/consistency.md)."""
    from prsmed.evaluation import questions, to_terminal
    from prsmed.evaluation.mirrored import ask_mirrored, mirror_tables, mirrorable
    from prsmed.inference import Engine
    from prsmed.orientations import check_orientations, studies

    engine = Engine.load(model)
    turned = list(studies(volume or [], question))  # first, so that a wrong file is told at once
    asked = mirrorable(questions(None, data, None)[0], limit)
    mirrored, found = [], []
    with Bars() as bars:
        for done, three in enumerate(ask_mirrored(engine.model, asked, data), start=1):
            mirrored += three
            bars.report("mirrored questions", done, len(asked))
        for study in turned:
            found.append(check_orientations(engine, study, partial(bars.report, study.name)))
    tables = mirror_tables(mirrored)
    if as_json:
        told = {table.title: table.to_json() for table in tables}
        orientations = [asdict(one) for one in found]
        typer.echo(json.dumps({"model": asdict(engine.version), "mirrored": told, "orientations": orientations}))
        return
    for table in to_terminal(tables):
        out.print(table)
    out.print(_table(found))


def _table(found: Sequence[Invariance]) -> Table:
    table = Table(title="Stored in 48 orientations", title_justify="left")
    columns = ("Volume", "Plane", "Slices", "Masks", "Lowest Dice", "Farthest mm", "Same sides", "Same plane")
    for column in columns:
        table.add_column(column, overflow="fold")
    for one in found:
        figures = (_figure(one.dice), _figure(one.distance_mm), _figure(one.same_sides), _figure(one.same_plane))
        table.add_row(one.name, one.plane, str(one.slices), str(one.masked), *figures)
    return table


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
