"""Questions stand in line."""

from __future__ import annotations

import threading
import time

import pytest

from monailabel_app.turns import Line, Ticket
from prsmed.errors import PRSMedError


def test_one_at_a_time_in_order() -> None:
    line, order, running = Line(10), [], []

    def ask(ticket: Ticket) -> None:
        with line.turn(ticket):
            running.append(1)
            assert len(running) == 1
            order.append(ticket.id)
            time.sleep(0.01)
            running.pop()
        line.leave(ticket)

    threads = []
    for n in range(8):
        threads.append(threading.Thread(target=ask, args=(line.join("a", str(n)),)))
        threads[-1].start()
        time.sleep(0.002)
    for thread in threads:
        thread.join()
    assert order == [str(n) for n in range(8)]
    assert (line.num_running, line.num_waiting) == (0, 0)


def test_positions_count_those_before() -> None:
    line = Line(10)
    tickets = [line.join("a", name) for name in "xyz"]
    release = threading.Event()

    def ask(ticket: Ticket) -> None:
        with line.turn(ticket):
            release.wait(10)

    threads = [threading.Thread(target=ask, args=(ticket,)) for ticket in tickets]
    for place, thread in enumerate(threads):
        thread.start()
        while line.place_of(tickets[place]) != place or line.num_running == 0:
            time.sleep(0.001)
    assert [line.position("a", name) for name in "xyz"] == [0, 1, 2]
    assert (line.num_running, line.num_waiting) == (1, 2)
    with pytest.raises(PRSMedError, match="no question 'y'") as caught:
        line.position("b", "y")
    assert caught.value.code == "unknown_ticket"
    release.set()
    for thread in threads:
        thread.join()


def test_a_full_line_refuses() -> None:
    line = Line(max_waiting=2)
    first, *_ = (line.join("a") for _ in range(3))
    with pytest.raises(PRSMedError, match="2 questions are waiting") as caught:
        line.join("a")
    assert caught.value.code == "busy"
    line.leave(first)
    line.join("a", "mine")
    line.leave(first)
    with pytest.raises(PRSMedError) as caught:
        line.join("b", "mine")
    assert caught.value.code == "busy"


def test_a_ticket_is_used_once_at_a_time_by_a_user() -> None:
    line = Line(10)
    mine = line.join("a", "t")
    line.join("b", "t")
    with pytest.raises(PRSMedError) as caught:
        line.join("a", "t")
    assert caught.value.code == "ticket_in_use"
    line.leave(mine)
    line.join("a", "t")


def test_who_is_cancelled_leaves_the_line_at_once() -> None:
    line = Line(10)
    holder, waiting = line.join("a", "holder"), line.join("a", "waiting")
    codes: list[str] = []

    def wait() -> None:
        try:
            with line.turn(waiting):
                codes.append("reached the model")
        except PRSMedError as error:
            codes.append(error.code)

    with line.turn(holder):
        thread = threading.Thread(target=wait)
        thread.start()
        while line.place_of(waiting) != 1:
            time.sleep(0.001)
        with pytest.raises(PRSMedError):
            line.cancel("b", "waiting")
        assert not waiting.is_cancelled
        line.cancel("a", "waiting")
        thread.join(5)
        assert codes == ["cancelled"]
        holder.check()
        line.close()
        assert holder.is_cancelled
    assert line.num_running == 0
