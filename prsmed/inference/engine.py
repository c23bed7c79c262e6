"""The engine: loads a model once, lazily, and answers questions about slices and volumes."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from prsmed.errors import PRSMedError
from prsmed.imaging.plane import ImageSlice, Plane, extract, take
from prsmed.imaging.volume import Volume
from prsmed.imaging.window import Window
from prsmed.inference.answer import Answer, ModelVersion, Presence
from prsmed.inference.cache import SeenCache
from prsmed.inference.question import check_question
from prsmed.inference.stopwatch import Stopwatch
from prsmed.inference.view import View, slice_masks, stack_views, view
from prsmed.inference.whole_volume import choose_slices, segment_volume
from prsmed.model.checkpoint import Manifest, find_checkpoint, load_checkpoint, read_manifest
from prsmed.model.language import TokenBatch
from prsmed.model.prsmed import PRSMed, Seen
from prsmed.position.agreement import compare
from prsmed.position.findings import Finding
from prsmed.position.measure import Naming, measure, measure_volume
from prsmed.position.target import target_in

CACHE_BYTES = 512 * 2**20


@dataclass(frozen=True)
class MaskEvent:
    """The mask of a question, before any word of the answer: arrays as in :class:`Answer`."""

    mask: NDArray[np.uint8]
    probability: NDArray[np.float32]
    present: Presence
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class TokenEvent:
    """A piece of the answer's text."""

    text: str


Event = MaskEvent | TokenEvent | Answer


class Engine:
    """Answers questions with one checkpoint.

    The weights are read at the first question (or by :meth:`warm_up`). Questions may come from several threads; what
    the model has seen is cached by image content, window and model version, within ``cache_bytes``.

    Args:
        checkpoint: Folder of the checkpoint, whose manifest is read at once.
        device: Torch device; the first CUDA device or the CPU when ``None``.
        cache_bytes: Memory for images already seen.
    """

    def __init__(self, checkpoint: Path, *, device: str | None = None, cache_bytes: int = CACHE_BYTES) -> None:
        self.checkpoint = checkpoint
        self.manifest: Manifest = read_manifest(checkpoint)
        if self.manifest.kind != "prsmed":
            raise PRSMedError(
                "bad_checkpoint",
                f"a {self.manifest.kind!r} model reads no questions; choose a prsmed checkpoint",
            )
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self.seen = SeenCache(cache_bytes)
        self._model: PRSMed | None = None
        self._loading = threading.Lock()

    @classmethod
    def load(cls, model: str | Path = "nano", *, device: str | None = None, cache_bytes: int = CACHE_BYTES) -> Engine:
        """An engine for shipped weights by name, or for a checkpoint folder.

        Raises:
            PRSMedError: ``checkpoint_not_found`` or ``bad_checkpoint``.
        """
        return cls(find_checkpoint(model), device=device, cache_bytes=cache_bytes)

    @property
    def version(self) -> ModelVersion:
        """Which weights answer."""
        return ModelVersion(self.manifest.version, self.manifest.sha256)

    def warm_up(self) -> None:
        """Read the weights and run one blank image, so that the first question is not the slow one."""
        size = self._ready().config.image_size
        blank = extract(Volume(np.zeros((size, size, 1)), np.eye(4)), "axial", 0)
        self.ask(blank, "Where is the lesion?")

    def ask(
        self,
        image_slice: ImageSlice,
        question: str,
        *,
        window: Window | str | None = None,
        history: Sequence[tuple[str, str]] = (),
    ) -> Answer:
        """Answer a question about one slice.

        Args:
            image_slice: The slice (:func:`prsmed.imaging.extract`).
            question: In words.
            window: How to show it to the model (:func:`prsmed.imaging.to_display`).
            history: Earlier (question, answer) turns about this image; models taught on single questions leave it out.

        Returns:
            The answer; its mask is ``(rows, cols)`` as displayed.

        Raises:
            PRSMedError: For a question or window that cannot be used, or a damaged checkpoint.
        """
        *_, answer = self.stream(image_slice, question, window=window, history=history)
        assert isinstance(answer, Answer)
        return answer

    def stream(
        self,
        image_slice: ImageSlice,
        question: str,
        *,
        window: Window | str | None = None,
        history: Sequence[tuple[str, str]] = (),
    ) -> Iterator[Event]:
        """:meth:`ask` in pieces: the mask, then the words as they are generated, then the whole answer."""
        question = check_question(question)
        model, watch = self._ready(), Stopwatch()
        config = model.config
        questions = self._encode(question, history)
        with watch.time("image"):
            looked = view(image_slice, window, config.image_size)
            seen = self._see(looked)
        with torch.inference_mode():
            with watch.time("prefill"):
                prompt = model.read(seen, questions)
            with watch.time("mask"):
                segmented = model.segment(seen.features, prompt, config.image_size)
                square_mask = model.mask_of(segmented)
                ((mask, probability, presence),) = slice_masks(segmented, square_mask, [looked], config.mask_threshold)
        naming = Naming(target_in(question), radius=config.radius)
        present = Presence(presence, config.presence_threshold)
        drawn = MaskEvent(mask, probability, present, measure(mask, probability, image_slice, naming))
        yield drawn
        tokens, said = [], ""
        speaker = model.speak(seen.features, prompt, square_mask)
        while (token := _next(speaker, watch)) is not None:
            tokens.append(token)
            text = model.language.decode(tokens)
            yield TokenEvent(text[len(said) :])
            said = text
        yield self._answer(said, drawn, naming, watch)

    def ask_volume(
        self,
        volume: Volume,
        question: str,
        *,
        plane: Plane | None = None,
        slice_range: tuple[int, int] | None = None,
        window: Window | str | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Answer:
        """Answer a question about a whole volume, slice by slice in batches, in words once.

        Args:
            volume: The image.
            question: In words.
            plane: Plane of the slices; the one of acquisition when ``None``.
            slice_range: First and last slice, both included; all when ``None``.
            window: How to show the slices to the model.
            progress: Called with slices done and slices in all.

        Returns:
            The answer; its mask is ``(I, J, K)`` on the volume's grid, its text about the slice with most of it.

        Raises:
            PRSMedError: As :meth:`ask`; ``unknown_plane`` or ``slice_out_of_range``.
        """
        question = check_question(question)
        model, watch = self._ready(), Stopwatch()
        slices = choose_slices(volume, plane, slice_range)
        questions = self._encode(question, ())
        with torch.inference_mode():
            found = segment_volume(model, volume, questions, slices, window, watch, progress)
        naming = Naming(target_in(question), radius=model.config.radius)
        present = Presence(found.presence, model.config.presence_threshold)
        findings = measure_volume(found.mask, found.probability, volume, slices.plane, naming)
        drawn = MaskEvent(found.mask, found.probability, present, findings)
        text = self._describe(extract(volume, slices.plane, found.main_slice), found.mask, questions, window, watch)
        return self._answer(text, drawn, naming, watch)

    def _ready(self) -> PRSMed:
        with self._loading:
            if self._model is None:
                model, _ = load_checkpoint(self.checkpoint)
                assert isinstance(model, PRSMed)
                self._model = model.to(self.device)
            return self._model

    def _encode(self, question: str, history: Sequence[tuple[str, str]]) -> TokenBatch:
        model = self._ready()
        turns = model.config.history_turns
        tokens = model.language.encode_questions([question], history[-turns:] if turns else ())
        count, most = tokens.ids.shape[1], model.max_question_tokens
        if count > most:
            raise PRSMedError(
                "question_too_long", f"the question has {count} tokens; at most {most} fit, so shorten it"
            )
        return tokens.to(self.device)

    def _see(self, looked: View) -> Seen:
        key = hashlib.sha256(looked.pixels.tobytes() + self.manifest.sha256.encode()).hexdigest()
        return self.seen.get(key, lambda: self._look(looked))

    def _look(self, looked: View) -> Seen:
        with torch.inference_mode():
            return self._ready().see(stack_views([looked], self.device))

    def _describe(
        self,
        image_slice: ImageSlice,
        volume_mask: NDArray[np.uint8],
        questions: TokenBatch,
        window: Window | str | None,
        watch: Stopwatch,
    ) -> str:
        """Words about one slice of a volume and the mask it has in the end."""
        model = self._ready()
        with watch.time("text"), torch.inference_mode():
            looked = view(image_slice, window, model.config.image_size)
            seen = self._see(looked)
            mask = looked.fit.apply_mask(take(volume_mask, image_slice))
            square_mask = torch.from_numpy(mask > 0).to(self.device)[None, None]
            return model.answer(seen.features, model.read(seen, questions), square_mask)[0]

    def _answer(self, text: str, drawn: MaskEvent, naming: Naming, watch: Stopwatch) -> Answer:
        return Answer(
            text=text,
            mask=drawn.mask,
            probability=drawn.probability,
            present=drawn.present,
            findings=drawn.findings,
            agreement=compare(text, drawn.findings[: self._ready().config.described_regions]),
            label_names={naming.name: naming.label},
            model=self.version,
            latencies_ms=watch.milliseconds,
        )


def _next(tokens: Iterator[Tensor], watch: Stopwatch) -> int | None:
    with watch.time("text"), torch.inference_mode():
        token = next(tokens, None)
        return None if token is None else int(token)
