"""An answer on a terminal."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table


def show_answer(answer: dict[str, Any], console: Console) -> None:
    """Print the words, the verdict and the findings of an answer in the JSON of the Ask contract."""
    present, agreement = answer["present"], answer["agreement"]
    console.print(f"[bold]{escape(answer['answer'])}[/bold]", highlight=False)
    verdict = {True: "[green]agree[/green]", False: "[red]disagree[/red]", None: "cannot be compared"}
    console.print(
        f"Words say {agreement['text_zone'] or 'no place'}, the mask says {agreement['mask_zone']}: "
        f"they {verdict[agreement['agrees']]}. "
        f"Present with probability {present['probability']:.2f} (threshold {present['threshold']:.2f}).",
        highlight=False,
    )
    if answer["findings"]:
        console.print(_findings_table(answer["findings"]))
    times = ", ".join(f"{step} {value:.0f} ms" for step, value in answer["latencies_ms"].items())
    console.print(f"Model {answer['model']['version']}; {times}. Research use only.", style="dim", highlight=False)


def _findings_table(findings: list[dict[str, Any]]) -> Table:
    table = Table("finding", "zone", "side", "diameter", "area", "volume", "sure")
    for finding in findings:
        near = ", near the center" if finding["near_center"] and finding["zone"] != "center" else ""
        volume = finding["volume_mm3"]
        table.add_row(
            escape(finding["name"]),
            finding["zone"] + near,
            finding["patient_side"] or "unknown",
            f"{finding['longest_diameter_mm']:.1f} mm",
            f"{finding['area_mm2']:.0f} mm²",
            "" if volume is None else f"{volume:.0f} mm³",
            f"{finding['confidence']:.2f}",
        )
    return table
