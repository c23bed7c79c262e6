"""`./scripts/benchmark`: many questions at once, to our application and to MONAI Label's stock one."""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import requests
from rich.console import Console
from rich.table import Table

from monailabel_app.ask import share_processors
from monailabel_app.benchmark_mask import MaskRow, measure_mask
from monailabel_app.client import ask
from monailabel_app.process import ServerProcess
from monailabel_app.serve import BUILD, free_port
from prsmed.imaging import extract, read_volume, write_demo_studies
from prsmed.inference import Engine

_IMAGE, _PROMPT = "chest_ct", "Where is the lung nodule in this CT?"
_INFO_PAUSE_SECONDS = 0.1


@dataclass(frozen=True)
class Row:
    """Medians over rounds of one way to ask the same questions.

    Attributes:
        name: Which way.
        total_s: From the first question to the last answer.
        first_s: Until the first answer.
        ratio: ``total_s`` against the bare model's.
        info_p95_ms: 95th percentile of ``GET /info/`` meanwhile.
    """

    name: str
    total_s: float
    first_s: float
    ratio: float
    info_p95_ms: float


def measure(clients: int, rounds: int, model: str, console: Console) -> tuple[list[Row], list[MaskRow]]:
    """The bare model one question after the other, then each application with all at once, in turns; then one client.

    Every question is about another slice and window, so that nothing is remembered.
    """
    with tempfile.TemporaryDirectory() as folder:
        write_demo_studies(Path(folder))
        bare = _bare_model(Path(folder), clients, model)
        with (
            _running(folder, model, "monailabel_app.asgi:app") as ours,
            _running(folder, model, "monailabel.app:app") as stock,
        ):
            ways: dict[str, Callable[[int], tuple[float, float, list[float]]]] = {
                "bare model, in turn": bare,
                "this server": lambda number: _all_at_once(ours, clients, number),
                "MONAI Label's stock application": lambda number: _all_at_once(stock, clients, number),
            }
            for way in ways.values():
                way(0)
            results: dict[str, list[tuple[float, float, list[float]]]] = {name: [] for name in ways}
            for number in range(1, rounds + 1):
                for name, way in ways.items():
                    console.print(f"round {number} of {rounds}: {name}", style="dim")
                    results[name].append(way(number))
            console.print("one client alone", style="dim")
            masks = measure_mask(ours, stock, _IMAGE, rounds)
    model_s = statistics.median(total for total, _, _ in results["bare model, in turn"])
    return [_row(name, found, model_s) for name, found in results.items()], masks


def _row(name: str, found: list[tuple[float, float, list[float]]], model_s: float) -> Row:
    total, first = (statistics.median(values) for values in list(zip(*found, strict=True))[:2])
    waits = [seconds for _, _, infos in found for seconds in infos]
    p95 = 1000 * float(np.percentile(waits, 95)) if waits else 0.0
    return Row(name, round(total, 3), round(first, 3), round(total / model_s, 3), round(p95, 1))


def _bare_model(folder: Path, count: int, model: str) -> Callable[[int], tuple[float, float, list[float]]]:
    share_processors()
    engine = Engine.load(model)
    volume = read_volume(next(folder.glob(f"{_IMAGE}*")))
    slices = [extract(volume, "axial", index) for index in range(count)]

    def run(number: int) -> tuple[float, float, list[float]]:
        started, first = time.perf_counter(), 0.0
        for image_slice in slices:
            engine.ask(image_slice, _PROMPT, window=_window(number))
            first = first or time.perf_counter() - started
        return time.perf_counter() - started, first, []

    return run


def _all_at_once(url: str, clients: int, number: int) -> tuple[float, float, list[float]]:
    finished: list[float] = []
    infos: list[float] = []
    is_over = threading.Event()

    def look() -> None:
        while not is_over.is_set():
            began = time.perf_counter()
            requests.get(f"{url}/info/", timeout=600).raise_for_status()
            infos.append(time.perf_counter() - began)
            time.sleep(_INFO_PAUSE_SECONDS)

    def one(index: int) -> None:
        ask(url, _IMAGE, {"prompt": _PROMPT, "plane": "axial", "slice": index, "window": _window(number)})
        finished.append(time.perf_counter() - started)

    looking = threading.Thread(target=look)
    with ThreadPoolExecutor(clients) as pool:
        started = time.perf_counter()
        looking.start()
        list(pool.map(one, range(clients)))
    is_over.set()
    looking.join()
    return max(finished), min(finished), infos


def _window(number: int) -> tuple[float, float]:
    return -600.0 + number, 1500.0


@contextmanager
def _running(studies: str, model: str, application: str) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as logs:
        server = ServerProcess(studies, "127.0.0.1", free_port(), model, Path(logs) / "log", application)
        try:
            server.start()
            for _ in server.wait_until_ready():
                pass
            yield server.url
        finally:
            server.stop()


def _mask_table(rows: list[MaskRow], rounds: int) -> Table:
    table = Table(title=f"Milliseconds to the mask, one client, medians of {rounds} rounds with 95 % intervals")
    for column in (
        "",
        "first question",
        "against the stock one's",
        "another about the slice",
        "against the stock one's",
    ):
        table.add_column(column)
    for row in rows:
        spans = (row.first, row.first_ratio, row.repeated, row.repeated_ratio)
        table.add_row(row.name, *(f"{span.value:.3g} ({span.low:.3g} - {span.high:.3g})" for span in spans))
    return table


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; 0."""
    parser = argparse.ArgumentParser(
        prog="benchmark", description="Ask many questions at once and see how long answers and GET /info/ take."
    )
    parser.add_argument("--clients", type=int, default=8, help="questions at once (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="medians are over so many (default: %(default)s)")
    parser.add_argument("--model", default="nano", help="preset or checkpoint folder (default: %(default)s)")
    options = parser.parse_args(argv)
    console = Console(soft_wrap=True)
    rows, masks = measure(options.clients, options.rounds, options.model, console)
    table = Table(title=f"{options.clients} questions at once, {options.model}, medians of {options.rounds} rounds")
    for column in ("", "all answered (s)", "first answer (s)", "against the bare model", "GET /info/ p95 (ms)"):
        table.add_column(column)
    for row in rows:
        info = f"{row.info_p95_ms:.0f}" if row.info_p95_ms else ""
        table.add_row(row.name, f"{row.total_s:.2f}", f"{row.first_s:.2f}", f"{row.ratio:.2f} times", info)
    console.print(table)
    console.print(_mask_table(masks, options.rounds))
    BUILD.mkdir(exist_ok=True)
    file = BUILD / "benchmark.json"
    found = {"load": [asdict(row) for row in rows], "mask": [asdict(row) for row in masks]}
    file.write_text(json.dumps(found, indent=2) + "\n")
    console.print(f"Written: {file}", highlight=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
