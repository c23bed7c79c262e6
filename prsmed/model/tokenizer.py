"""The small tokenizer of `nano`: byte-level BPE, so any text is encoded and nothing typed becomes special."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from prsmed.errors import PRSMedError

PAD, BOS, EOS, IMAGE = SPECIAL = ("<pad>", "<s>", "</s>", "<image>")


def train_tokenizer(lines: Iterable[str], vocab_size: int) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer learnt from ``lines``; upper and lower case stay apart."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC()])
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=[PAD, BOS, EOS, IMAGE],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(lines, trainer)
    return _wrap(tokenizer)


def read_tokenizer(path: Path) -> PreTrainedTokenizerFast:
    """Read a ``tokenizer.json``.

    Raises:
        PRSMedError: ``bad_checkpoint`` when it cannot be read.
    """
    try:
        return _wrap(Tokenizer.from_file(str(path)))
    except Exception as error:  # the tokenizers library raises bare Exception
        raise PRSMedError("bad_checkpoint", f"{path.name} cannot be read as a tokenizer: {error}") from error


def _wrap(tokenizer: Tokenizer) -> PreTrainedTokenizerFast:
    # Special tokens typed in a question are text (split_special_tokens), never tokens.
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        bos_token=BOS,
        eos_token=EOS,
        extra_special_tokens=[IMAGE],
        split_special_tokens=True,
        clean_up_tokenization_spaces=False,
    )
