"""`prsmed models`: the versions that a server has learnt, and which of them answers."""

from __future__ import annotations

import getpass
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Column, Table

from prsmed.console import out
from prsmed.errors import PRSMedError

if TYPE_CHECKING:
    from prsmed.learning.registry import Registry

versions_app = typer.Typer(
    no_args_is_help=True, help="Versions that a server has learnt from corrections, and which of them answers."
)

_COLUMNS = ("version", "status", "from", "created", "corrections", "Dice")

Folder = Annotated[
    Path, typer.Option(envvar="PRSMED_VERSIONS", help="Folder of the versions; the server's log says where it is.")
]
Base = Annotated[
    str | None, typer.Option("--model", help="The checkpoint the server is started with; as recorded when left out.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")]
Reason = Annotated[str, typer.Option(help="Why, for the audit log.")]
Who = Annotated[str, typer.Option(help="Your name in the audit log; as you are logged in when left out.")]


@versions_app.command("list")
def list_(folder: Folder, base: Base = None, as_json: Json = False) -> None:
    """Show every version: where it comes from, what it reached, whether it is live."""
    _show(_open(folder, base), as_json)


@versions_app.command()
def promote(
    name: Annotated[str, typer.Argument(help="A version that has passed the gate, or the base.")],
    folder: Folder,
    reason: Reason = "",
    who: Who = "",
    base: Base = None,
    as_json: Json = False,
) -> None:
    """Let another version answer; a running server notices within two seconds."""
    registry = _open(folder, base)
    registry.promote(name, who or getpass.getuser(), reason)
    _show(registry, as_json)


@versions_app.command()
def rollback(folder: Folder, reason: Reason = "", who: Who = "", base: Base = None, as_json: Json = False) -> None:
    """Go back to the version that was live before."""
    registry = _open(folder, base)
    registry.rollback(who or getpass.getuser(), reason)
    _show(registry, as_json)


@versions_app.command()
def diff(a: str, b: str, folder: Folder, base: Base = None, as_json: Json = False) -> None:
    """Two versions side by side: metrics, what differs in their configuration, data."""
    from prsmed.learning.difference import diff as compare

    found = compare(_open(folder, base), a, b)
    if as_json:
        typer.echo(json.dumps(found))
        return
    table = Table("", a, b)
    for part in ("metrics", "data", "config"):
        for name, sides in found[part].items():
            table.add_row(f"{part}: {name}", _text(sides["a"]), _text(sides["b"]))
    out.print(table)


@versions_app.command()
def log(
    folder: Folder,
    limit: Annotated[int, typer.Option(min=1, help="Newest entries to show.")] = 100,
    base: Base = None,
    as_json: Json = False,
) -> None:
    """The audit log, newest first: what, when, who, why."""
    from dataclasses import asdict

    events = _open(folder, base).log()[:limit]
    if as_json:
        typer.echo(json.dumps({"log": [asdict(event) for event in events]}))
        return
    for event in events:
        who = f" by {event.who}" if event.who else ""
        line = f"{event.when}  {event.version} {event.what}{who}, live: {event.live_after}"
        out.print(f"{line}. {event.reason}".rstrip(". "), highlight=False, markup=False, soft_wrap=True)


def _open(folder: Path, base: str | None) -> Registry:
    from prsmed.learning.ledger import Ledger
    from prsmed.learning.registry import Registry
    from prsmed.model.manifest import find_checkpoint

    recorded = base or Ledger(folder).base()
    if recorded is None:
        raise PRSMedError(
            "no_versions", f"{folder} holds no versions; nothing was learnt yet, or it is another folder's name"
        )
    return Registry(folder, find_checkpoint(recorded))


def _show(registry: Registry, as_json: bool) -> None:
    versions = registry.versions()
    live = registry.live().name
    if as_json:
        typer.echo(json.dumps({"live": live, "versions": [version.to_json() for version in versions]}))
        return
    table = Table(*(Column(name, no_wrap=True) for name in _COLUMNS))
    for version in versions:
        status = f"{version.status}, pruned" if version.is_pruned else version.status
        style = "bold" if version.name == live else None
        dice = _text(version.metrics.get("dice"))
        row = version.name, status, version.parent or "", (version.created or "")[:16], str(version.corrections), dice
        table.add_row(*row, style=style)
    out.print(table)
    for version in versions:
        if version.reason:
            out.print(f"{version.name} {version.reason}", highlight=False, markup=False, soft_wrap=True)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.3f}" if isinstance(value, float) else str(value)
