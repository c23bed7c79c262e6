"""`prsmed data sheet`: a picture of conversations to look at."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from prsmed.console import Data, out


def sheet(
    conversations: Annotated[Path, typer.Argument(help="A conversations.jsonl of `prsmed data build`.")],
    data: Data,
    out_file: Annotated[Path, typer.Option("--out", help="Picture to write (.png).")],
    count: Annotated[int, typer.Option(min=1, help="How many conversations.")] = 12,
    seed: Annotated[int, typer.Option(help="Another seed draws others.")] = 0,
) -> None:
    """Draw conversations of every kind: image, mask outline, questions and answers."""
    from prsmed.data.review import reviewed
    from prsmed.data.sheet import draw_sheet

    draw_sheet(reviewed(conversations), data, out_file, count, seed)
    out.print(f"Written: {out_file}", highlight=False, soft_wrap=True)
