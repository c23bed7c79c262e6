"""Work in the background: news in order, nothing after a cancel, no failure lost."""

from __future__ import annotations

import threading
import time

import pytest

from PRSMedLib.jobs import Job, runToEnd
from PRSMedLib.problem import Problem


class Heard:
    def __init__(self) -> None:
        self.news: list[object] = []
        self.threads: set[threading.Thread] = set()

    def __call__(self, news: object) -> None:
        self.news.append(news)
        self.threads.add(threading.current_thread())


def test_news_come_in_order_and_in_the_thread_that_fetches_them() -> None:
    heard = Heard()

    def work(job: Job[str]) -> str:
        for number in range(5):
            job.tell(number)
        return "done"

    runToEnd(Job(work, heard, heard, heard))
    assert heard.news == [0, 1, 2, 3, 4, "done"]
    assert heard.threads == {threading.current_thread()}


def test_a_problem_is_the_last_news() -> None:
    heard = Heard()

    def work(job: Job[None]) -> None:
        job.tell("begun")
        raise Problem("refused", "no")

    runToEnd(Job(work, heard, heard, heard))
    begun, problem = heard.news
    assert begun == "begun"
    assert isinstance(problem, Problem)


def test_a_fault_of_ours_is_told_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    heard = Heard()
    runToEnd(Job(lambda job: 1 / 0, heard, heard))
    assert [each.code for each in heard.news if isinstance(each, Problem)] == ["internal"]
    assert "ZeroDivisionError" in caplog.text


def test_nothing_is_heard_of_a_cancelled_job_and_its_thread_ends() -> None:
    heard, going = Heard(), threading.Event()

    def work(job: Job[None]) -> None:
        while True:
            job.tell("still here")
            going.set()
            job.check()
            time.sleep(0.005)

    job: Job[None] = Job(work, heard, heard, heard).start()
    going.wait(5)
    job.cancel()
    job.deliver()
    assert heard.news == []
    assert job.wait(5)


def test_a_callback_that_fails_does_not_swallow_the_rest() -> None:
    heard = Heard()

    def choke(news: object) -> None:
        if news == 1:
            raise RuntimeError("no room")
        heard(news)

    def work(job: Job[None]) -> None:
        for number in range(3):
            job.tell(number)

    job: Job[None] = Job(work, heard, heard, choke).start()
    job.wait(5)
    with pytest.raises(RuntimeError):
        job.deliver()
    job.deliver()
    assert heard.news == [0, 2, None]
