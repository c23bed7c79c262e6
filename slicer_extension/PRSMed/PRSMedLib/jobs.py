"""Work in a thread of its own whose news are fetched by whoever has the window. No Qt, no MRML."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from PRSMedLib.i18n import tr as _
from PRSMedLib.problem import Cancelled, Problem

Result = TypeVar("Result")
_MOMENT_SECONDS = 0.02
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _News:
    call: Callable[[Any], None]
    content: Any
    isLast: bool = False


class Job(Generic[Result]):
    """One piece of work.

    ``work`` runs in the thread and is given the job; it may :meth:`tell` and should :meth:`check`. The callbacks run
    in :meth:`deliver`, so in the thread that calls it. After :meth:`cancel` none is called any more.

    Args:
        work: Returns the result; raises :class:`~PRSMedLib.problem.Problem`.
        onDone: Gets the result.
        onProblem: Gets the problem.
        onNews: Gets what ``work`` tells.
    """

    def __init__(
        self,
        work: Callable[[Job[Result]], Result],
        onDone: Callable[[Result], None],
        onProblem: Callable[[Problem], None],
        onNews: Callable[[Any], None] = lambda news: None,
    ) -> None:
        self._work, self._onDone, self._onProblem, self._onNews = work, onDone, onProblem, onNews
        self._news: queue.SimpleQueue[_News] = queue.SimpleQueue()
        self._cancelled = threading.Event()
        # A daemon: a server that hangs does not keep Slicer from closing.
        self._thread = threading.Thread(target=self._run, name="PRSMed", daemon=True)
        self.isOver = False

    def start(self) -> Job[Result]:
        """Begin; returns at once."""
        self._thread.start()
        return self

    def cancel(self) -> None:
        """Nothing more is heard of it; the thread ends when it notices."""
        self._cancelled.set()
        self.isOver = True

    @property
    def isCancelled(self) -> bool:
        """Whether it was cancelled; may be asked in any thread."""
        return self._cancelled.is_set()

    def check(self) -> None:
        """For the work: stop here if nobody wants it any more.

        Raises:
            Cancelled: It was cancelled.
        """
        if self.isCancelled:
            raise Cancelled

    def tell(self, news: Any) -> None:
        """For the work: send news."""
        self._news.put(_News(self._onNews, news))

    def deliver(self) -> None:
        """Call back with all that has come. When a callback fails the rest comes next time."""
        while not self.isOver:
            try:
                news = self._news.get_nowait()
            except queue.Empty:
                return
            self.isOver = news.isLast
            news.call(news.content)

    def wait(self, seconds: float) -> bool:
        """Wait for the thread itself; whether it has ended."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            result = self._work(self)
        except Cancelled:
            return
        except Problem as problem:
            self._news.put(_News(self._onProblem, problem, isLast=True))
        except Exception:
            _logger.exception("PRS-Med: work in the background failed")
            problem = Problem("internal", _("PRS-Med failed; the Python console says where. Please report it."))
            self._news.put(_News(self._onProblem, problem, isLast=True))
        else:
            self._news.put(_News(self._onDone, result, isLast=True))


def runToEnd(job: Job[Any]) -> None:
    """Start a job and wait for its end, for scripts without an event loop."""
    job.start()
    while not job.isOver:
        job.wait(_MOMENT_SECONDS)
        job.deliver()
