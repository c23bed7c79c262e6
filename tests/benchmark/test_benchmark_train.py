from __future__ import annotations

import json
import sys

import pytest

from prsmed.benchmark import train
from prsmed.cli import main


def test_speed_and_shares_are_told(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "SIDES", (32, 64))
    words = ["benchmark", "train", "unet", "--steps", "2", "--batch-size", "2", "--workers", "1", "--json"]
    monkeypatch.setattr(sys, "argv", ["prsmed", *words])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 0
    result = json.loads(capsys.readouterr().out)
    assert [row["side"] for row in result["sides"]] == [32, 64]
    for row in result["sides"]:
        assert row["images_per_second"] > 0
        assert sum(row[name] for name in ("forward", "backward", "batches", "rest")) == pytest.approx(1, abs=1e-3)
        assert min(row["forward"], row["backward"]) > 0.01
    assert (result["images"], result["batch_size"], result["workers"]) == ("drawn", 2, 1)
