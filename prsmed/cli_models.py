"""`prsmed info`, `assemble` and `export`: what a preset is made of, and models without training."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Column, Table

from prsmed.console import Bits, err, out

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

    with err.status("counting"):
        counts = {name: count_preset(name) for name in (PRESETS if preset is None else (preset,))}
    if as_json:
        typer.echo(json.dumps({name: [_to_json(part) for part in parts] for name, parts in counts.items()}))
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
    from prsmed.model.known import FREE, KNOWN

    names = ("preset", "parameters", "trained", "weights", "terms of what it stands on")
    table = Table(*(Column(name, no_wrap=True) for name in names[:-1]), names[-1])
    for name, parts in counts.items():
        total, trainable, size = _sums(parts)
        terms = dict.fromkeys(KNOWN[part.source].terms for part in parts if part.source)
        strict = ", ".join(term for term in terms if term != FREE) or FREE
        table.add_row(name, f"{total / 1e6:,.0f} M", f"{trainable / 1e6:,.2f} M", _gigabytes(size), strict)
    out.print(table)
    out.print("One of them in full, with its licences: prsmed info NAME")


def _show_one(preset: str, parts: list[Count]) -> None:
    from prsmed.model.known import KNOWN
    from prsmed.model.parts import has_part

    table = Table("part", "parameters", "trained", "weights", "starts from", title=preset)
    for part in parts:
        row = f"{part.total:,}", f"{part.trainable:,}", _gigabytes(part.num_bytes), part.source or "fresh"
        table.add_row(part.name, *row)
    total, trainable, size = _sums(parts)
    table.add_row("all", f"{total:,}", f"{trainable:,}", _gigabytes(size), "", style="bold")
    out.print(table)
    out.print(
        f"To ask: {_gigabytes(size)} for weights. To train: {_gigabytes(size + _OPTIMISER_BYTES * trainable)} for "
        "weights, gradients and optimiser. Activations come on top of both.",
        highlight=False,
    )
    for source in dict.fromkeys(part.source for part in parts if part.source):
        known = KNOWN[source]
        state = "imported" if has_part(source) else f"to be imported: {known.command}"
        out.print(f"{source}: {known.origin}. Licence: {known.licence}. {state}", highlight=False)


def _to_json(part: Count) -> dict[str, Any]:
    from prsmed.model.known import KNOWN

    known = KNOWN.get(part.source)
    return {**asdict(part), "licence": known.licence if known else None}


def _sums(parts: list[Count]) -> tuple[int, int, int]:
    """Parameters, those trained, bytes."""
    total, trainable, size = (sum(getattr(part, of) for part in parts) for of in ("total", "trainable", "num_bytes"))
    return total, trainable, size


def _gigabytes(size: int) -> str:
    return f"{size / 2**30:.2f} GiB"
