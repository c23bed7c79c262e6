from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prsmed.data.questions import Wording
from prsmed.data.schema import KINDS
from prsmed.data.targets import KNOWN_MODALITIES, all_names
from prsmed.data.templates import TEST_TEMPLATES, TRAIN_TEMPLATES, places
from prsmed.data.wording import name_words
from prsmed.data.wording.check import find_fault
from prsmed.data.wording.load import USES
from prsmed.data.wording.slots import SLOTS
from prsmed.data.wording.words import many_of, one_of
from prsmed.errors import PRSMedError

SHIPPED = Wording.load()
LISTS = [(section, name) for section, slots in SLOTS.items() for name in slots]
IDS = [f"{section}-{name}" for section, name in LISTS]


def write(folder: Path, text: str) -> Path:
    path = folder / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_shipped_weights_were_trained_on_these_texts() -> None:
    def digest(texts: list[str]) -> str:
        return hashlib.sha256("\n".join(texts).encode()).hexdigest()

    heres = sorted({here for modality in KNOWN_MODALITIES for here in places(modality)})
    assert digest([*TRAIN_TEMPLATES, *TEST_TEMPLATES]).startswith("2072d7b8eaf494d1")
    assert digest(heres).startswith("b289112f9056dd18")


@pytest.mark.parametrize(("section", "name"), LISTS, ids=IDS)
def test_every_list_is_full_and_fit_for_its_use(section: str, name: str) -> None:
    texts = {use: [phrase.text for phrase in SHIPPED.phrases[section, name, use]] for use in USES}
    for text in texts["train"] + texts["held_out"]:
        assert find_fault(text, SLOTS[section][name]) is None, text
    if texts["train"] != ["{Said}."]:
        assert not set(texts["train"]) & set(texts["held_out"]) - {"{Said}."}
        assert len(set(texts["train"])) == len(texts["train"]) >= (4 if name in ("largest", "layouts") else 8)
        assert len(set(texts["held_out"])) >= (1 if name == "layouts" else 3)


def test_every_kind_has_its_wordings_and_every_wording_an_id_of_its_own() -> None:
    assert set(SLOTS) == set(KINDS)
    ids = [phrase.id for phrases in SHIPPED.phrases.values() for phrase in phrases]
    assert len(set(ids)) == len(ids)
    assert SHIPPED.of("position", "questions", held_out=False)[0].id == "position/1"


def test_a_users_list_replaces_ours_and_leaves_the_others(tmp_path: Path) -> None:
    path = write(
        tmp_path, "position:\n  questions:\n    train:\n      - 'Quo vadis, {target}?'\nhere:\n  common: [up]\n"
    )
    wording = Wording.load(path)
    assert [(p.text, p.id) for p in wording.of("position", "questions", held_out=False)] == [
        ("Quo vadis, {target}?", "user/1")
    ]
    assert wording.of("position", "questions", held_out=True) == SHIPPED.of("position", "questions", held_out=True)
    assert wording.of("choice", "answers", held_out=False) == SHIPPED.of("choice", "answers", held_out=False)
    assert wording.places("petrography") == ("up",)
    assert wording.sha256 != SHIPPED.sha256 == Wording.load().sha256


def test_a_users_file_extends_ours_when_it_says_so(tmp_path: Path) -> None:
    text = "extend: true\nyes_no:\n  agree:\n    train: ['Yes! {Said}.']\n    held_out: ['Yes!! {Said}.']\n"
    wording = Wording.load(write(tmp_path, text + "here:\n  brain_mri: ['in this head']\n"))
    agree = wording.of("yes_no", "agree", held_out=False)
    assert agree[:-1] == SHIPPED.of("yes_no", "agree", held_out=False)
    assert (agree[-1].text, agree[-1].id) == ("Yes! {Said}.", "user/1")
    assert wording.of("yes_no", "agree", held_out=True)[-1].id == "user/2"
    assert set(wording.places("brain_mri")) == {*SHIPPED.places("brain_mri"), "in this head"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("- a\n- b", "it must hold some of"),
        ("positions:\n  questions: {}", "'positions'; it is unknown there"),
        ("position:\n  replies: {}", "position: 'replies'"),
        ("position:\n  questions:\n    test: [a]", "position.questions: 'test'; .* train, held_out"),
        ("position:\n  questions: [a]", "position.questions: "),
        ("position:\n  questions:\n    train: []", "too few wordings"),
        ("position:\n  questions:\n    train: 'Where {be} {the}?'", "list at least one"),
        ("position:\n  questions:\n    train: [3]", "wording 1: '3'; it is no text"),
        ("position:\n  questions:\n    train: ['{the}?', '{the}?']", "wording 2: .* there twice"),
        ("position:\n  questions:\n    train: ['Where {be} it?']", "lacks a placeholder; add .*{the}"),
        ("position:\n  questions:\n    train: ['Where {be} {the}, {sir}?']", "{sir} is unknown here; use .*{here}"),
        ("position:\n  questions:\n    train: ['{the.__class__}?']", "no plain name"),
        ("position:\n  questions:\n    train: ['{the!r}?']", "no plain name"),
        ("position:\n  questions:\n    train: ['{the?']", "no plain name"),
        ("position:\n  questions:\n    train: ['{}?']", "no plain name"),
        ("position:\n  questions:\n    held_out: ['Where {be} {the}?']", "train and held_out"),
        ("choice:\n  questions:\n    train: ['Where {be} {the}?']", "add {options}"),
        ("yes_no:\n  agree:\n    train: ['Sure: {said}.']", "must start with Yes"),
        ("position:\n  answers:\n    train: ['{The} {be} not {place}.']", "is read as"),
        ("position:\n  answers:\n    train: ['On the left: {said}; top left.']", "is read as"),
        ("absent:\n  answers:\n    train: ['Here {be} {the}.']", "not read as absent"),
        ("extend: perhaps", "write true or false"),
        ("here: [a]", "modalities with lists"),
        ("here:\n  common: ['on {it}']", "no placeholders"),
        ("a: [\n", "line 2"),
        ("!!python/object/apply:os.getcwd []", "write it as YAML"),
    ],
)
def test_what_is_wrong_is_told_with_file_key_value_and_cure(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(PRSMedError, match=told) as error:
        Wording.load(write(tmp_path, text))
    assert error.value.code == "bad_wording"
    assert str(error.value).startswith("mine.yaml, ")
    assert "\n" not in str(error.value)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(PRSMedError, match="YAML") as error:
        Wording.load(tmp_path / "none.yaml")
    assert error.value.code == "missing_wording"


@given(st.text(alphabet="{}the.!:[] \n-", max_size=40))
def test_any_text_is_fit_or_told(text: str) -> None:
    fault = find_fault(text, SLOTS["position"]["questions"])
    if fault is None:
        text.format(**name_words("polyp", "here"))


@pytest.mark.parametrize(
    ("one", "many"),
    [
        ("polyp", "polyps"),
        ("mass", "masses"),
        ("lung", "lungs"),
        ("biopsy", "biopsies"),
        ("opacity", "opacities"),
        ("posterior hippocampus", "posterior hippocampi"),
        ("brain metastasis", "brain metastases"),
    ],
)
def test_one_and_many(one: str, many: str) -> None:
    assert many_of(one) == many
    assert one_of(one) == one


def test_names_of_every_target_are_good_english() -> None:
    assert one_of("lung fields") == "lung field"
    assert one_of("foci") == "part of the foci"
    some = ("masses", "abscesses", "metastases", "cavities", "patches", "eyes", "diseases")
    assert [one_of(name) for name in some] == ["mass", "abscess", "metastasis", "cavity", "patch", "eye", "disease"]
    assert name_words("abscess", "")["some"] == "an abscess"
    assert name_words("urinary bladder", "")["some"] == "a urinary bladder"
    for name in all_names():
        words = name_words(name, "here")
        assert (words["be"] == "are") == (words["it"] == "they") == (words["do"] == "do") == (words["many"] == name)
