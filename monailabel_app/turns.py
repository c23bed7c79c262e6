"""Whose question the model answers next: one at a time on a device, first come, first served."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from prsmed.errors import PRSMedError


@dataclass(eq=False)
class Ticket:
    """A question's place in the line.

    Attributes:
        user: Whose it is; only they see it and cancel it.
        id: What they call it by.
        waited: Seconds it stood in line, once it is its turn.
    """

    user: str
    id: str
    waited: float = 0.0
    _cancelled: threading.Event = field(default_factory=threading.Event)

    @property
    def is_cancelled(self) -> bool:
        """Whether nobody waits for the answer any more."""
        return self._cancelled.is_set()

    def check(self) -> None:
        """Stop here when nobody waits for the answer any more.

        Raises:
            PRSMedError: ``cancelled``.
        """
        if self.is_cancelled:
            raise PRSMedError("cancelled", "the question was cancelled; ask again if that was a mistake")


class Line:
    """The questions that wait for a device.

    :meth:`join` takes a ticket (or is refused: the line is bounded), :meth:`turn` waits for the device, :meth:`leave`
    gives the ticket back. Safe to use from several threads.

    Args:
        max_waiting: How many may wait beside the one that is being answered.
    """

    def __init__(self, max_waiting: int) -> None:
        self.max_waiting = max_waiting
        self._tickets: dict[tuple[str, str], Ticket] = {}
        # The first one has the device.
        self._line: list[Ticket] = []
        self._changed = threading.Condition()

    @property
    def num_waiting(self) -> int:
        """Questions in the house that are not being answered yet."""
        with self._changed:
            return max(0, len(self._tickets) - bool(self._line))

    @property
    def num_running(self) -> int:
        """1 while a question has the device."""
        return int(bool(self._line))

    def join(self, user: str, ticket_id: str | None = None) -> Ticket:
        """Take a ticket.

        Raises:
            PRSMedError: ``busy`` when as many wait as may; ``ticket_in_use``.
        """
        ticket = Ticket(user, ticket_id or secrets.token_urlsafe(12))
        with self._changed:
            if len(self._tickets) > self.max_waiting:
                raise PRSMedError(
                    "busy", f"{self.max_waiting} questions are waiting, and no more may; ask again in a moment"
                )
            if (user, ticket.id) in self._tickets:
                raise PRSMedError("ticket_in_use", f"ticket {ticket.id!r} is still in line; give each question its own")
            self._tickets[user, ticket.id] = ticket
        return ticket

    @contextmanager
    def turn(self, ticket: Ticket) -> Iterator[None]:
        """Wait for the device and hold it for the block.

        Raises:
            PRSMedError: ``cancelled``, as soon as it is, while it waits.
        """
        came = time.monotonic()
        with self._changed:
            self._line.append(ticket)
            try:
                self._changed.wait_for(lambda: self._line[0] is ticket or ticket.is_cancelled)
                ticket.check()
            except BaseException:
                self._step_out(ticket)
                raise
        ticket.waited = time.monotonic() - came
        try:
            yield
        finally:
            with self._changed:
                self._step_out(ticket)

    def leave(self, ticket: Ticket) -> None:
        """Give the ticket back, whatever came of the question."""
        with self._changed:
            self._tickets.pop((ticket.user, ticket.id), None)

    def position(self, user: str, ticket_id: str) -> int:
        """How many are before a question; 0 while it is being answered.

        Raises:
            PRSMedError: ``unknown_ticket``, also when it is another user's.
        """
        with self._changed:
            return self._position(self._find(user, ticket_id))

    def cancel(self, user: str, ticket_id: str) -> None:
        """Nobody waits for this answer any more.

        Raises:
            PRSMedError: ``unknown_ticket``, also when it is another user's.
        """
        with self._changed:
            self._cancel(self._find(user, ticket_id))

    def give_up(self, ticket: Ticket) -> None:
        """:meth:`cancel` for whoever holds the ticket."""
        with self._changed:
            self._cancel(ticket)

    def close(self) -> None:
        """Cancel all: the server stops."""
        with self._changed:
            for ticket in self._tickets.values():
                self._cancel(ticket)

    def place_of(self, ticket: Ticket) -> int:
        """:meth:`position` for whoever holds the ticket."""
        with self._changed:
            return self._position(ticket)

    def _position(self, ticket: Ticket) -> int:
        # One that still reads its image comes behind those that stand in line.
        return self._line.index(ticket) if ticket in self._line else len(self._line)

    def _find(self, user: str, ticket_id: str) -> Ticket:
        ticket = self._tickets.get((user, ticket_id))
        if ticket is None:
            raise PRSMedError("unknown_ticket", f"there is no question {ticket_id!r} in line; it may be answered")
        return ticket

    def _cancel(self, ticket: Ticket) -> None:
        ticket._cancelled.set()
        self._changed.notify_all()

    def _step_out(self, ticket: Ticket) -> None:
        self._line.remove(ticket)
        self._changed.notify_all()
