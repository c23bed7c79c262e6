"""`prsmed evaluate`, `prsmed compare` and `prsmed questions`."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from prsmed.console import Bars, Data, out

Conversations = Annotated[
    Path | None, typer.Option(help="A list of `prsmed data build`; built from the held-out split when left out.")
]


def evaluate(
    data: Data,
    model: Annotated[
        str, typer.Option("--preset", "--model", help="Shipped weights by name, or a checkpoint folder.")
    ] = "nano",
    predictions: Annotated[
        Path | None,
        typer.Option(help="Judge these saved answers of another system instead (docs/other-systems.md)."),
    ] = None,
    conversations: Conversations = None,
    out_folder: Annotated[
        Path | None, typer.Option("--out", help="Folder for report.html, report.md and report.json.")
    ] = None,
    device: Annotated[str, typer.Option(help="Torch device.")] = "cpu",
) -> None:
    """Judge masks and words on held-out images, with intervals and the constant answer beside them."""
    from prsmed.evaluation import evaluate as run_evaluation
    from prsmed.evaluation import to_terminal

    with Bars() as bars:
        report = partial(bars.report, "questions")
        evaluation = run_evaluation(model, conversations, data, out_folder, report, device, predictions)
    for table in to_terminal(evaluation.tables()):
        out.print(table)
    if out_folder is not None:
        out.print(f"Written: {out_folder}", soft_wrap=True)


def compare(
    reports: Annotated[
        list[Path], typer.Argument(help="Folders of `prsmed evaluate --out` on one list; the first is the reference.")
    ],
    out_file: Annotated[Path | None, typer.Option("--out", help="Write the tables as Markdown.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")] = False,
) -> None:
    """Differences of systems on the same questions, with intervals and p values (docs/evaluation.md)."""
    from prsmed.errors import PRSMedError
    from prsmed.evaluation import to_terminal
    from prsmed.evaluation.compare import compare_reports
    from prsmed.evaluation.tables import to_markdown

    if len(reports) < 2:
        raise PRSMedError("one_report", "one report cannot be compared; name at least two folders")
    with Bars() as bars:
        compared = compare_reports(reports, (lambda what, done, total: None) if as_json else bars.report)
    tables = [comparison.to_table() for comparison in compared]
    if out_file is not None:
        out_file.parent.mkdir(parents=True, exist_ok=True)
        out_file.write_text(to_markdown("Comparison", tables, {}), encoding="utf-8")
    if as_json:
        typer.echo(json.dumps({"comparisons": [comparison.to_json() for comparison in compared]}))
        return
    for table in to_terminal(tables):
        out.print(table)
    if out_file is not None:
        out.print(f"Written: {out_file}", soft_wrap=True)


def questions(
    data: Data,
    out_folder: Annotated[Path, typer.Option("--out", help="Folder for questions.csv and the images.")],
    conversations: Conversations = None,
) -> None:
    """Write the questions of `evaluate`, with their images, for another system to answer."""
    from prsmed.evaluation import questions as list_questions
    from prsmed.evaluation.saved import export_questions

    with Bars() as bars:
        asked, _ = list_questions(conversations, data, out_folder / "conversations")
        path = export_questions(asked, data, out_folder, partial(bars.report, "questions"))
    out.print(f"Written: {path} ({len(asked)} questions)", soft_wrap=True)
