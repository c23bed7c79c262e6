"""`prsmed judge`: language models, the zone parser and a human on the words of an evaluation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from prsmed.console import Bars, out

if TYPE_CHECKING:
    from prsmed.evaluation.outcome import Outcome


judge_app = typer.Typer(
    no_args_is_help=True,
    help="Let language models judge the words of an evaluation: `prsmed judge run OUT --agent ...` (docs/judges.md).",
)

Answers = Annotated[Path, typer.Argument(help="The --out folder of `prsmed evaluate`, or its outcomes.jsonl.")]


@judge_app.command("run")
def run(
    answers: Answers,
    out_folder: Annotated[Path, typer.Option("--out", help="Folder for judges.md, judges.json and the transcripts.")],
    agent: Annotated[
        list[str] | None,
        typer.Option(help="[NAME=]MODEL@URL of an OpenAI-compatible server; key: PRSMED_LLM_KEY. Repeat for more."),
    ] = None,
    local: Annotated[
        list[str] | None, typer.Option(help="[NAME=]FOLDER of a transformers model on this machine. Repeat for more.")
    ] = None,
    prompts: Annotated[Path | None, typer.Option(help="Your own prompts (YAML) instead of our three.")] = None,
    human: Annotated[Path | None, typer.Option(help="A sheet of `prsmed judge sheet`, filled in.")] = None,
    max_tokens: Annotated[int, typer.Option(min=1, help="Longest reply; more for models that always think.")] = 64,
    parallel: Annotated[int, typer.Option(min=1, help="Requests at the same time to one server.")] = 4,
    device: Annotated[str | None, typer.Option(help="Torch device of local models; chosen by itself.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")] = False,
) -> None:
    """Ask every agent about every answer, once; a stopped run goes on where it was."""
    from prsmed.evaluation.judges.agents import open_agents
    from prsmed.evaluation.judges.prompts import load_prompts
    from prsmed.evaluation.judges.run import judge_answers
    from prsmed.evaluation.tables import to_terminal

    outcomes, asked = _read(answers), load_prompts(prompts)
    agents = open_agents(agent or [], local or [], max_tokens=max_tokens, parallel=parallel, device=device)
    with Bars() as bars:
        judgement = judge_answers(outcomes, agents, asked, out_folder, _silent if as_json else bars.report, human)
    if as_json:
        typer.echo(json.dumps(judgement.to_json()))
        return
    out.print(judgement.title, highlight=False, soft_wrap=True)
    for table in to_terminal(judgement.tables()):
        out.print(table)
    out.print(f"Written: {out_folder}", highlight=False, soft_wrap=True)


@judge_app.command()
def sheet(
    answers: Answers,
    out_file: Annotated[Path, typer.Option("--out", help="CSV to write; fill in same_place with yes or no.")],
    count: Annotated[int, typer.Option(min=1, help="How many answers.")] = 100,
    seed: Annotated[int, typer.Option(min=0, help="Another seed draws others.")] = 0,
) -> None:
    """Draw answers for a human to judge, from every modality alike; hand it back with --human."""
    from prsmed.evaluation.judges.sheet import write_sheet

    drawn = write_sheet(_read(answers), out_file, count, seed)
    out.print(f"Written: {out_file} ({drawn} answers)", highlight=False, soft_wrap=True)


def _read(answers: Path) -> list[Outcome]:
    from prsmed.evaluation.outcome_file import read_outcomes
    from prsmed.evaluation.report import OUTCOMES

    return read_outcomes(answers / OUTCOMES if answers.is_dir() else answers)


def _silent(*_: object) -> None:
    """Progress for machines."""
