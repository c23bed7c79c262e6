"""`prsmed data audit` and `prsmed data review`."""

from __future__ import annotations

import getpass
import json
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from prsmed.console import Bars, Data, out
from prsmed.errors import PRSMedError

if TYPE_CHECKING:  # help must not wait for torch
    from prsmed.data.schema import Conversation

File = Annotated[Path, typer.Argument(help="A conversations.jsonl of `prsmed data build`.")]
_KEYS = ("a", "e", "r", "s", "q")


def audit(
    data: Data,
    conversations: Annotated[
        Path | None, typer.Option(help="A built conversations.jsonl: audit what it asks about, as it is split.")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page with pictures of what was found.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")] = False,
) -> None:
    """Look for leaks, duplicates and doubtful masks; print balance, baselines and licences."""
    from prsmed.data.audit import audit as audit_records
    from prsmed.data.audit import audit_conversations
    from prsmed.data.audit_page import write_page
    from prsmed.data.audit_tables import examples, summary, tables, to_terminal
    from prsmed.data.problems import Problems
    from prsmed.data.sources import read_all

    problems = Problems()
    with Bars() as bars:
        report = None if as_json else partial(bars.report, "looking at images")
        if conversations is None:
            found = audit_records(list(read_all(data, problems)), data, progress=report)
        else:
            found = audit_conversations(conversations, data, report)
    if html is not None:
        write_page(found, data, html)
    if as_json:
        typer.echo(json.dumps(found.to_json() | {"left_out": dict(problems.found)}))
        return
    for table in to_terminal([summary(found), *examples(found), *tables(found)]):
        out.print(table)
    for kind, paths in problems.found.items():
        out.print(f"Left out, {kind}: {len(paths)}, e.g. {paths[0]}", highlight=False, markup=False)
    if html is not None:
        out.print(f"Written: {html}", highlight=False, markup=False, soft_wrap=True)


def review(
    file: File,
    by: Annotated[str, typer.Option(help="Who reviews; the name of the login when left out.")] = "",
    data: Annotated[
        Path | None, typer.Option(envvar="PRSMED_DATA", help="Folder of the image sets: draws each conversation.")
    ] = None,
    show_list: Annotated[bool, typer.Option("--list", help="Print the queue and what was decided.")] = False,
    id_: Annotated[str | None, typer.Option("--id", help="Decide about this one, without asking.")] = None,
    accept: Annotated[bool, typer.Option("--accept", help="With --id: it is right.")] = False,
    reject: Annotated[bool, typer.Option("--reject", help="With --id: leave it out of training.")] = False,
    answer: Annotated[str | None, typer.Option(help="With --id: the answer, corrected.")] = None,
    turn: Annotated[int, typer.Option(help="With --answer: of which turn, from 1.")] = 1,
    confirm: Annotated[
        bool, typer.Option("--confirm", help="With --answer: keep it though it names another place than the mask.")
    ] = False,
) -> None:
    """Read built conversations one by one; accept, edit or reject them. A killed review goes on where it was."""
    from prsmed.data.review import merge

    merge(file)
    if show_list:
        _print_list(file)
        return
    if id_ is None and (accept or reject or answer is not None):
        raise PRSMedError("no_id", "--accept, --reject and --answer need --id; name the conversation")
    by = by or getpass.getuser()
    try:
        if id_ is None:
            _go_through(file, data, by)
        else:
            _decide_one(file, id_, by, accept=accept, reject=reject, answer=answer, turn=turn, confirm=confirm)
    finally:
        merge(file)


def _print_list(file: Path) -> None:
    from prsmed.data.review_queue import count, entries

    for entry in entries(file):
        typer.echo("\t".join((entry.id, entry.kind, entry.status, entry.by, entry.image)))
    typer.echo(", ".join(f"{number} {status}" for status, number in sorted(count(file).items())))


def _decide_one(
    file: Path, id_: str, by: str, *, accept: bool, reject: bool, answer: str | None, turn: int, confirm: bool
) -> None:
    from prsmed.data.review import decide
    from prsmed.data.review_queue import edited, find

    if accept + reject + (answer is not None) != 1:
        raise PRSMedError("one_decision", "--id needs one of --accept, --reject and --answer; give exactly one")
    conversation = find(file, id_)
    if answer is None:
        decide(file, conversation, "accepted" if accept else "rejected", by)
        return
    answers, doubt = edited(conversation, turn, answer)
    if doubt is not None and not confirm:
        raise PRSMedError("other_place", f"{doubt}; correct it, or keep it with --confirm")
    decide(file, conversation, "edited", by, answers)


def _go_through(file: Path, data: Path | None, by: str) -> None:
    from prsmed.data.review import decide
    from prsmed.data.review_queue import UNREAD, count, unread

    left = count(file)[UNREAD]
    picture = file.with_suffix(".review.png")
    with closing(unread(file)) as queue:
        for number, conversation in enumerate(queue, start=1):
            typer.echo(f"\n{number} of {left} unread: {conversation.id}, {conversation.kind}")
            _show(conversation, data, picture)
            key = _prompt("accept, edit, reject, skip, quit", _KEYS)
            if key == "q":
                return
            if key in "ar":
                decide(file, conversation, "accepted" if key == "a" else "rejected", by)
            answers = _ask_edit(conversation) if key == "e" else None
            if answers is not None:
                decide(file, conversation, "edited", by, answers)
    typer.echo("Nothing is left to read but what was skipped.")


def _show(conversation: Conversation, data: Path | None, picture: Path) -> None:
    from prsmed.data.review_queue import draw

    typer.echo(f"Image: {conversation.record.image}")
    if data is not None:
        try:
            draw(conversation, data, picture)
            typer.echo(f"Picture: {picture}")
        except PRSMedError as error:
            typer.echo(f"No picture: {error}")
    for number, turn in enumerate(conversation.turns, start=1):
        typer.echo(f"{number} Q: {turn.question}\n  A: {turn.answer}")


def _ask_edit(conversation: Conversation) -> tuple[str, ...] | None:
    """The answers after an edit; ``None`` when the reader gave it up."""
    from prsmed.data.review_queue import edited

    numbers = [str(number) for number in range(1, len(conversation.turns) + 1)]
    number = int(_prompt("turn", numbers)) if len(numbers) > 1 else 1
    answers, doubt = edited(conversation, number, typer.prompt("new answer"))
    if doubt is None or typer.confirm(f"But {doubt}. Keep it?", default=False):
        return answers
    typer.echo("Not changed; it stays unread.")
    return None


def _prompt(text: str, allowed: Sequence[str]) -> str:
    """Ask until it is one of these."""
    choices = ", ".join(allowed)
    while True:
        given: str = typer.prompt(f"{text} ({choices})").strip()
        if given in allowed:
            return given
        typer.echo(f"'{given}' is unknown; type one of {choices}")
