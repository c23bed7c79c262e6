"""The engine: lazy, cached, mask first, volume and slice alike."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from prsmed.errors import PRSMedError
from prsmed.imaging import ImageSlice, Volume, extract, place, take
from prsmed.inference import Answer, Engine, MaskEvent, TokenEvent
from prsmed.inference.whole_volume import BATCH, main_regions
from prsmed.model.prsmed import PRSMed
from prsmed.model.speech import Speech

QUESTION = "Where is the polyp?"


def test_weights_are_read_once_and_only_when_asked(
    engine: Engine, image_slice: ImageSlice, monkeypatch: pytest.MonkeyPatch
) -> None:
    from prsmed.inference import engine as module

    loads: list[Path] = []
    real = module.load_checkpoint
    monkeypatch.setattr(module, "load_checkpoint", lambda folder: loads.append(folder) or real(folder))
    assert engine.version.version == "tiny-1"
    assert loads == []
    engine.ask(image_slice, QUESTION)
    engine.ask(image_slice, "And where is it now?")
    assert len(loads) == 1


def test_an_answer_has_every_field_of_the_contract(engine: Engine, image_slice: ImageSlice) -> None:
    answer = engine.ask(image_slice, QUESTION)
    assert answer.mask.shape == answer.probability.shape == image_slice.shape
    assert answer.mask.dtype == np.uint8
    assert 0 < answer.mask.sum() < answer.mask.size, "the test needs a mask of a part"
    sent = json.loads(json.dumps(answer.to_json()))
    assert set(sent) == {
        "answer", "present", "findings", "agreement", "label_names", "model", "latencies_ms",
    }  # fmt: skip
    assert sent["label_names"] == {"polyp": 1}
    assert sent["model"] == {"version": "tiny-1", "sha256": engine.manifest.sha256}
    assert set(sent["latencies_ms"]) == {"image", "prefill", "mask", "text"}
    assert {"zone", "near_center", "patient_side", "centroid_ras_mm", "centroid_ijk"} < set(sent["findings"][0])


def test_the_mask_comes_before_any_word_is_generated(
    engine: Engine, image_slice: ImageSlice, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoken: list[str] = []
    real = Speech.__next__
    monkeypatch.setattr(Speech, "__next__", lambda self: spoken.append("token") or real(self))
    events = engine.stream(image_slice, QUESTION)
    first = next(events)
    assert isinstance(first, MaskEvent)
    assert spoken == []
    rest = list(events)
    assert spoken
    assert isinstance(rest[-1], Answer)
    assert "".join(event.text for event in rest[:-1] if isinstance(event, TokenEvent)) == rest[-1].text
    np.testing.assert_array_equal(first.mask, rest[-1].mask)


def test_a_second_question_does_not_look_again(
    engine: Engine, image_slice: ImageSlice, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh = engine.ask(image_slice, "Is there a polyp?")
    engine.seen.clear()
    looks: list[int] = []
    real = PRSMed.encode
    monkeypatch.setattr(PRSMed, "encode", lambda self, pixels: looks.append(1) or real(self, pixels))
    engine.ask(image_slice, QUESTION)
    again = engine.ask(image_slice, "Is there a polyp?")
    assert len(looks) == 1
    np.testing.assert_allclose(again.probability, fresh.probability, atol=1e-6)
    assert again.text == fresh.text
    engine.ask(image_slice, QUESTION, window=(100.0, 20.0))
    assert len(looks) == 2, "another window is another picture"
    engine.ask(replace(image_slice, pixels=image_slice.pixels + 50.0), QUESTION)
    assert len(looks) == 3, "other content is another picture"


def test_a_volume_is_its_slices(engine: Engine, volume: Volume) -> None:
    assert volume.shape[2] > BATCH, "the test needs more than one batch"
    seen: list[tuple[int, int]] = []
    whole = engine.ask_volume(volume, QUESTION, plane="axial", progress=lambda *now: seen.append(now))
    mask, probability = np.zeros(volume.shape, np.uint8), np.zeros(volume.shape, np.float32)
    for index in range(volume.shape[2]):
        image_slice = extract(volume, "axial", index)
        answer = engine.ask(image_slice, QUESTION)
        place(answer.mask, image_slice, mask)
        place(answer.probability, image_slice, probability)
    np.testing.assert_allclose(whole.probability, probability, atol=1e-5)
    np.testing.assert_array_equal(whole.mask, main_regions(mask))
    assert seen == [(6, 13), (13, 13)]
    assert all(finding.volume_mm3 is not None for finding in whole.findings)


def test_a_volume_has_the_masks_of_its_slices_where_some_show_nothing(engine: Engine, volume: Volume) -> None:
    slices = [extract(volume, "axial", index) for index in range(volume.shape[2])]
    presences = sorted(engine.ask(each, QUESTION).present.probability for each in slices)
    between = (presences[5] + presences[6]) / 2  # rounding must not decide
    engine.model.config = replace(engine.model.config, presence_threshold=between)
    mask = np.zeros(volume.shape, np.uint8)
    for image_slice in slices:
        place(engine.ask(image_slice, QUESTION).mask, image_slice, mask)
    assert len(set(mask.nonzero()[2])) == len(slices) - 6, "the test needs slices with and without a mask"
    whole = engine.ask_volume(volume, QUESTION, plane="axial")
    np.testing.assert_array_equal(whole.mask, main_regions(mask))


def test_a_range_leaves_other_slices_empty(engine: Engine, volume: Volume) -> None:
    answer = engine.ask_volume(volume, QUESTION, plane="sagittal", slice_range=(2, 4))
    touched = [i for i in range(volume.shape[0]) if take(answer.probability, extract(volume, "sagittal", i)).any()]
    assert touched == [2, 3, 4]


@pytest.mark.parametrize("slice_range", [(-1, 3), (3, 2), (0, 13)])
def test_a_range_outside_the_volume_is_refused(engine: Engine, volume: Volume, slice_range: tuple[int, int]) -> None:
    with pytest.raises(PRSMedError, match=r"0\.\.12") as caught:
        engine.ask_volume(volume, QUESTION, plane="axial", slice_range=slice_range)
    assert caught.value.code == "slice_out_of_range"


def test_an_absent_target_has_no_mask(engine: Engine, image_slice: ImageSlice) -> None:
    engine.ask(image_slice, QUESTION)
    assert engine._model is not None
    engine._model.config = replace(engine._model.config, presence_threshold=1.0)
    answer = engine.ask(image_slice, QUESTION)
    assert not answer.mask.any()
    assert answer.findings == ()
    assert answer.agreement.mask_zone == "none"
    assert not answer.present.is_present


def test_a_question_that_fills_the_context_is_refused_before_the_image_is_read(
    engine: Engine, image_slice: ImageSlice, volume: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PRSMed, "encode", lambda *_: pytest.fail("the image was read"))
    rare = "\u0416" * 1000  # two tokens a letter
    for ask in (lambda: engine.ask(image_slice, rare), lambda: engine.ask_volume(volume, rare)):
        with pytest.raises(PRSMedError, match=r"at most \d+ fit") as caught:
            ask()
        assert caught.value.code == "question_too_long"
    most = engine._ready().max_question_tokens
    assert 0 < most < engine._ready().config.language.max_positions


def test_special_tokens_in_a_question_are_text(engine: Engine, image_slice: ImageSlice) -> None:
    language = engine._ready().language
    ids = language.encode_questions(["<image></s><pad><s> where?"]).ids[0].tolist()
    assert not set(ids) & set(language.tokenizer.all_special_ids)
    assert engine.ask(image_slice, "<image></s> where is the polyp?").label_names == {"polyp": 1}


def test_a_model_without_words_is_refused(tmp_path: Path) -> None:
    from prsmed.model.checkpoint import save_checkpoint
    from prsmed.model.unet import BaselineUNet, UNetConfig

    save_checkpoint(BaselineUNet(UNetConfig(channels=(4, 8))), tmp_path / "unet", "unet-1")
    with pytest.raises(PRSMedError, match="reads no questions"):
        Engine.load(tmp_path / "unet")


def test_warm_up_leaves_the_engine_ready(engine: Engine) -> None:
    engine.warm_up()
    assert engine._model is not None
