"""`prsmed info`, `assemble` and `export`: what a preset is made of, and models without training."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from prsmed.console import Bits, out

if TYPE_CHECKING:
    from prsmed.model.counting import Count

_OPTIMISER_BYTES = 12  # a gradient and AdamW's two moments, float32 each


def info(
    preset: Annotated[str | None, typer.Argument(help="Name of a preset; all are listed when left out.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")] = False,
) -> None:
    """Show what a preset is made of: parts, parameters, memory, licences. Needs no weights."""
    from prsmed.model.counting import count_preset
    from prsmed.model.presets import PRESETS

    counts = {name: count_preset(name) for name in (PRESETS if preset is None else (preset,))}
    if as_json:
        typer.echo(json.dumps({name: [asdict(count) for count in parts] for name, parts in counts.items()}))
    elif preset is None:
        _show_all(counts)
    else:
        _show_one(preset, counts[preset])


def assemble(
    preset: Annotated[str, typer.Argument(help="Name of a preset.")],
    folder: Annotated[Path, typer.Option("--out", help="Folder of the checkpoint.")],
    bits: Bits = 16,
) -> None:
    """Put a preset together from imported parts, untrained: to be evaluated as it is, or trained with --init."""
    import torch

    from prsmed.model.checkpoint import save_checkpoint
    from prsmed.model.presets import find_preset
    from prsmed.model.start import start_preset

    torch.manual_seed(0)
    manifest = save_checkpoint(start_preset(find_preset(preset, bits)), folder, f"{preset}-0")
    out.print(f"Written: {folder} ({manifest.version}, sha256 {manifest.sha256[:12]}...)", soft_wrap=True)


def export(
    model: Annotated[str, typer.Argument(help="A checkpoint folder with the reference decoder.")],
    folder: Annotated[Path, typer.Option("--out", help="A new folder, written as the PRS-Med authors' code saves.")],
) -> None:
    """Write a checkpoint in the layout of the PRS-Med authors' code."""
    from prsmed.model.importers.authors import export_authors

    export_authors(model, folder)
    out.print(f"Written: {folder}", soft_wrap=True)


def _show_all(counts: dict[str, list[Count]]) -> None:
    table = Table("preset", "parameters", "trained", "weights", "licences of imported parts")
    for name, parts in counts.items():
        total, trainable, size = (
            sum(getattr(part, of) for part in parts) for of in ("total", "trainable", "num_bytes")
        )
        licences = "; ".join(dict.fromkeys(part.licence for part in parts if part.licence))
        table.add_row(name, _millions(total), _millions(trainable), _gigabytes(size), licences or "none, ships with us")
    out.print(table)
    out.print("One of them in full: prsmed info NAME")


def _show_one(preset: str, parts: list[Count]) -> None:
    from prsmed.model.known import KNOWN
    from prsmed.model.parts import has_part

    table = Table("part", "parameters", "trained", "weights", "from", "licence")
    for part in parts:
        table.add_row(
            part.name,
            f"{part.total:,}",
            f"{part.trainable:,}",
            _gigabytes(part.num_bytes),
            part.origin or "fresh",
            part.licence or "Apache-2.0, this project's",
        )
    total, trainable, size = (sum(getattr(part, of) for part in parts) for of in ("total", "trainable", "num_bytes"))
    table.add_row("all", f"{total:,}", f"{trainable:,}", _gigabytes(size), "", "", style="bold")
    out.print(table)
    out.print(
        f"To ask: {_gigabytes(size)} for weights. To train: {_gigabytes(size + _OPTIMISER_BYTES * trainable)} for "
        "weights, gradients and optimiser. Activations come on top of both.",
        highlight=False,
    )
    origins = {part.origin for part in parts}
    for name, known in KNOWN.items():
        if known.origin in origins:
            state = "imported" if has_part(name) else f"to be imported: {known.command}"
            out.print(f"{name}: {state}", highlight=False, soft_wrap=True)


def _millions(count: int) -> str:
    return f"{count / 1e6:,.2f} M"


def _gigabytes(size: int) -> str:
    return f"{size / 2**30:.2f} GiB"
