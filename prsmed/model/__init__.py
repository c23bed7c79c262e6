"""The network: image encoder, language model, conditioner, mask decoder, presets, checkpoints."""
