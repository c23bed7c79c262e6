"""What `prsmed benchmark ask` prints."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

_WAYS = {
    "first_mask": ("first question on a slice, to its mask", {"first": "{} of the published sequence"}),
    "published_first": ("  the published sequence", {}),
    "published_image_kept": (
        "  the published sequence, image looked at once",
        {"first_image_kept": "the first row is {} of it"},
    ),
    "repeated_mask": (
        "second question on it, to its mask",
        {"repeated": "{} of the published sequence", "repeated_to_first": "{} of our first"},
    ),
    "published_repeated": ("  the published sequence", {}),
    "repeated_answer": ("second question, to its whole answer", {"mask_to_answer": "the mask comes after {} of it"}),
    "volume": (
        "{slices} slices as one volume, mask and text",
        {
            "volume_speedup": "{} times the published sequence's slices a second",
            "volume_speedup_own_slices": "{} times our own, one by one",
        },
    ),
    "published_volume": ("  the published sequence, slice by slice", {}),
    "own_slices": ("  ours, slice by slice", {}),
}
"""Each way's words, and the ratios told beside it."""
_STAGES = {"first": "first question", "repeated": "second question", "volume": "volume"}


def show_asking(result: dict[str, Any], console: Console) -> None:
    """Print a result of :func:`~prsmed.benchmark.ask.measure_asking`."""
    times, ratios = result["milliseconds"], result["ratios"]
    table = Table("", "median", "95 % interval", "within rounds")
    for name, (words, beside) in _WAYS.items():
        if name in times:
            told = [text.format(_ratio(ratios[ratio])) for ratio, text in beside.items() if ratio in ratios]
            time = times[name]
            span = f"{_ms(time['low'])} - {_ms(time['high'])}"
            table.add_row(words.format(**result), _ms(time["value"]), span, "\n".join(told))
    console.print(table)
    console.print(_stages(result["stages"]))
    console.print(_memory(result["peak_bytes"]))
    same = result["same_masks"]
    console.print(
        f"Same masks as the volume's: published sequence {same['published_volume']}, slice by slice "
        f"{same['own_slices']}. {result['model']} on {result['device']}, {result['threads']} threads, "
        f"{result['machine']}; answers of {result['answer_tokens']} tokens; {result['repeats']} rounds."
    )


def _stages(stages: dict[str, Any]) -> Table:
    table = Table("where the time goes (medians)", "image", "prefill", "mask", "text")
    for name, words in _STAGES.items():
        table.add_row(words, *(_ms(stage["value"]) for stage in stages[name].values()))
    return table


def _memory(peaks: dict[str, int | None]) -> str:
    told = {name: peak for name, peak in peaks.items() if peak is not None}
    if not told:
        return "Peak memory: not told by this system."
    return "Peak memory: " + ", ".join(f"{name.replace('_', ' ')} {told[name] / 2**20:.0f} MiB" for name in told)


def _ratio(ratio: dict[str, float]) -> str:
    return f"{ratio['value']:.2f} ({ratio['low']:.2f} - {ratio['high']:.2f})"


def _ms(value: float) -> str:
    return f"{value / 1000:.2f} s" if value >= 1000 else f"{value:.1f} ms"
