"""The ways a question is asked in a round of `prsmed benchmark ask`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from prsmed.benchmark.memory import peak_bytes
from prsmed.benchmark.published_sequence import published_sequence
from prsmed.benchmark.timing import Clock, milliseconds
from prsmed.imaging import extract, make_phantom, native_plane, place, slice_count
from prsmed.imaging.plane import ImageSlice
from prsmed.inference import Answer, Engine, MaskEvent
from prsmed.inference.view import slice_masks, view
from prsmed.inference.whole_volume import main_regions

FIRST, SECOND = "Where is the lesion?", "Is there a tumour in this slice?"
STAGES = ("image", "prefill", "mask", "text")


class Ways:
    """Everything that is timed, the times by way and by stage, and whether all drew the same masks.

    Args:
        engine: Who is asked.
        tokens: Of the published sequence's answers; as many as the engine's own usually have when ``None``.
    """

    def __init__(self, engine: Engine, tokens: int | None) -> None:
        self.engine, self.device = engine, engine.device
        self.volume, _ = make_phantom("ct", np.random.default_rng(0))
        self.plane = native_plane(self.volume)
        count = slice_count(self.volume, self.plane)
        self.slices = [extract(self.volume, self.plane, index) for index in range(count)]
        self.tokens = _usual_length(engine, self.slices) if tokens is None else tokens
        self.times: dict[str, list[float]] = {}
        self.stages: dict[str, dict[str, list[float]]] = {}
        self.same_masks = {"published_volume": True, "own_slices": True}
        self._keeps_image = engine.model.visual_tokens is not None
        self.published(self.slices[:1], FIRST)

    def run_round(self, number: int) -> None:
        """Time every way once."""
        image_slice = self.slices[(len(self.slices) // 2 + number) % len(self.slices)]
        masks: dict[str, NDArray[np.uint8]] = {}
        ways: list[Callable[[], None]] = [
            lambda: self._time_question(image_slice),
            lambda: self._time_published(image_slice),
            lambda: self._time_volumes(masks),
        ]
        for way in ways[number % len(ways) :] + ways[: number % len(ways)]:
            way()
        for name in self.same_masks:
            self.same_masks[name] &= bool(np.array_equal(main_regions(masks[name]), masks["volume"]))

    def memory(self) -> dict[str, int | None]:
        """The peaks of single runs, after all is timed."""
        image_slice = self.slices[len(self.slices) // 2]
        runs: dict[str, Callable[[], object]] = {
            "resting": lambda: None,
            "question": lambda: self.engine.ask(image_slice, FIRST),
            "published_question": lambda: self.published([image_slice], FIRST),
            "volume": self.ask_volume,
        }
        peaks: dict[str, int | None] = {}
        for name, run in runs.items():
            self.engine.seen.clear()
            peaks[name] = peak_bytes(run, self.device)
        return peaks

    def ask_volume(self) -> NDArray[np.uint8]:
        """Ours, nothing remembered."""
        self.engine.seen.clear()
        answer = self.engine.ask_volume(self.volume, FIRST, plane=self.plane)
        self._keep_stages("volume", answer)
        return answer.mask

    def own_slices(self) -> NDArray[np.uint8]:
        """Ours, one question a slice, with text."""
        self.engine.seen.clear()
        return self._put([self.engine.ask(each, FIRST).mask for each in self.slices])

    def published(self, slices: Sequence[ImageSlice], question: str, *, looks_once: bool = False) -> NDArray[np.uint8]:
        """The published sequence, one question a slice."""
        model, config = self.engine.model, self.engine.model.config
        masks = []
        for each in slices:
            questions = model.language.encode_questions([question]).to(self.device)
            pixels = view([each], None, config, self.device)
            segmented = published_sequence(model, pixels, questions, self.tokens, looks_once=looks_once).merged()
            masks += slice_masks(segmented, model.mask_of(segmented), [each], config)
        return self._put([mask for mask, _ in masks], slices)

    def _time_question(self, image_slice: ImageSlice) -> None:
        self.engine.seen.clear()
        for name, question in (("first", FIRST), ("repeated", SECOND)):
            clock = Clock(self.device)
            for event in self.engine.stream(image_slice, question):
                if isinstance(event, MaskEvent):
                    self._keep(f"{name}_mask", clock.milliseconds())
            self._keep(f"{name}_answer", clock.milliseconds())
            assert isinstance(event, Answer)
            self._keep_stages(name, event)

    def _time_published(self, image_slice: ImageSlice) -> None:
        def ask(question: str, looks_once: bool = False) -> float:
            return milliseconds(lambda: self.published([image_slice], question, looks_once=looks_once), self.device)

        self._keep("published_first", ask(FIRST))
        self._keep("published_repeated", ask(SECOND))
        if self._keeps_image:
            self._keep("published_image_kept", ask(FIRST, looks_once=True))

    def _time_volumes(self, masks: dict[str, NDArray[np.uint8]]) -> None:
        ways: dict[str, Callable[[], NDArray[np.uint8]]] = {
            "published_volume": lambda: self.published(self.slices, FIRST),
            "volume": self.ask_volume,
            "own_slices": self.own_slices,
        }
        for name, way in ways.items():
            clock = Clock(self.device)
            masks[name] = way()
            self._keep(name, clock.milliseconds())

    def _put(self, masks: Sequence[NDArray[np.uint8]], slices: Sequence[ImageSlice] | None = None) -> NDArray[np.uint8]:
        volume = np.zeros(self.volume.shape, np.uint8)
        for mask, image_slice in zip(masks, self.slices if slices is None else slices, strict=True):
            place(mask, image_slice, volume)
        return volume

    def _keep(self, name: str, value: float) -> None:
        self.times.setdefault(name, []).append(value)

    def _keep_stages(self, name: str, answer: Answer) -> None:
        kept = self.stages.setdefault(name, {stage: [] for stage in STAGES})
        for stage in STAGES:
            kept[stage].append(answer.latencies_ms[stage])


def _usual_length(engine: Engine, slices: Sequence[ImageSlice]) -> int:
    """Tokens of the model's usual answer."""
    answers = [engine.ask(each, FIRST).text for each in slices]
    return round(float(np.median([len(engine.model.language.ids_of(answer)) for answer in answers])))
