"""What was asked before: kept by the server, so that a follow-up question carries an id and not the history."""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from prsmed.errors import PRSMedError

Turn = tuple[str, str]


@dataclass
class Conversation:
    """One user's questions about one image.

    Attributes:
        id: What the user goes on with; not to be guessed.
        turns: ``(question, answer)``, oldest first.
    """

    id: str
    user: str
    image: str
    turns: list[Turn] = field(default_factory=list)
    used: float = 0.0


class Conversations:
    """All conversations, in memory, bounded and expiring. Safe to use from several threads.

    Args:
        max_conversations: The longest unused one goes first.
        max_turns: The oldest turns go first.
        seconds: A conversation ends when nobody has gone on with it for so long.
        clock: Seconds, ever growing.
    """

    def __init__(
        self, max_conversations: int, max_turns: int, seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._max_conversations, self._max_turns, self._seconds, self._clock = (
            max_conversations,
            max_turns,
            seconds,
            clock,
        )
        self._kept: OrderedDict[str, Conversation] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._kept)

    def history(self, conversation_id: str, user: str, image: str) -> tuple[Turn, ...]:
        """The turns so far.

        Raises:
            PRSMedError: ``unknown_conversation``, also when it is another user's or about another image.
        """
        with self._lock:
            self._forget_old()
            conversation = self._kept.get(conversation_id)
            if conversation is None or (conversation.user, conversation.image) != (user, image):
                raise PRSMedError(
                    "unknown_conversation",
                    "there is no such conversation of yours about this image; it may have expired: "
                    "leave conversation out to begin a new one",
                )
            return tuple(conversation.turns)

    def add(self, conversation_id: str | None, user: str, image: str, turn: Turn) -> str:
        """Note a turn; with no id, or one that was forgotten meanwhile, in a new conversation. Its id."""
        with self._lock:
            conversation = self._kept.get(conversation_id) if conversation_id else None
            if conversation is None or (conversation.user, conversation.image) != (user, image):
                conversation = Conversation(secrets.token_hex(16), user, image)
                self._kept[conversation.id] = conversation
            conversation.turns = [*conversation.turns, turn][-self._max_turns :]
            conversation.used = self._clock()
            self._kept.move_to_end(conversation.id)
            while len(self._kept) > self._max_conversations:
                self._kept.popitem(last=False)
            return conversation.id

    def _forget_old(self) -> None:
        oldest = self._clock() - self._seconds
        while self._kept and next(iter(self._kept.values())).used < oldest:
            self._kept.popitem(last=False)
