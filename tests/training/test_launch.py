"""The real launcher, the real command line, the shipped weights: two processes on this CPU."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from launched import free_port
from PIL import Image
from small_set import write_set

from prsmed.model.checkpoint import load_checkpoint

pytestmark = pytest.mark.slow


def launch(*words: str) -> str:
    """`torchrun -m prsmed WORDS` in two processes; what they said."""
    place = ["--nnodes", "1", "--nproc-per-node", "2", "--master-addr", "127.0.0.1", "--master-port", str(free_port())]
    command = [sys.executable, "-m", "torch.distributed.run", *place, "-m", "prsmed", *words]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True
    ) as started:
        try:
            said, complained = started.communicate(timeout=280)
        except subprocess.TimeoutExpired:
            os.killpg(started.pid, signal.SIGKILL)  # or the two would go on alone
            raise
    assert started.returncode == 0, complained[-3000:]
    return said


def test_training_is_launched_in_two_processes(tmp_path: Path) -> None:
    data, run = write_set(tmp_path / "data", per_kind=4), tmp_path / "run"
    words = ["train", "--data", str(data), "--out", str(run), "--init", "nano", "--steps", "2", "--batch-size", "4"]
    said = launch(
        *words, "--set", "small_size=64", "--set", "small_share=1", "--set", "phantoms=4", "--set", "warmup=1"
    )
    assert said.count("Written") == 1, "one process writes"
    _, manifest = load_checkpoint(run / "checkpoint")
    assert manifest.training["batch_norm"] == "frozen"
    assert [json.loads(line)["step"] for line in (run / "log.jsonl").read_text().splitlines()] == [2]


def test_an_archive_is_asked_by_two_processes(tmp_path: Path) -> None:
    (tmp_path / "archive").mkdir()
    rng = np.random.default_rng(0)
    for number in range(5):
        picture = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
        Image.fromarray(picture).save(tmp_path / "archive" / f"{number}.png")
    words = ["predict", str(tmp_path / "archive"), "Where is the polyp?", "--out", str(tmp_path / "out")]
    said = launch(*words, "--device", "cpu", "--json")
    assert json.loads(said.strip().splitlines()[-1])["studies"] == 5
    with (tmp_path / "out" / "summary.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert [(row["image"], row["status"]) for row in rows] == [(f"{number}.png", "done") for number in range(5)]
