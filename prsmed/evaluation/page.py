"""The report as one HTML file that needs no other."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from html import escape
from itertools import groupby
from string import Template

from prsmed.evaluation.figure import Figure
from prsmed.evaluation.pictures import PREDICTED_COLOR, TRUE_COLOR, Picture
from prsmed.evaluation.summary import MACRO
from prsmed.evaluation.tables import Cell, Table, constants_note, intervals_note

# Every value is escaped, or made here, before it is put in.
_PAGE = Template("""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>$title</title>
<style>
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 90rem; padding: 0 1rem; color: #1c2430 }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { padding: .3rem .7rem; text-align: right; border-bottom: 1px solid #d8dde4; white-space: nowrap }
th:first-child, td:first-child { text-align: left }
tr.macro td { font-weight: 600; border-top: 2px solid #8390a0 }
td small { color: #66707d; font-weight: 400 }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; color: #4a5460; font-size: 13px }
dd { margin: 0 }
.scroll { overflow-x: auto }
.pictures { display: flex; flex-wrap: wrap; gap: 1rem }
figure { margin: 0; width: 320px }
figure.chart { width: auto; max-width: 55rem }
figure.chart img { max-width: 100% }
figcaption { font-size: 13px }
figcaption p { margin: .25rem 0 }
.verdict { color: #4a5460 }
.true, .predicted { display: inline-block; width: 1.2em; height: .35em; margin: 0 .3em .15em .8em }
.true { background: $true_color } .predicted { background: $predicted_color }
</style></head><body>
<h1>$title</h1>
<p>$intervals $constants</p>
$tables
$figures
<h2>Pictures</h2>
<p>By Dice in each modality.<span class="true"></span>true outline<span class="predicted"></span>predicted outline</p>
$pictures
<p>Research use only, not a medical device.</p>
</body></html>
""")
_CHART = Template("""<h2>$title</h2><figure class="chart"><img src="data:image/png;base64,$png" alt="$alt">
<figcaption>$caption</figcaption></figure>
""")
_FIGURE = Template("""<figure><img src="data:image/png;base64,$png" width="320" height="320" alt="$id"><figcaption>
<p><b>$tag</b> $id, $dataset</p><p>Q: $question</p>$answer<p>True: $true_answer</p>
<p class="verdict">$verdict</p></figcaption></figure>
""")


def write_page(
    title: str,
    tables: Sequence[Table],
    constants: Mapping[str, str],
    figures: Sequence[Figure],
    pictures: Sequence[Picture],
) -> str:
    """The whole page; every text in it is escaped."""
    return _PAGE.substitute(
        title=escape(title),
        intervals=escape(intervals_note()),
        constants=escape(constants_note(constants)),
        tables="\n".join(_table(table) for table in tables),
        figures="\n".join(_chart(figure) for figure in figures),
        pictures="\n".join(_gallery(pictures)),
        true_color=_css(TRUE_COLOR),
        predicted_color=_css(PREDICTED_COLOR),
    )


def _table(table: Table) -> str:
    header = "".join(f"<th>{escape(column)}</th>" for column in table.header)
    rows = "\n".join(_row(row) for row in table.rows)
    legend = "".join(f"<dt>{escape(column)}</dt><dd>{escape(text)}</dd>" for column, text in table.legend)
    return (
        f'<h2>{escape(table.title)}</h2><div class="scroll"><table><thead><tr>{header}</tr></thead>'
        f"<tbody>\n{rows}\n</tbody></table></div><dl>{legend}</dl>"
    )


def _row(row: Sequence[Cell]) -> str:
    kind = ' class="macro"' if row[0].figure == MACRO else ""
    return f"<tr{kind}>{''.join(map(_cell, row))}</tr>"


def _cell(cell: Cell) -> str:
    interval = f" <small>{escape(cell.interval)}</small>" if cell.interval else ""
    return f"<td>{escape(cell.figure)}{interval}</td>"


def _chart(figure: Figure) -> str:
    return _CHART.substitute(
        title=escape(figure.title),
        png=base64.b64encode(figure.png).decode("ascii"),
        alt=escape(figure.alt),
        caption=escape(figure.caption),
    )


def _gallery(pictures: Sequence[Picture]) -> list[str]:
    return [
        f'<h3>{escape(modality.replace("_", " "))}</h3><div class="pictures">{"".join(map(_figure, own))}</div>'
        for modality, own in groupby(pictures, key=lambda picture: picture.outcome.modality)
    ]


def _figure(picture: Picture) -> str:
    outcome = picture.outcome
    return _FIGURE.substitute(
        png=base64.b64encode(picture.png).decode("ascii"),
        id=escape(outcome.id),
        dataset=escape(outcome.dataset),
        tag=escape(picture.tag),
        question=escape(outcome.question),
        answer="" if outcome.text is None else f"<p>A: {escape(outcome.text)}</p>",
        true_answer=escape(outcome.true_answer),
        verdict=escape(picture.verdict),
    )


def _css(color: tuple[int, int, int]) -> str:
    return f"rgb{color}"
