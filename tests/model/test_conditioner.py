from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from prsmed.model.prsmed import PRSMed

IMAGE_TOKENS = 4


@pytest.mark.parametrize(("condition_on", "dropped"), [("text", 1 + IMAGE_TOKENS), ("all", 0)])
def test_text_only_drops_the_start_and_the_image(
    make_tiny: Callable[..., PRSMed], condition_on: str, dropped: int
) -> None:
    model = make_tiny(condition_on=condition_on)
    questions = model.language.encode_questions(["where?", "where is the polyp in this image?"])
    with torch.no_grad():
        prompt = model.read(model.see(torch.rand(2, 3, 64, 64)), questions)
        condition = model.conditioner(prompt)
        tokens, is_padding = condition.tokens, condition.is_padding
    kept_image = 1 + IMAGE_TOKENS - dropped
    assert tokens.shape[1] == kept_image + questions.ids.shape[1]
    assert torch.equal(is_padding[:, kept_image:], ~questions.is_real)
    assert not is_padding[:, :kept_image].any()
    assert torch.equal(tokens, prompt.hidden[:, dropped:])


def test_what_is_dropped_never_heard_the_question(make_tiny: Callable[..., PRSMed]) -> None:
    model = make_tiny()
    with torch.no_grad():
        seen = model.see(torch.rand(1, 3, 64, 64))
        one, other = (
            model.read(seen, model.language.encode_questions([text])).hidden for text in ("a polyp?", "no lesion?")
        )
    first = 1 + IMAGE_TOKENS
    assert torch.equal(one[:, :first], other[:, :first])
    assert not torch.allclose(one[:, -1], other[:, -1], atol=1e-3)
