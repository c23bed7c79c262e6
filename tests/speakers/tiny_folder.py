"""A language model of five words, as transformers saves one."""

from __future__ import annotations

from pathlib import Path


def save_model(folder: Path, context: int, chat: bool) -> Path:
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.WordLevel({"<unk>": 0, "where": 1, "polyp": 2, "is": 3, "</s>": 4}, "<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>", eos_token="</s>")
    if chat:
        fast.chat_template = "{% for m in messages %}{{ m.content }} is {% endfor %}"
    fast.save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=5,
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=context,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder
