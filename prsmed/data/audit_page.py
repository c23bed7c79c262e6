"""An audit as one HTML file that needs no other: distributions as bars, doubtful images as pictures."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from string import Template

import numpy as np
from PIL import Image

from prsmed.data.audit_findings import Audit, Listed, Pair, Zones
from prsmed.data.audit_tables import Table, alike, summary, tables
from prsmed.data.images import read_image
from prsmed.data.record import Record
from prsmed.errors import PRSMedError
from prsmed.imaging.overlay import draw_overlay
from prsmed.position.findings import ZONES, Zone

PICTURES = 24
"""Examples of a finding that are drawn."""
_SIDE = 280
# Told apart by people who cannot tell red from green (the colours of Okabe and Ito).
_COLORS: dict[Zone, str] = dict(zip(ZONES, ("#0072b2", "#56b4e9", "#e69f00", "#f0e442", "#999999"), strict=True))
# Every value is escaped, or made here, before it is put in.
_PAGE = Template("""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>$title</title>
<style>
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 90rem; padding: 0 1rem; color: #1c2430 }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { padding: .3rem .7rem; text-align: right; border-bottom: 1px solid #d8dde4; white-space: nowrap }
th.word, td.word { text-align: left }
.note, figcaption, .bars { font-size: 13px; color: #4a5460 }
.scroll { overflow-x: auto }
.bars { display: grid; grid-template-columns: max-content 4rem 1fr; gap: .25rem .8rem; align-items: center }
.bar { display: flex; height: 1.1rem } .bar span { display: block }
.key { display: inline-block; width: .9em; height: .9em; margin: 0 .3em -.1em .9em }
.pictures { display: flex; flex-wrap: wrap; gap: 1rem; align-items: flex-start }
.pair { display: flex; gap: .3rem; padding: .4rem; background: #eef1f5 }
figure { margin: 0; width: ${side}px } figcaption { overflow-wrap: anywhere }
figure img { width: ${side}px }
</style></head><body>
$summary
<h2>Where the targets are</h2>
<p class="note">$key</p>
<div class="bars">$bars</div>
$tables
$pictures
<p>Research use only, not a medical device.</p>
</body></html>
""")


def write_page(audit: Audit, root: Path, out: Path) -> None:
    """Write the page; its pictures are read anew, at most :data:`PICTURES` a finding.

    Args:
        audit: What was found.
        root: Folder the records' paths are relative to.
        out: The HTML file; its folder is made when it is not there.
    """
    top = summary(audit)
    page = _PAGE.substitute(
        title=escape(top.title),
        side=_SIDE,
        summary=_table(top, "h1"),
        key="".join(f'<span class="key" style="background:{_COLORS[zone]}"></span>{zone}' for zone in ZONES),
        bars="\n".join(bar for zones in audit.zones for bar in _bars(zones)),
        tables="\n".join(_table(table, "h2") for table in tables(audit)),
        pictures="\n".join(_sections(audit, root)),
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(page, encoding="utf-8")


def _table(table: Table, heading: str) -> str:
    kinds = ["word" if i < table.words or name == "meaning" else "" for i, name in enumerate(table.header)]
    head = "".join(f'<th class="{kind}">{escape(name)}</th>' for kind, name in zip(kinds, table.header, strict=True))
    rows = "\n".join(
        "<tr>" + "".join(f'<td class="{k}">{escape(cell)}</td>' for k, cell in zip(kinds, row, strict=True)) + "</tr>"
        for row in table.rows
    )
    return (
        f'<{heading}>{escape(table.title)}</{heading}><div class="scroll"><table><thead><tr>{head}</tr></thead>'
        f'<tbody>\n{rows}\n</tbody></table></div><p class="note">{escape(table.note)}</p>'
    )


def _bars(zones: Zones) -> Iterable[str]:
    name = escape(f"{zones.modality.replace('_', ' ')}, {zones.split} ({zones.images:,})")
    yield f"<span>{name}</span><span>box</span>{_bar(zones.box, zones.images)}"
    yield f"<span></span><span>area</span>{_bar(zones.area, zones.images)}"


def _bar(counts: Mapping[Zone, int], total: int) -> str:
    parts = "".join(
        f'<span style="width:{100 * count / total:.2f}%;background:{_COLORS[zone]}" title="{zone}: {count}"></span>'
        for zone, count in counts.items()
    )
    return f'<div class="bar">{parts}</div>'


def _sections(audit: Audit, root: Path) -> Iterable[str]:
    first = [record for found in audit.shared_groups.shown[:PICTURES] for record in found.firsts]
    yield _section("Groups in two splits", audit.shared_groups.count, (_figure(r, root, r.group) for r in first))
    yield _section("Same picture in two splits", audit.leaks.count, _pairs(audit.leaks, root))
    yield _section("Same picture twice in a split", audit.duplicates.count, _pairs(audit.duplicates, root))
    for title, records in (
        ("Empty masks", audit.empty),
        ("Masks with specks", audit.specks),
        ("Masks with grey values", audit.gray),
    ):
        yield _section(title, records.count, (_figure(r, root, r.dataset) for r in records.shown[:PICTURES]))


def _section(title: str, count: int, figures: Iterable[str]) -> str:
    if not count:
        return ""
    return f'<h2>{escape(title)}: {count:,}</h2><div class="pictures">{"".join(figures)}</div>'


def _pairs(found: Listed[Pair], root: Path) -> Iterable[str]:
    for pair in found.shown[:PICTURES]:
        figures = (_figure(record, root, alike(pair)) for record in (pair.first, pair.second))
        yield f'<div class="pair">{"".join(figures)}</div>'


def _figure(record: Record, root: Path, words: str) -> str:
    caption = f"{record.image}, {record.split}: {words}"
    try:
        picture = f'<img src="data:image/jpeg;base64,{_thumbnail(record, root)}" alt="{escape(record.image)}">'
    except PRSMedError as error:
        picture, caption = "", f"{caption}; {error}"
    return f"<figure>{picture}<figcaption>{escape(caption)}</figcaption></figure>"


def _thumbnail(record: Record, root: Path) -> str:
    pixels, mask = read_image(record, root)
    color = pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)
    picture = draw_overlay(color, mask, spacing=(1.0, 1.0))
    picture.thumbnail((_SIDE, 2 * _SIDE), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    picture.save(buffer, format="JPEG", quality=80)
    return base64.b64encode(buffer.getvalue()).decode("ascii")
