"""A preset at its beginning: imported weights where it has them, fresh ones elsewhere."""

from __future__ import annotations

from prsmed.errors import PRSMedError
from prsmed.model.build import build_model
from prsmed.model.config import ModelConfig, SamDecoderConfig, TinyLanguageConfig
from prsmed.model.importers.encoders import load_encoder_part, read_sam_weights
from prsmed.model.prsmed import PRSMed
from prsmed.model.sam_decoder import SamDecoder, load_sam


def start_preset(config: ModelConfig) -> PRSMed:
    """The model of a preset with an imported language model, untrained (seed torch before for the same one again).

    Raises:
        PRSMedError: ``bad_model`` for a preset whose language model is from scratch: there is nothing to ask yet;
            ``part_not_found`` naming the first part that was not imported.
    """
    if isinstance(config.language, TinyLanguageConfig):
        raise PRSMedError(
            "bad_model", f"{config.name} starts from scratch; train it: prsmed train --preset {config.name}"
        )
    model = build_model(config)
    if model.encoder is not None and config.encoder is not None and config.encoder.part:
        load_encoder_part(model.encoder, config.encoder.part)
    if isinstance(config.decoder, SamDecoderConfig) and config.decoder.part:
        assert isinstance(model.decoder, SamDecoder)
        load_sam(model.decoder, read_sam_weights(config.decoder.part))
    return model
