"""A lesson for the language model alone: random masks and questions, no images.

A small language model needs thousands of examples to name a mask's place, which images are too slow to give.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from prsmed.data import Record, Turn, converse
from prsmed.model.encoder import ImageFeatures
from prsmed.model.language import Role
from prsmed.model.prsmed import PRSMed
from prsmed.training.config import TrainConfig
from prsmed.training.losses import text_loss

SIDE, BATCH, WARMUP = 64, 32, 50
_TWO_REGIONS = 0.4


def teach_language(
    model: PRSMed, records: Sequence[Record], config: TrainConfig, report: Callable[[int, float], None]
) -> None:
    """Teach the language model to answer from mask tokens.

    Args:
        model: A model that answers from the mask.
        records: Whose targets are asked for.
        config: ``language_steps``, ``lr``, ``absent_share`` and ``seed``.
        report: Called with the steps done and the loss.
    """
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.lr, weight_decay=0.0)
    for step in range(config.language_steps):
        torch.manual_seed(config.seed * 1_000_003 + step)
        rng = np.random.default_rng([config.seed, step])
        lessons = [_draw(records, config.absent_share, model.config.radius, rng) for _ in range(BATCH)]
        loss = _loss(model, lessons)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), config.clip_norm)
        for group in optimizer.param_groups:
            group["lr"] = config.lr * min(1.0, (step + 1) / WARMUP)
        optimizer.step()
        report(step + 1, loss.item())


def _loss(model: PRSMed, lessons: Sequence[tuple[NDArray[np.uint8], Turn]]) -> Tensor:
    assert model.mask_tokens is not None
    assert model.encoder is not None
    device = model.device
    questions = model.language.encode_questions([turn.question for _, turn in lessons]).to(device)
    answers = model.language.encode_answers([turn.answer for _, turn in lessons]).to(device)
    masks = torch.from_numpy(np.stack([mask for mask, _ in lessons])).to(device).unsqueeze(1)
    # An image of nothing: where the mask is must be read from the mask.
    dense = torch.zeros(len(lessons), model.encoder.dim, 4, 4, device=device)
    context = model.read(model.glance(ImageFeatures(dense, ())), questions)
    tokens = model.mask_tokens(masks, dense)
    embeds = torch.cat([tokens, model.language.embed(answers.ids)], dim=1)
    coded = torch.full(tokens.shape[:2], Role.ANSWER, device=device)
    roles = torch.cat([coded, model.language.roles_of_answers(answers)], dim=1)
    length = answers.ids.shape[1]
    hidden = model.language.read(embeds, roles, context).hidden[:, -length - 1 : -1]
    return text_loss(model.language.logits(hidden), answers.ids, answers.is_real)


def _draw(
    records: Sequence[Record], absent_share: float, radius: float, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], Turn]:
    """A mask of one or two ellipses, empty when the question is about something else, and the turn."""
    record = records[int(rng.integers(len(records)))]
    mask = np.zeros((SIDE, SIDE), np.uint8)
    for _ in range(1 + int(rng.random() < _TWO_REGIONS)):
        mask[_ellipse(rng)] = 1
    turn = converse(mask, record, rng, absent_share=absent_share, radius=radius)
    return mask if turn.present else np.zeros_like(mask), turn


def _ellipse(rng: np.random.Generator) -> NDArray[np.bool_]:
    rows, cols = np.ogrid[:SIDE, :SIDE]
    row, col = rng.uniform(0, SIDE, 2)
    height, width = SIDE * np.exp(rng.uniform(np.log(0.02), np.log(0.4), 2))
    inside: NDArray[np.bool_] = ((rows - row) / height) ** 2 + ((cols - col) / width) ** 2 <= 1
    inside[int(row), int(col)] = True
    return inside
