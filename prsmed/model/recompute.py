"""Training with less memory: a layer's work is done again when its gradient is needed, instead of being kept.

transformers has this too, but without a cache, and ours is what lets a question be read on top of an image. What a
layer adds to the cache is therefore one of its results here, and what was in it before one of its inputs.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint
from transformers import DynamicCache

from prsmed.errors import PRSMedError
from prsmed.model.language import CACHE_ARGUMENT, LanguageModel
from prsmed.model.pretrained import PretrainedLanguage


def recompute_layers(language: LanguageModel) -> None:
    """Let the layers of an imported language model keep only what goes in and out, in training.

    Raises:
        PRSMedError: ``bad_training`` for a small language model, whose layers are not worth it.
    """
    if not isinstance(language, PretrainedLanguage):
        raise PRSMedError("bad_training", "recompute is for presets with an imported language model; leave it out")
    for number, layer in enumerate(language.network.get_decoder().layers):
        layer.forward = partial(_forward, layer, layer.forward, number)


def _forward(layer: nn.Module, forward: Callable[..., Tensor], number: int, hidden: Tensor, **given: Any) -> Tensor:
    cache: DynamicCache = given[CACHE_ARGUMENT]
    if not (layer.training and torch.is_grad_enabled()):
        return forward(hidden, **given)

    def work(hidden: Tensor, *before: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        own = DynamicCache()
        if before:
            own.update(*before, number)
        output = forward(hidden, **{**given, CACHE_ARGUMENT: own})
        return output, own.layers[number].keys, own.layers[number].values

    is_filled = number < len(cache.layers) and cache.layers[number].is_initialized
    before = (cache.layers[number].keys, cache.layers[number].values) if is_filled else ()
    output, keys, values = checkpoint(work, hidden, *before, use_reentrant=False)
    if is_filled:
        cache.layers[number].keys, cache.layers[number].values = keys, values
    else:
        cache.update(keys, values, number)
    result: Tensor = output
    return result
