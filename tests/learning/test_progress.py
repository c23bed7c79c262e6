"""How a training is going, told by a file."""

from __future__ import annotations

from pathlib import Path

from prsmed.learning.progress import Reporter, Stats, read_stats


def test_stats_come_back_as_they_were_told(tmp_path: Path) -> None:
    path = tmp_path / "stats.json"
    assert read_stats(path) == Stats()
    reporter = Reporter(path)
    reporter.tell(status="training", quarantined=[{"image": "a", "reason": "torn"}])
    for step in range(1, 11):
        reporter.tell_step(step, 10, loss=1 / step, dice=0.5 if step == 10 else None)
    stats = read_stats(path)
    assert stats == reporter.stats
    assert (stats.status, stats.step, stats.steps, stats.seconds_left) == ("training", 10, 10, 0.0)
    assert [point["step"] for point in stats.curve] == list(range(1, 11))
    assert stats.curve[-1] == {"step": 10, "loss": 0.1, "dice": 0.5}


def test_a_long_curve_stays_short(tmp_path: Path) -> None:
    reporter = Reporter(tmp_path / "stats.json")
    reporter.tell(status="training")
    for step in range(1, 20_001):
        reporter.tell_step(step, 20_000, loss=1.0, dice=0.5 if step % 5_000 == 0 else None)
    curve = read_stats(tmp_path / "stats.json").curve
    assert len(curve) <= 204
    assert [point["step"] for point in curve if point["dice"] is not None] == [5_000, 10_000, 15_000, 20_000]


def test_a_file_that_cannot_be_read_tells_nothing(tmp_path: Path) -> None:
    for text in ("", "{", '{"nonsense": 1}', "[]"):
        (tmp_path / "stats.json").write_text(text)
        assert read_stats(tmp_path / "stats.json") == Stats()
