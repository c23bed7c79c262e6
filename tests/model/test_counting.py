"""Sizes of the presets, full-size ones on the meta device, against the papers'."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from tiny_vlms import make_part

from prsmed.errors import PRSMedError
from prsmed.model.counting import ADAPTERS, POINTER, TOWER, WORDS, Count, blank_model, count_preset
from prsmed.model.known import shape_of
from prsmed.model.presets import PRESETS, find_preset


@pytest.fixture(autouse=True)
def _no_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRSMED_PARTS", str(tmp_path))


@cache
def by_name(preset: str) -> dict[str, Count]:
    return {count.name: count for count in count_preset(preset)}


def trained(preset: str) -> int:
    return sum(count.trainable for count in by_name(preset).values())


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_is_built_whole_without_memory(preset: str) -> None:
    model = blank_model(find_preset(preset))
    assert all(parameter.is_meta for parameter in model.parameters())
    assert sum(count.total for count in by_name(preset).values()) == sum(
        parameter.numel() for parameter in model.parameters()
    )


def test_the_reference_trains_what_the_authors_really_train() -> None:
    """Their 31.49 M less what no gradient reaches (research: 24.74 M)."""
    counts = by_name("prs-med-reference")
    assert counts[ADAPTERS].trainable == 13_631_488
    assert counts["mask decoder"].trainable == 5_365_441
    assert counts["image encoder"].trainable == 6_065_532 - 321_640
    assert trained("prs-med-reference") == 24_740_821
    assert by_name("prs-med-reference-v5")["mask decoder"].total == 5_366_465


def test_adapters_grow_with_the_language_model_as_in_table_5() -> None:
    assert by_name("llava-1.5")[ADAPTERS].total - by_name("prs-med")[ADAPTERS].total == 3_145_728
    assert by_name("llava-1.6")[ADAPTERS].total == by_name("prs-med")[ADAPTERS].total


def test_language_models_have_their_published_size() -> None:
    mistral, vicuna, rows = 7_241_732_096, 6_738_415_616, 64 * 4096 * 2  # 64 more rows, embedding and head
    assert by_name("prs-med")[WORDS].total == mistral + rows
    assert by_name("llava-1.5")[WORDS].total == vicuna + rows
    assert sum(by_name("open")[part].total for part in (WORDS, TOWER)) == pytest.approx(4.44e9, rel=0.01)


@pytest.mark.parametrize(
    ("preset", "encoder"),
    [("prs-med-medsam", 89_670_912), ("prs-med-sam-med2d", 271_241_776 - 6_220 - 4_058_340)],
)
def test_sam_encoders_have_their_published_size_and_are_trained_or_not(preset: str, encoder: int) -> None:
    assert by_name(preset)["image encoder"].trainable == by_name(preset)["image encoder"].total == encoder
    assert by_name(f"{preset}-frozen")["image encoder"].trainable == 0


def test_the_text_ablations_have_no_mask_side() -> None:
    assert set(by_name("text-frozen")) == {WORDS, TOWER}
    assert trained("text-frozen") == 0
    assert trained("text-lora") == 13_631_488


def test_medseg_r_points_with_a_token_and_sams_decoder() -> None:
    counts = by_name("medseg-r")
    assert counts[POINTER].trainable == 2 * 4096
    assert counts["mask decoder"].source == counts["image encoder"].source == "medsam"


def test_an_imported_part_tells_its_own_shape() -> None:
    make_part("qwen25", "llava-med")
    assert shape_of("llava-med").model_type == "qwen2_5_vl"


def test_a_part_that_is_neither_known_nor_here_is_refused() -> None:
    with pytest.raises(PRSMedError) as caught:
        shape_of("nobody-knows")
    assert caught.value.code == "part_not_found"
