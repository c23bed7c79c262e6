"""Questions asked over HTTP as a client would, and their answers shown: the proof in `./scripts/serve`."""

from __future__ import annotations

import itertools
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from rich.console import Console
from rich.markup import escape

from monailabel_app.client import Reply, ServerError, ask, download_image, list_images
from prsmed.imaging import demo_phantoms, draw_slice, read_volume, write_demo_studies
from prsmed.show import show_answer

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
        show_answer(reply.answer, console)
        console.print(f"{elapsed:.2f} s over HTTP", style="dim")
        if reply.mask is None:
            console.print("No mask: nothing was found to outline.")
        else:
            for path in _write_files(url, number, question, reply, folder):
                console.print(f"Written: {escape(str(path))}", highlight=False)
    except (ServerError, requests.RequestException) as error:
        console.print(f"[red]Not answered:[/red] {escape(str(error))}", highlight=False)
        return False
    return True


def _write_files(url: str, number: int, question: DemoQuestion, reply: Reply, folder: Path) -> tuple[Path, Path]:
    assert reply.mask is not None
    folder.mkdir(parents=True, exist_ok=True)
    mask_file = folder / f"{number}_{question.image}_mask{reply.extension}"
    mask_file.write_bytes(reply.mask)
    with tempfile.TemporaryDirectory() as downloads:
        image = read_volume(download_image(url, question.image, Path(downloads)))
    picture_file = folder / f"{number}_{question.image}_overlay.png"
    view = reply.answer["view"]
    draw_slice(
        image,
        read_volume(mask_file).voxels,
        view["plane"],
        view["slice"],
        window=view["window"],
        text=f"{question.prompt}\n{reply.answer['answer']}",
    ).save(picture_file)
    return mask_file, picture_file
