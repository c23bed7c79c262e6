"""Greedy answers: when rows end, and that a row does not hear its batch mates."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor

from prsmed.model.outputs import Segmented
from prsmed.model.prsmed import PRSMed

SIDE = 64
QUESTIONS = ("where is the polyp?", "is there a polyp at the top left of the image?")
END, A, B, C = 2, 40, 41, 42


@pytest.fixture(params=["mask", "prompt"])
def model(request: pytest.FixtureRequest, make_tiny: Callable[..., PRSMed]) -> PRSMed:
    return make_tiny(answer_from=request.param, max_answer_tokens=6)


def speak(model: PRSMed, questions: tuple[str, ...] = QUESTIONS) -> Iterator[Tensor]:
    pixels = torch.rand(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))[: len(questions)]
    with torch.no_grad():
        seen = model.see(pixels)
        prompt = model.read(seen, model.language.encode_questions(questions))
        mask = torch.zeros(len(questions), 1, SIDE, SIDE, dtype=torch.bool)
        mask[:, :, 10:20, 30:50] = True
        return model.speak(seen.features, prompt, mask)


def script(model: PRSMed, monkeypatch: pytest.MonkeyPatch, steps: list[tuple[int, ...]]) -> None:
    """Make the model want to say ``steps``, whatever it reads; the last one for ever."""
    said = iter(steps)

    def logits(hidden: Tensor) -> Tensor:
        ids = torch.tensor(next(said, steps[-1]))
        return torch.nn.functional.one_hot(ids, model.config.language.vocab_size).float()

    monkeypatch.setattr(model.language, "logits", logits)


def test_a_row_that_ended_yields_the_end_until_all_have(model: PRSMed, monkeypatch: pytest.MonkeyPatch) -> None:
    assert model.language.tokenizer.eos_token_id == END
    script(model, monkeypatch, [(A, B), (END, C), (C, A), (A, END), (B, B)])
    assert [ids.tolist() for ids in speak(model)] == [[A, B], [END, C], [END, A]]


def test_an_answer_that_never_ends_is_cut(model: PRSMed, monkeypatch: pytest.MonkeyPatch) -> None:
    script(model, monkeypatch, [(A, B)])
    assert len(list(speak(model))) == model.config.max_answer_tokens


def test_ending_at_once_is_an_empty_answer(model: PRSMed, monkeypatch: pytest.MonkeyPatch) -> None:
    script(model, monkeypatch, [(END, END)])
    seen = model.see(torch.rand(2, 3, SIDE, SIDE))
    prompt = model.read(seen, model.language.encode_questions(QUESTIONS))
    assert model.answer(seen.features, prompt, torch.zeros(2, 1, SIDE, SIDE, dtype=torch.bool)) == ["", ""]


def test_a_row_that_ended_is_not_heard_by_the_others(model: PRSMed, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = [int(ids[0]) for ids in speak(model, QUESTIONS[:1])]
    plain = model.language.logits

    def second_row_ends(hidden: Tensor) -> Tensor:
        logits = plain(hidden).clone()
        logits[1:, END] = 1e9
        return logits

    monkeypatch.setattr(model.language, "logits", second_row_ends)
    assert [ids.tolist() for ids in speak(model)] == [[token, END] for token in alone]


def test_text_is_what_was_spoken(model: PRSMed, monkeypatch: pytest.MonkeyPatch) -> None:
    words = model.language.encode_answers(["the polyp is at", "there"]).ids
    script(model, monkeypatch, [tuple(column.tolist()) for column in words.T] + [(END, END)])
    seen = model.see(torch.rand(2, 3, SIDE, SIDE))
    prompt = model.read(seen, model.language.encode_questions(QUESTIONS))
    mask = torch.zeros(2, 1, SIDE, SIDE, dtype=torch.bool)
    assert words.shape[1] <= model.config.max_answer_tokens
    assert model.answer(seen.features, prompt, mask) == ["the polyp is at", "there"]


@pytest.mark.parametrize(("presence", "expected"), [(0.0, True), (3.0, True), (-0.01, False)])
def test_an_absent_target_has_an_empty_mask(make_tiny: Callable[..., PRSMed], presence: float, expected: bool) -> None:
    logits = torch.full((1, 1, 4, 4), -2.0)
    logits[..., 1, 2] = 0.0
    mask = make_tiny().mask_of(Segmented(logits, torch.tensor([presence]), torch.tensor([0])))
    assert mask.sum() == expected
    assert bool(mask[0, 0, 1, 2]) is expected
