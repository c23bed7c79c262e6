"""`prsmed import ...`: weights of others become parts on this machine, or a checkpoint."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from prsmed.console import Bars, err, out

if TYPE_CHECKING:
    from prsmed.model.importers.llava_config import Family
    from prsmed.model.parts import Part

import_app = typer.Typer(
    no_args_is_help=True,
    help="Bring your own weights (docs/weights.md). They are read, checked key by key and kept under a name; "
    "nothing in them is run.",
)
Folder = Annotated[Path, typer.Argument(help="The downloaded repository.")]
File = Annotated[Path, typer.Argument(help="The downloaded file.")]
Name = Annotated[str | None, typer.Option(help="Name of the part; the one presets look for when left out.")]
Vision = Annotated[
    Path | None,
    typer.Option(help="Folder of openai/clip-vit-large-patch14-336, to take the vision tower from there."),
]


@import_app.command("llava-med")
def llava_med(folder: Folder, vision: Vision = None, name: Name = None) -> None:
    """LLaVA-Med v1.5 (Mistral 7B) as Microsoft publishes it.

    PRS-Med was trained with --vision: its code loads the stock tower instead of the one in the shards.
    """
    _llava(folder, "llava-med", name, vision)


@import_app.command("llava-1.5")
def llava_15(folder: Folder, vision: Vision = None, name: Name = None) -> None:
    """LLaVA 1.5 as its authors publish it; its shards hold no vision tower, so --vision is needed."""
    _llava(folder, "llava-1.5", name, vision)


@import_app.command("llava-1.6")
def llava_16(folder: Folder, vision: Vision = None, name: Name = None) -> None:
    """LLaVA 1.6 (Mistral 7B) as its authors publish it."""
    _llava(folder, "llava-1.6", name, vision)


@import_app.command("language")
def language(
    folder: Folder,
    name: Annotated[str, typer.Option(help="Name of the part, e.g. qwen3-vl-4b or llava-med.")],
    licence: Annotated[str, typer.Option(help="Licence of the weights, kept beside them.")] = "",
) -> None:
    """Any vision-language model in the layout of transformers, conversions of the LLaVA family among them."""
    from prsmed.model.importers.language import import_language

    more = {"licence": licence} if licence else {}
    _run(lambda progress: import_language(folder, name, progress=progress, **more))


@import_app.command("tinysam")
def tinysam(file: File, name: str = "tinysam") -> None:
    """TinySAM's tinysam_42.3.pth."""
    from prsmed.model.importers.encoders import import_tinysam

    _run(lambda progress: import_tinysam(file, name))


@import_app.command("medsam")
def medsam(file: File, name: str = "medsam") -> None:
    """MedSAM: medsam_vit_b.pth, or a folder in the layout of transformers."""
    from prsmed.model.importers.encoders import import_medsam

    _run(lambda progress: import_medsam(file, name))


@import_app.command("sam-med2d")
def sam_med2d(file: File, name: str = "sam-med2d") -> None:
    """SAM-Med2D's sam-med2d_b.pth, with its adapters."""
    from prsmed.model.importers.encoders import import_sam_med2d

    _run(lambda progress: import_sam_med2d(file, name))


@import_app.command("prs-med")
def prs_med(
    folder: Annotated[Path, typer.Argument(help="What the authors' code saved: llm_seg_N.")],
    checkpoint: Annotated[Path, typer.Option("--out", help="Folder of the checkpoint to be written.")],
    base: Annotated[str, typer.Option("--language", help="The imported part it was trained on.")] = "llava-med",
) -> None:
    """A model that the PRS-Med authors' code saved becomes a checkpoint of ours."""
    from prsmed.model.importers.authors import import_authors

    manifest = import_authors(folder, checkpoint, base)
    out.print(f"Written: {checkpoint} ({manifest.version}, sha256 {manifest.sha256[:12]}...)", soft_wrap=True)


def _llava(folder: Path, family: Family, name: str | None, vision: Path | None) -> None:
    from prsmed.model.importers.llava import import_llava

    _run(lambda progress: import_llava(folder, family, name=name, vision=vision, progress=progress))


def _run(importer: Callable[[Callable[[int, int], None]], Part]) -> None:
    from prsmed.model.parts import parts_home

    with Bars() as bars:
        part = importer(partial(bars.report, "files"))
    out.print(f"Imported: {parts_home() / part.name} (sha256 {part.sha256[:12]}...)", soft_wrap=True)
    err.print(f"Licence of {part.name}: {part.licence}", highlight=False, soft_wrap=True)
