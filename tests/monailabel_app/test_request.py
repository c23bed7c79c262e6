from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monailabel_app.request import AskRequest
from prsmed.errors import PRSMedError

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def ask(**params: object) -> AskRequest:
    return AskRequest.parse({"prompt": "Where is the tumour?", **params})


def test_every_field_of_the_contract_is_read() -> None:
    volume = AskRequest.parse(
        {
            "prompt": "Where is the tumour?",
            "mode": "volume",
            "plane": "coronal",
            "slice_range": [30, 60],
            "window": [40, 400],
            "conversation": "a-1",
            "result_extension": ".nrrd",
        }
    )
    assert volume == AskRequest(
        "Where is the tumour?", "volume", "coronal", None, (30, 60), (40.0, 400.0), "a-1", ".nrrd"
    )
    assert ask(slice=42) == AskRequest("Where is the tumour?", "slice", None, 42, None, None, None, None)


def test_what_stock_clients_add_is_left_alone() -> None:
    stock = {"model": "prsmed", "image": "x", "result_dtype": "uint8", "client_id": "me", "device": "cuda"}
    assert ask(**stock) == ask()


def test_an_untouched_options_table_means_the_defaults() -> None:
    table = {
        "mode": "slice",
        "plane": "",
        "slice": "",
        "slice_range": " ",
        "window": "",
        "conversation": None,
    }
    assert ask(**table) == ask()


@pytest.mark.parametrize(("text", "index"), [(7, 7), ("7", 7), (" 7 ", 7), (7.0, 7), ("7.0", 7), (0, 0), ("0", 0)])
def test_slice_as_text_cells_send_it(text: object, index: int) -> None:
    assert ask(slice=text).slice == index


@pytest.mark.parametrize("value", [[30, 60], (30, 60), "30, 60", "30,60", "[30, 60]", [30.0, "60"]])
def test_slice_range_spellings(value: object) -> None:
    assert ask(mode="volume", slice_range=value).slice_range == (30, 60)


@pytest.mark.parametrize(
    ("value", "window"),
    [
        ([40, 400], (40.0, 400.0)),
        ("40, 400", (40.0, 400.0)),
        ("[-600.5, 1500]", (-600.5, 1500.0)),
        ("lung", "lung"),
        (" soft tissue ", "soft tissue"),
    ],
)
def test_window_spellings(value: object, window: object) -> None:
    assert ask(window=value).window == window


@pytest.mark.parametrize(
    ("params", "code", "shown"),
    [
        ({"mode": "3d"}, "unknown_mode", "3d"),
        ({"mode": ["slice", "volume"]}, "unknown_mode", "slice"),
        ({"plane": 3}, "unknown_plane", "3"),
        ({"slice": "forty"}, "bad_slice", "forty"),
        ({"slice": 4.5}, "bad_slice", "4.5"),
        ({"slice": True}, "bad_slice", "true"),
        ({"slice": "nan"}, "bad_slice", "nan"),
        ({"slice": "1e999"}, "bad_slice", "1e999"),
        ({"slice": 10**400}, "bad_slice", "100000"),
        ({"slice": [1]}, "bad_slice", "[1]"),
        ({"mode": "volume", "slice": 3}, "bad_slice", "3"),
        ({"slice_range": [1, 2]}, "bad_slice_range", "mode"),
        ({"mode": "volume", "slice_range": [2, 1]}, "bad_slice_range", "[2, 1]"),
        ({"mode": "volume", "slice_range": [1]}, "bad_slice_range", "[1]"),
        ({"mode": "volume", "slice_range": "all"}, "bad_slice_range", "all"),
        ({"mode": "volume", "slice_range": 5}, "bad_slice_range", "5"),
        ({"window": [40]}, "bad_window", "[40]"),
        ({"window": "40"}, "bad_window", "40"),
        ({"window": [40, None]}, "bad_window", "null"),
        ({"window": {"center": 40}}, "bad_window", "center"),
        ({"conversation": "../x"}, "bad_conversation", "../x"),
        ({"conversation": "a" * 129}, "bad_conversation", "aaa"),
        ({"conversation": 5}, "bad_conversation", "5"),
        ({"result_extension": ".exe"}, "bad_result_extension", ".exe"),
        ({"result_extension": "/../x.nii.gz"}, "bad_result_extension", "x.nii.gz"),
        ({"prompt": 5}, "bad_prompt", "5"),
    ],
)
def test_a_bad_value_is_named_with_its_rule(params: dict[str, object], code: str, shown: str) -> None:
    with pytest.raises(PRSMedError) as caught:
        ask(**params)
    assert caught.value.code == code
    assert shown in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize("prompt", ["", "   ", None, "x" * 100_000, "Where\x00is it?", "\x1b[2J"])
def test_a_question_that_is_none_is_refused(prompt: object) -> None:
    with pytest.raises(PRSMedError) as caught:
        AskRequest.parse({"prompt": prompt})
    assert len(str(caught.value)) < 300


def test_a_missing_question_is_refused() -> None:
    with pytest.raises(PRSMedError):
        AskRequest.parse({})


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["mode", "plane", "slice", "slice_range", "window", "conversation", "result_extension"]),
        json_values,
    )
)
def test_any_json_is_read_or_refused_in_our_words(params: dict[str, object]) -> None:
    received = json.loads(json.dumps({"prompt": "Where is it?", **params}))
    try:
        request = AskRequest.parse(received)
    except PRSMedError:
        return
    assert request.slice is None or isinstance(request.slice, int)
    assert request.slice_range is None or request.slice_range[0] <= request.slice_range[1]
