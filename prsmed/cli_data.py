"""`prsmed data`: build conversations, and the commands around them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from prsmed.cli_data_audit import audit, review
from prsmed.cli_data_import import import_annotations
from prsmed.cli_data_paraphrase import paraphrase
from prsmed.cli_data_sheet import sheet
from prsmed.cli_data_told import tell
from prsmed.console import Bars, Data
from prsmed.errors import PRSMedError

if TYPE_CHECKING:  # help must not wait for the images' libraries
    from prsmed.data.splits import Mode

data_app = typer.Typer(no_args_is_help=True, help="Build conversations about images for training and evaluation.")
_Name = TypeVar("_Name", bound=str)
_MODES: tuple[Mode, ...] = ("official", "group")


@data_app.command("build")
def data_build(
    data: Data,
    out_folder: Annotated[Path, typer.Option("--out", help="Folder for conversations.jsonl and manifest.json.")],
    split: Annotated[
        list[str] | None, typer.Option(help="train, val or test; give it again for more; all when left out.")
    ] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option(help="Kind of question, e.g. position; give it again for more; all when left out."),
    ] = None,
    splits: Annotated[
        str, typer.Option("--splits", help="official, or group: no patient, video or near-duplicate in two splits.")
    ] = "official",
    wording: Annotated[Path | None, typer.Option(help="Your own templates (YAML, docs/data.md).")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Another seed draws other wordings and splits.")] = 0,
    strict: Annotated[bool, typer.Option("--strict", help="Stop at the first image that cannot be used.")] = False,
) -> None:
    """Write conversations about all image sets below a folder."""
    from prsmed.data import KINDS, SPLITS, build

    with Bars() as bars:
        built = build(
            data,
            out_folder,
            splits=_chosen(split, SPLITS, "split"),
            kinds=_chosen(kind, KINDS, "kind"),
            mode=_chosen([splits], _MODES, "splits")[0],
            seed=seed,
            strict=strict,
            wording=wording,
            report=bars.report,
        )
    tell(built)


def _chosen(given: list[str] | None, known: Sequence[_Name], what: str) -> tuple[_Name, ...]:
    for name in given or ():
        if name not in known:
            raise PRSMedError(f"unknown_{what}", f"{what} {name!r} is unknown; choose from {', '.join(known)}")
    return tuple(name for name in known if given is None or name in given)


for command in (audit, review, sheet, paraphrase):  # after build, in the order of work
    data_app.command()(command)
data_app.command("import")(import_annotations)
