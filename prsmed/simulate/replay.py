"""`prsmed simulate`: every strategy against every other, over the same pools and the same held-out images."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from prsmed.errors import PRSMedError
from prsmed.files import write_whole
from prsmed.learning.strategies import Strategy
from prsmed.model.checkpoint import find_checkpoint, read_manifest
from prsmed.simulate.cases import Cases, read_cases
from prsmed.simulate.model import choose, dice_of, first_checkpoint, fit, open_model
from prsmed.simulate.report import Curves, write_report
from prsmed.simulate.settings import SimulationConfig

_MAY_GROW = ("strategies", "seeds")
"""Runs do not know of each other, so more of them may be added to a folder."""
_SETTINGS, _RUNS, _START = "settings.json", "runs", "start.json"
Report = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and all of it."""


def simulate(data: Path, out: Path, config: SimulationConfig, model: str | Path, report: Report) -> Curves:
    """Replay a labelled set as if a reader corrected it, choosing by each strategy.

    At every round the strategy chooses images of the pool with the model of the round before (the first time the one it
    begins with), the reader's labels are the set's own, and the start is fine-tuned on all that is labelled so far. A
    killed simulation goes on where it was in the same folder, and one that is done takes more strategies and seeds.

    Args:
        data: Folder of the set (docs/data.md).
        out: Folder for ``curves.csv``, ``curves.png`` and ``summary.json``.
        config: What is compared.
        model: Shipped weights by name, or a checkpoint folder, to begin with.
        report: Told how far it is.

    Raises:
        PRSMedError: ``other_run`` for a folder with another simulation; ``too_few_images``; what data, checkpoint or
            training are refused with.
    """
    given = find_checkpoint(model)
    if read_manifest(given).kind != "prsmed":
        raise PRSMedError("bad_checkpoint", f"{model} reads no questions; choose a prsmed checkpoint")
    cases = read_cases(data, config)
    out.mkdir(parents=True, exist_ok=True)
    facts = {**config.to_json(), "model_sha256": read_manifest(given).sha256, "images": len(cases.train)}
    _claim(out, {name: value for name, value in facts.items() if name not in _MAY_GROW})
    start = first_checkpoint(given, config.size, out / "start")
    begun = _remember(out / _START, lambda: {"dice": dice_of(open_model(start), cases)})
    told = _Told(report, config)
    runs: dict[tuple[Strategy, int], list[dict[str, Any]]] = {}
    for strategy, seed in config.runs():
        runs[strategy, seed] = _replay(start, cases, out, config, strategy, seed, told)
    curves = Curves.of(runs, float(begun["dice"]), config)
    write_report(curves, facts, out)
    return curves


class _Told:
    """Counts fine-tunings over all runs."""

    def __init__(self, report: Report, config: SimulationConfig) -> None:
        self._report, self._done = report, 0
        self._total = config.rounds * config.seeds * len(config.strategies)

    def steps(self, done: int, total: int) -> None:
        """Within one."""
        if done == total:
            self._done += 1
            self._report("fine-tunings", self._done, self._total)

    def known(self, count: int) -> None:
        """Those that an earlier process has made."""
        if count:
            self._done += count
            self._report("fine-tunings", self._done, self._total)


def _replay(
    start: Path, cases: Cases, out: Path, config: SimulationConfig, strategy: Strategy, seed: int, told: _Told
) -> list[dict[str, Any]]:
    """The rounds of one run: what was chosen, and the Dice after learning from all chosen so far."""
    file = out / _RUNS / f"{strategy}-{seed}.json"
    file.parent.mkdir(exist_ok=True)
    rounds: list[dict[str, Any]] = json.loads(file.read_bytes()) if file.exists() else []
    told.known(min(len(rounds), config.rounds))
    pool = cases.pool(config.pool, seed)
    for number in range(len(rounds), config.rounds):
        labelled = [name for past in rounds for name in past["chosen"]]
        if number:
            chosen = rounds[-1]["next"]
        else:
            chosen = _choose(open_model(start), cases, pool, [], config, strategy, seed, number)
        labelled += chosen
        model = fit(start, cases, labelled, out / "fit", config, seed, told.steps)
        is_last = number + 1 == config.rounds
        following = [] if is_last else _choose(model, cases, pool, labelled, config, strategy, seed, number + 1)
        rounds.append({"chosen": chosen, "dice": dice_of(model, cases), "next": following})
        write_whole(json.dumps(rounds).encode(), file)
    return rounds


def _choose(
    model: Any,
    cases: Cases,
    pool: list[str],
    labelled: list[str],
    config: SimulationConfig,
    strategy: Strategy,
    seed: int,
    number: int,
) -> list[str]:
    return choose(model, cases, pool, labelled, strategy, config.per_round, np.random.default_rng([seed, 2, number]))


def _claim(out: Path, facts: dict[str, Any]) -> None:
    """Make the folder that of this simulation.

    Raises:
        PRSMedError: ``other_run``.
    """
    known = _remember(out / _SETTINGS, lambda: facts)
    given = json.loads(json.dumps(facts))
    if known != given:
        changed = sorted(key for key in known.keys() | given.keys() if known.get(key) != given.get(key))
        raise PRSMedError(
            "other_run",
            f"{out.name} holds a simulation with other settings ({', '.join(changed)}); resume it with its own, "
            "or give another --out",
        )


def _remember(file: Path, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What a file holds, made now where it is not there yet."""
    if not file.exists():
        write_whole(json.dumps(make(), indent=2).encode(), file)
    told: dict[str, Any] = json.loads(file.read_bytes())
    return told
