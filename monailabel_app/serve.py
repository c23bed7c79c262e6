"""`./scripts/serve`: start the server, ask it three questions over HTTP, and go on serving."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from monailabel.config import settings
from rich.console import Console
from rich.markup import escape

from monailabel_app.demo import DemoQuestion, ask_and_show, demo_questions, questions_about
from monailabel_app.guard.neighbours import LOOPBACK
from monailabel_app.process import ServerProcess, StartFailed

CHECKOUT = Path(__file__).resolve().parents[1]
BUILD = CHECKOUT / "build"
FIRST_PORT, PORTS_TRIED = 8000, 100
_EXIT_OK, _EXIT_FAILED, _EXIT_USAGE = 0, 1, 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns:
        0; 1 when the server did not start or a question failed; 2 for a mistake on the command line.
    """
    options = _parser().parse_args(argv)
    console = Console(soft_wrap=True)
    try:
        _check_reach(options.host)
        port = free_port(options.host, options.port)
        studies, questions = _studies(options.studies)
    except ValueError as error:
        console.print(f"[red]{escape(str(error))}[/red]")
        return _EXIT_USAGE
    # Both leave through `finally`, so that no server is left behind; a shell's background job ignores SIGINT otherwise.
    signal.signal(signal.SIGINT, _interrupt)
    signal.signal(signal.SIGTERM, _interrupt)
    server = ServerProcess(studies, options.host, port, options.model, BUILD / "serve" / "server.log")
    try:
        return _run(server, questions, options.once, console)
    except StartFailed as error:
        console.print(
            f"[red]The server did not start.[/red]\n{escape(str(error))}\nIts whole log: {server.log}",
            highlight=False,
        )
        return _EXIT_FAILED
    except KeyboardInterrupt:
        console.print("Stopping.")
        return _EXIT_OK
    finally:
        server.stop()


def _run(server: ServerProcess, questions: list[DemoQuestion] | None, once: bool, console: Console) -> int:
    server.start()
    with console.status("Starting (about 20 seconds) ...") as status:
        for line in server.wait_until_ready():
            status.update(escape(f"Starting ... {line[:90]}"))
    console.print(
        f"[green]Serving[/green] {escape(server.studies)} at {server.url} (log: {server.log})",
        highlight=False,
    )
    questions = questions_about(server.url) if questions is None else questions
    answered = [
        ask_and_show(server.url, number, question, BUILD / "serve", console)
        for number, question in enumerate(questions, start=1)
    ]
    all_answered = bool(answered) and all(answered)
    if not questions:
        console.print("[yellow]No images were found to ask about.[/yellow]")
    elif not all_answered:
        console.print(f"[red]Not every question was answered;[/red] see {server.log}", highlight=False)
    if once:
        return _EXIT_OK if all_answered else _EXIT_FAILED
    _show_commands(server.url, questions, console)
    return _EXIT_OK if server.wait() == 0 else _EXIT_FAILED


def _show_commands(url: str, questions: list[DemoQuestion], console: Console) -> None:
    image = questions[0].image if questions else "IMAGE_ID"
    console.rule("Ask your own (Ctrl-C stops the server)")
    for command in (
        f"curl '{url}/datastore/?output=all'",
        f"curl '{url}/infer/prsmed?image={image}&output=json' \\\n"
        '     -F \'params={"prompt": "Where is the lesion?"}\'',
        f"curl '{url}/infer/prsmed?image={image}&output=image' -o mask.nii.gz \\\n"
        '     -F \'params={"prompt": "Where is the lesion?", "mode": "volume"}\'',
        f"curl -N '{url}/ask/{image}' --json '{{\"prompt\": \"Where is the lesion?\"}}'",
    ):
        console.print(command, highlight=False, markup=False)
    console.print(f"In 3D Slicer: module MONAI Label, server {url}, Auto Segmentation, model prsmed.", highlight=False)


def _studies(given: str | None) -> tuple[str, list[DemoQuestion] | None]:
    """What to serve, and what to ask; ``None`` when that depends on what is found."""
    if given is None:
        folder = BUILD / "demo_studies"
        return str(folder), demo_questions(folder)
    if not given.startswith(("http://", "https://")) and not Path(given).is_dir():
        raise ValueError(f"--studies {given} is no folder; give a folder of images or the URL of a DICOMweb server")
    return given, None


def _check_reach(host: str) -> None:
    """A server that others reach has to ask who they are."""
    asks = os.environ.get("PRSMED_API_KEYS") or settings.MONAI_LABEL_AUTH_ENABLE
    if not asks and host not in LOOPBACK:
        raise ValueError(
            f"--host {host} is reached from other machines, so the server must ask for keys: make one with "
            "`python -m monailabel_app.keys FILE NAME --role admin` and set PRSMED_API_KEYS=FILE (docs/operations.md), "
            "or leave --host out"
        )


def free_port(host: str = "127.0.0.1", wanted: int | None = None) -> int:
    """``wanted``, or the first free port from :data:`FIRST_PORT`.

    Raises:
        ValueError: It is taken, or all are.
    """
    if wanted is not None:
        if not 1 <= wanted <= 65535:
            raise ValueError(f"--port {wanted} is outside 1..65535; choose another, or leave --port out")
        if not _is_free(host, wanted):
            raise ValueError(f"--port {wanted} is taken on {host}; choose another, or leave --port out")
        return wanted
    for port in range(FIRST_PORT, FIRST_PORT + PORTS_TRIED):
        if _is_free(host, port):
            return port
    last = FIRST_PORT + PORTS_TRIED - 1
    raise ValueError(f"no port from {FIRST_PORT} to {last} is free on {host}; name one with --port")


def _is_free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _interrupt(signum: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="serve",
        description="Serve medical images with PRS-Med through MONAI Label, ask three questions over HTTP to "
        "show that it works, print the answers and where masks and overlay pictures are, and go on serving.",
    )
    parser.add_argument(
        "--studies",
        metavar="DIR|URL",
        help="folder of NIfTI, NRRD, PNG, JPEG files and DICOM series folders, or a DICOMweb server's URL "
        "(default: demo studies made on the spot)",
    )
    parser.add_argument("--model", metavar="PATH|NAME", help="checkpoint folder or preset name (default: nano)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument(
        "--port",
        type=int,
        metavar="N",
        help=f"port to listen on (default: the first free one from {FIRST_PORT})",
    )
    parser.add_argument(
        "--once", action="store_true", help="stop after the three questions; exit 0 if all were answered"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
