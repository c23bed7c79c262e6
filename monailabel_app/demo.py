"""Questions asked over HTTP as a client would, and their answers shown: the proof in `./scripts/serve`."""

from __future__ import annotations

import itertools
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import requests
from numpy.typing import NDArray
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from monailabel_app.client import Reply, ServerError, ask, download_image, list_images
from prsmed.imaging import (
    Volume,
    demo_phantoms,
    draw_overlay,
    extract,
    read_volume,
    side_letters,
    to_display,
    write_demo_studies,
)

# Asked about the first images of a folder we know nothing about.
_PROMPTS = ("Where is the lesion?", "Is there a tumour? Where?", "Is there a kidney stone?")


@dataclass(frozen=True)
class DemoQuestion:
    """What is asked of which image.

    Attributes:
        image: Id in the datastore.
        prompt: The question.
        params: The rest of the Ask contract, e.g. ``{"slice": 12}``.
    """

    image: str
    prompt: str
    params: dict[str, Any] = field(default_factory=dict)


def demo_questions(folder: Path) -> list[DemoQuestion]:
    """Write the demonstration studies into ``folder``; ask about each, of the last what is not there."""
    write_demo_studies(folder)
    lesions = {name: mask for name, (_, mask) in demo_phantoms().items()}
    nodule = int(lesions["chest_ct"].sum(axis=(0, 1)).argmax())
    tumour = int(lesions["brain_mr"].sum(axis=(0, 1)).argmax())
    return [
        DemoQuestion("chest_ct", "Where is the lung nodule in this CT?", {"slice": nodule}),
        DemoQuestion("brain_mr", "Where is the brain tumour?", {"slice": tumour}),
        DemoQuestion("skin_photo", "Is there a kidney stone?"),
    ]


def questions_about(url: str) -> list[DemoQuestion]:
    """Three questions about the first images of a server; none when it has none."""
    images = list_images(url)[: len(_PROMPTS)]
    return [DemoQuestion(*pair) for pair in zip(itertools.cycle(images), _PROMPTS, strict=False)]


def ask_and_show(url: str, number: int, question: DemoQuestion, folder: Path, console: Console) -> bool:
    """Ask one question and print what came back.

    Args:
        url: The server.
        number: Which question this is, for file names.
        question: What to ask.
        folder: Where the mask and the overlay picture are written.
        console: Where to print.

    Returns:
        Whether it was answered.
    """
    console.rule(escape(f"{number}. {question.image}: {question.prompt}"))
    started = time.monotonic()
    try:
        with console.status("Asking ..."):
            reply = ask(url, question.image, {"prompt": question.prompt, **question.params})
        elapsed = time.monotonic() - started
        _show_answer(reply.answer, elapsed, console)
        if reply.mask is None:
            console.print("No mask: nothing was found to outline.")
        else:
            for path in _write_files(url, number, question, reply, folder):
                console.print(f"Written: {escape(str(path))}", highlight=False)
    except (ServerError, requests.RequestException) as error:
        console.print(f"[red]Not answered:[/red] {escape(str(error))}", highlight=False)
        return False
    return True


def _show_answer(answer: dict[str, Any], elapsed: float, console: Console) -> None:
    console.print(f"[bold]{escape(answer['answer'])}[/bold]", highlight=False)
    present, agreement = answer["present"], answer["agreement"]
    console.print(f"Present: {present['probability']:.2f} (threshold {present['threshold']:.2f})")
    verdict = {True: "agree", False: "[red]disagree[/red]", None: "cannot be compared"}[agreement["agrees"]]
    console.print(f"Words say {agreement['text_zone']}, mask says {agreement['mask_zone']}: they {verdict}")
    if answer["findings"]:
        console.print(_findings_table(answer["findings"]))
    parts = ", ".join(f"{name} {value:.0f}" for name, value in answer["latencies_ms"].items())
    console.print(f"{elapsed:.2f} s over HTTP (ms in the model: {parts}); model {answer['model']['version']}")


def _findings_table(findings: list[dict[str, Any]]) -> Table:
    table = Table("finding", "zone", "side", "diameter", "area", "volume", "sure")
    for finding in findings:
        volume = finding["volume_mm3"]
        table.add_row(
            escape(finding["name"]),
            finding["zone"]
            + (" (near centre)" if finding["near_center"] and finding["zone"] != "center" else ""),
            finding["patient_side"] or "unknown",
            f"{finding['longest_diameter_mm']:.1f} mm",
            f"{finding['area_mm2']:.0f} mm²",
            "" if volume is None else f"{volume:.0f} mm³",
            f"{finding['confidence']:.2f}",
        )
    return table


def _write_files(
    url: str, number: int, question: DemoQuestion, reply: Reply, folder: Path
) -> tuple[Path, Path]:
    assert reply.mask is not None
    folder.mkdir(parents=True, exist_ok=True)
    mask_file = folder / f"{number}_{question.image}_mask{reply.extension}"
    mask_file.write_bytes(reply.mask)
    with tempfile.TemporaryDirectory() as downloads:
        image = read_volume(download_image(url, question.image, Path(downloads)))
    picture_file = folder / f"{number}_{question.image}_overlay.png"
    _draw(image, read_volume(mask_file).voxels, question.prompt, reply.answer, picture_file)
    return mask_file, picture_file


def _draw(image: Volume, mask: NDArray[np.generic], prompt: str, answer: dict[str, Any], path: Path) -> None:
    view = answer["view"]
    image_slice = extract(image, view["plane"], view["slice"])
    labels = Volume(mask, image.affine, has_patient_space=image.has_patient_space)
    draw_overlay(
        to_display(image_slice, view["window"]),
        extract(labels, view["plane"], view["slice"]).pixels,
        spacing=image_slice.spacing,
        sides=side_letters(image_slice),
        text=f"{prompt}\n{answer['answer']}",
    ).save(path)
