"""The engine: loads a model once, lazily, and answers questions about slices and volumes."""

from __future__ import annotations

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
from prsmed.inference.cache import ByteCache
from prsmed.inference.pointed import name_targets, put_together
from prsmed.inference.question import check_question
from prsmed.inference.stopwatch import Stopwatch
from prsmed.inference.view import fit_of, key_of, slice_masks, view
from prsmed.inference.whole_volume import VolumeMask, choose_slices, segment_volume
from prsmed.model.answering import prepare_to_answer
from prsmed.model.checkpoint import Manifest, find_checkpoint, load_checkpoint, read_manifest
from prsmed.model.language import Context, TokenBatch
from prsmed.model.outputs import Seen
from prsmed.model.prsmed import PRSMed
from prsmed.model.speech import Speech
from prsmed.position.agreement import compare
from prsmed.position.findings import Finding
from prsmed.position.measure import Naming, measure_volume
from prsmed.position.target import target_in

CACHE_BYTES = 512 * 2**20


@dataclass(frozen=True)
class MaskEvent:
    """The mask of a question: arrays as in :class:`Answer`.

    It comes before any word of the answer, but of models that draw from their answer.
    """

    mask: NDArray[np.uint8]
    probability: NDArray[np.float32]
    present: Presence
    findings: tuple[Finding, ...]
    label_names: dict[str, int]


@dataclass(frozen=True)
class TokenEvent:
    """A piece of the answer's text."""

    text: str


@dataclass(frozen=True)
class ProgressEvent:
    """How many slices of a volume are done."""

    done: int
    total: int


Event = ProgressEvent | MaskEvent | TokenEvent | Answer


class Engine:
    """Answers questions with one checkpoint.

    The weights are read at the first question (or by :meth:`warm_up`). Questions may come from several threads; what
    the model has seen is cached by image content and window, within ``cache_bytes``.

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
        self.seen: ByteCache[Seen] = ByteCache(cache_bytes, lambda seen: seen.num_bytes)
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

    @property
    def model(self) -> PRSMed:
        """The network; its weights are read now if they were not before."""
        return self._ready()

    def load_weights(self) -> None:
        """Read the weights now instead of at the first question.

        Raises:
            PRSMedError: ``bad_checkpoint``.
        """
        self._ready()

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
        questions = self._encode(question, history)
        seen, prompt = self._read(image_slice, window, questions, watch)
        if model.config.draws_after_text:
            with watch.time("text"):
                speech = model.speak(seen.features, prompt, None)
            yield from self._words(speech, watch)
            names = name_targets(model.language.pieces(speech.rows[0]), question)
            drawn, _ = self._draw(image_slice, seen, speech.context, names, watch)
            yield drawn
        else:
            drawn, square_mask = self._draw(image_slice, seen, prompt, [target_in(question)], watch)
            yield drawn
            with watch.time("text"):
                speech = model.speak(seen.features, prompt, square_mask)
            yield from self._words(speech, watch)
        yield self._answer(speech.texts[0], drawn, watch)

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
        for event in self.stream_volume(volume, question, plane=plane, slice_range=slice_range, window=window):
            if isinstance(event, ProgressEvent) and progress is not None:
                progress(event.done, event.total)
        assert isinstance(event, Answer)
        return event

    def stream_volume(
        self,
        volume: Volume,
        question: str,
        *,
        plane: Plane | None = None,
        slice_range: tuple[int, int] | None = None,
        window: Window | str | None = None,
    ) -> Iterator[Event]:
        """:meth:`ask_volume` in pieces: the progress, then as :meth:`stream`."""
        question = check_question(question)
        model, watch = self._ready(), Stopwatch()
        slices = choose_slices(volume, plane, slice_range)
        questions = self._encode(question, ())
        for found in segment_volume(model, volume, questions, slices, window, watch):
            if isinstance(found, VolumeMask):
                break
            yield ProgressEvent(*found)
        assert isinstance(found, VolumeMask)
        naming = Naming(target_in(question), radius=model.config.radius)
        present = Presence(found.presence, model.config.presence_threshold)
        findings = measure_volume(found.mask, found.probability, volume, slices.plane, naming)
        drawn = MaskEvent(found.mask, found.probability, present, findings, {naming.name: naming.label})
        yield drawn
        speech = self._describe(extract(volume, slices.plane, found.main_slice), found.mask, questions, window, watch)
        yield from self._words(speech, watch)
        yield self._answer(speech.texts[0], drawn, watch)

    def _ready(self) -> PRSMed:
        with self._loading:
            if self._model is None:
                model, _ = load_checkpoint(self.checkpoint)
                assert isinstance(model, PRSMed)
                prepare_to_answer(model, self.device)
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

    @torch.inference_mode()
    def _read(
        self, image_slice: ImageSlice, window: Window | str | None, questions: TokenBatch, watch: Stopwatch
    ) -> tuple[Seen, Context]:
        """The image as seen and the prompt as read; of an image not seen before both are read at once."""
        model, prompts = self._ready(), list[Context]()

        def look() -> Seen:
            with watch.time("image"):
                pixels = view([image_slice], window, model.config, self.device)
                features = model.encode(pixels)
            with watch.time("prefill"):
                seen, prompt = model.read_with_image(pixels, features, questions)
            prompts.append(prompt)
            return seen

        with watch.time("image"):
            key = key_of(image_slice, window)
        seen = self.seen.get(key, look)
        if not prompts:
            with watch.time("prefill"):
                prompts.append(model.read(seen, questions))
        return seen, prompts[0]

    def _draw(
        self,
        image_slice: ImageSlice,
        seen: Seen,
        context: Context,
        names: Sequence[str],
        watch: Stopwatch,
    ) -> tuple[MaskEvent, Tensor]:
        """The masks of one slice from what was read and said, and as the model drew them, ``(N, 1, S, S)``."""
        model, config = self._ready(), self._ready().config
        with watch.time("mask"), torch.inference_mode():
            segmented = model.segment(seen.features, context, config.image_size)
            square_masks = model.mask_of(segmented)
            shown = slice_masks(segmented, square_masks, [image_slice] * len(square_masks), config)
        drawn = put_together(shown, names, image_slice, config.radius)
        present = Presence(float(segmented.presence_logits.sigmoid()), config.presence_threshold)
        return MaskEvent(drawn.mask, drawn.probability, present, drawn.findings, drawn.label_names), square_masks

    def _words(self, speech: Speech, watch: Stopwatch) -> Iterator[TokenEvent]:
        said = ""
        while _next(speech, watch):
            text = speech.texts[0]
            yield TokenEvent(text[len(said) :])
            said = text

    def _describe(
        self,
        image_slice: ImageSlice,
        volume_mask: NDArray[np.uint8],
        questions: TokenBatch,
        window: Window | str | None,
        watch: Stopwatch,
    ) -> Speech:
        """Words about one slice of a volume and the mask it has in the end."""
        model = self._ready()
        with watch.time("text"), torch.inference_mode():
            seen, prompt = self._read(image_slice, window, questions, Stopwatch())
            mask = fit_of(image_slice, model.config).apply_mask(take(volume_mask, image_slice))
            square_mask = torch.from_numpy(mask > 0).to(self.device)[None, None]
            return model.speak(seen.features, prompt, square_mask)

    def _answer(self, text: str, drawn: MaskEvent, watch: Stopwatch) -> Answer:
        return Answer(
            text=text,
            mask=drawn.mask,
            probability=drawn.probability,
            present=drawn.present,
            findings=drawn.findings,
            agreement=compare(text, drawn.findings[: self._ready().config.described_regions]),
            label_names=drawn.label_names,
            model=self.version,
            latencies_ms=watch.milliseconds,
        )


def _next(speech: Speech, watch: Stopwatch) -> bool:
    with watch.time("text"), torch.inference_mode():
        return next(speech, None) is not None
