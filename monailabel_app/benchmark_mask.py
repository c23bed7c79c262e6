"""`./scripts/benchmark`: how soon a mask is at the client, over each route of our server and the stock one's."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import requests

from monailabel_app.client import ask
from prsmed.benchmark.timing import Median, median_of, ratio_of

_TIMEOUT_SECONDS = 600
_MASK_EVENT = b"event: mask"
STOCK = "MONAI Label's stock application, POST /infer"
OURS, STREAMED = "this server, POST /infer", "this server, POST /ask"
_PROMPTS = ("Where is the lung nodule in this CT?", "Is there a lung nodule in this slice?")


@dataclass(frozen=True)
class MaskRow:
    """Milliseconds to the mask's file, of one client alone.

    Attributes:
        name: Application and route. /infer sends the mask with the answer, as a multipart body.
        first: Of the first question about a slice.
        repeated: Of another question about it.
        first_ratio, repeated_ratio: Against the stock application's, within rounds.
    """

    name: str
    first: Median
    repeated: Median
    first_ratio: Median
    repeated_ratio: Median


def measure_mask(ours: str, stock: str, image: str, rounds: int) -> list[MaskRow]:
    """Ask every route about another slice and window in every round, so that nothing is remembered at first."""
    routes: dict[str, Callable[[str, float], float]] = {
        STREAMED: lambda prompt, window: _streamed(ours, image, _question(prompt, window)),
        OURS: lambda prompt, window: _whole(ours, image, _question(prompt, window)),
        STOCK: lambda prompt, window: _whole(stock, image, _question(prompt, window)),
    }
    times: dict[str, list[list[float]]] = {name: [] for name in routes}
    window = 0.0
    for number in range(rounds + 1):
        turned = [*routes.items()][number % len(routes) :] + [*routes.items()][: number % len(routes)]
        for name, route in turned:
            window += 1
            found = [route(prompt, window) for prompt in _PROMPTS]
            if number:  # the first round warms up
                times[name].append(found)
    first = {name: [pair[0] for pair in pairs] for name, pairs in times.items()}
    repeated = {name: [pair[1] for pair in pairs] for name, pairs in times.items()}
    return [
        MaskRow(
            name,
            median_of(first[name]),
            median_of(repeated[name]),
            ratio_of(first[name], first[STOCK]),
            ratio_of(repeated[name], repeated[STOCK]),
        )
        for name in routes
    ]


def _question(prompt: str, window: float) -> dict[str, Any]:
    return {"prompt": prompt, "plane": "axial", "slice": 14, "window": (-500.0 + window, 1500.0)}


def _whole(url: str, image: str, params: dict[str, Any]) -> float:
    started = time.perf_counter()
    ask(url, image, params)
    return 1000 * (time.perf_counter() - started)


def _streamed(url: str, image: str, params: dict[str, Any]) -> float:
    """Until the whole of the mask's event is here; the rest is read too, or the question would be cancelled."""
    started, to_mask, is_mask = time.perf_counter(), 0.0, False
    with requests.post(f"{url}/ask/{image}", json=params, stream=True, timeout=_TIMEOUT_SECONDS) as response:
        response.raise_for_status()
        for line in response.iter_lines():
            if is_mask and line.startswith(b"data:"):
                to_mask = 1000 * (time.perf_counter() - started)
            is_mask = line == _MASK_EVENT
    return to_mask
