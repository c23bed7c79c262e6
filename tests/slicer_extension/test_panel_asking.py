"""Questions to real servers: ours as a stream, MONAI Label's plain one, the same answer from both."""

from __future__ import annotations

from pathlib import Path

import pytest
from panel_paths import MODULE

from PRSMedLib import asking, learning, sending
from PRSMedLib.answer import NOT_PRESENT
from PRSMedLib.problem import Problem
from PRSMedLib.server import Server

pytestmark = pytest.mark.slow

QUESTION = asking.Question("Where is the lung nodule?", {"image": "chest_ct"}, {"slice": 21})


def test_a_stream_tells_the_mask_before_the_words(nano_server: str) -> None:
    server = Server(nano_server)
    info = server.connect()
    assert info.canStream
    events = [*asking.stream(server, QUESTION)]
    kinds = [type(event).__name__ for event in events if not isinstance(event, asking.Queued)]
    assert kinds == ["Masked", *["Worded"] * (len(kinds) - 2), "Answered"]
    masked, answered = (next(e for e in events if isinstance(e, k)) for k in (asking.Masked, asking.Answered))
    assert isinstance(masked, asking.Masked)
    assert isinstance(answered, asking.Answered)
    assert "".join(e.text for e in events if isinstance(e, asking.Worded)) == answered.answer.text
    assert masked.answer.findings == answered.answer.findings
    assert masked.mask is not None
    (region,) = masked.mask.regions
    assert (region.start[2], region.isLabel.shape[0]) == (21, 1)
    assert answered.answer.conversation


def test_the_plain_server_gives_the_same(nano_server: str, stock_server: str) -> None:
    server = Server(stock_server)
    info = server.connect()
    assert not info.canStream
    *_rest, streamed = asking.stream(Server(nano_server), QUESTION)
    masked, answered = asking.askPlain(server, QUESTION)
    assert isinstance(masked, asking.Masked)
    assert isinstance(answered, asking.Answered)
    assert isinstance(streamed, asking.Answered)
    assert answered.answer.text == streamed.answer.text
    assert answered.answer.findings == streamed.answer.findings
    assert masked.mask is not None


def test_an_image_sent_for_a_while_can_be_asked_about(nano_server: str, stock_server: str) -> None:
    content = (MODULE / "Resources" / "SampleData" / "chest_ct.nrrd").read_bytes()
    texts = []
    for address, ask in ((nano_server, asking.stream), (stock_server, asking.askPlain)):
        shares: list[float] = []
        server = Server(address)
        source = sending.sendForAWhile(server, "image.nrrd", content, shares.append)
        assert set(source) == {"session_id"}
        assert shares == sorted(shares)
        *_rest, answered = ask(server, asking.Question(QUESTION.text, source, {"plane": "axial", "slice": 21}))
        assert isinstance(answered, asking.Answered)
        texts.append(answered.answer.text)
    assert texts[0] == texts[1]


def test_what_is_not_there_has_no_mask(nano_server: str) -> None:
    question = asking.Question("Is there a kidney stone?", {"image": "skin_photo"}, {})
    *_rest, answered = asking.stream(Server(nano_server), question)
    assert isinstance(answered, asking.Answered)
    assert answered.answer.verdict == NOT_PRESENT


@pytest.mark.parametrize(
    ("source", "view", "code"),
    [({"image": "nobody"}, {}, "unknown_image"), 
     ({"image": "chest_ct"}, {"slice": 900}, "slice_out_of_range"),
     ({"session_id": "00000000-0000-0000-0000-000000000000"}, {}, "unknown_image")],
    ids=["image", "slice", "session"],
)  # fmt: skip
def test_the_server_s_own_words_come_through(nano_server: str, source, view, code: str) -> None:
    with pytest.raises(Problem) as caught:
        list(asking.stream(Server(nano_server), asking.Question("Where?", source, view)))
    assert caught.value.code == code


def test_a_cancelled_question_leaves_the_line(nano_server: str) -> None:
    server = Server(nano_server)
    question = asking.Question("Where is the lung nodule?", {"image": "chest_ct"}, {"mode": "volume"})
    events = asking.stream(server, question)
    next(events)
    asking.cancel(server, question)
    with pytest.raises(Problem) as caught:
        list(events)
    assert caught.value.code == "cancelled"
    assert server.getJson("/queue") == {"running": 0, "waiting": 0, "max_waiting": 32}
    # Once more: it is not known any longer, and nobody minds.
    asking.cancel(server, question)


def test_an_upload_stops_when_it_is_no_longer_wanted(nano_server: str) -> None:
    def stop(share: float) -> None:
        if share > 0.3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sending.sendForAWhile(Server(nano_server), "image.nrrd", bytes(4 << 20), stop)


def test_the_next_study_comes_as_a_file(nano_server: str, tmp_path: Path) -> None:
    server = Server(nano_server)
    study = learning.nextStudy(server, "first")
    assert study.image
    assert study.reason
    shares: list[float] = []
    file = learning.download(server, study.image, tmp_path, shares.append)
    assert file.parent == tmp_path
    assert file.stat().st_size > 1000
    assert shares[-1] == pytest.approx(1.0)
