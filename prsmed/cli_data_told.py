"""How the data commands tell what they wrote and what they left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.markup import escape
from rich.table import Table

from prsmed.console import err, out

if TYPE_CHECKING:  # help must not wait for the images' libraries
    from prsmed.data import Built, Problems

_EXAMPLES = 3


def tell(built: Built) -> None:
    """Print the counts and where the list lies; on standard error what was left out."""
    out.print(_table(built))
    _tell_problems(built.problems)
    out.print(f"Written: {built.path}", highlight=False, soft_wrap=True)


def _table(built: Built) -> Table:
    """Rows are sets and splits, columns the kinds that occur."""
    rows = [(name, split, counts) for name, splits in built.counts.items() for split, counts in splits.items()]
    kinds = list(dict.fromkeys(kind for *_, counts in rows for kind in counts))
    totals = [sum(counts.get(kind, 0) for *_, counts in rows) for kind in kinds]
    table = Table(
        box=box.SIMPLE_HEAD,
        padding=0,
        title=f"{sum(totals)} conversations about {built.images} images",
        show_footer=True,
    )
    table.add_column("set", footer="all", no_wrap=True)
    table.add_column("split", no_wrap=True)
    for kind, total in zip(kinds, totals, strict=True):
        name, width = kind.replace("_", " "), len(str(total))  # a narrow terminal may fold names, but no number
        table.add_column(name, footer=str(total), justify="right", overflow="fold", min_width=width)
    for name, split, counts in rows:
        table.add_row(escape(name), split, *(str(counts.get(kind, "")) for kind in kinds))
    return table


def _tell_problems(problems: Problems) -> None:
    """Say what was left out, a line a kind of problem."""
    for kind, paths in sorted(problems.found.items()):
        more = ", ..." if len(paths) > _EXAMPLES else ""
        listed = escape(", ".join(paths[:_EXAMPLES]))
        err.print(f"[yellow]Left out:[/yellow] {len(paths)} x {kind}: {listed}{more}", highlight=False, soft_wrap=True)
    if problems.count:
        err.print("All of them are in manifest.json.", highlight=False)
