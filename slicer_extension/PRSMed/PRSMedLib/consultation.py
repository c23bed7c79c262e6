"""A question from the panel to the server, and its answer into the scene.

Main thread only; what waits for the network runs in a :class:`~PRSMedLib.jobs.Job`, which touches neither scene nor
widgets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import slicer

from PRSMedLib import asking, conversation, notes, segments, views, volumes
from PRSMedLib.i18n import tr as _
from PRSMedLib.jobs import Job
from PRSMedLib.known import Known
from PRSMedLib.problem import Problem
from PRSMedLib.questions import LIMIT
from PRSMedLib.sending import sendForAWhile
from PRSMedLib.server import Server, ServerInfo


@dataclass(frozen=True)
class Sending:
    """This share of the image has gone out."""

    share: float


@dataclass(frozen=True)
class Found:
    """The server has the image, here."""

    source: dict[str, str]


@dataclass
class _Underway:
    job: Job[None]
    volumeId: str
    turn: conversation.Turn
    kept: conversation.Conversation
    question: asking.Question
    stamp: tuple[Any, ...]


@dataclass
class Consultation:
    """Asks one question at a time.

    Attributes:
        start: Starts a job and sees to it that its news are delivered.
        onChanged: Called when a conversation has changed.
        onProgress: Called with what happens now, and how much of it is done (0..1) where that can be told.
        onOver: Called when the question is answered, failed or cancelled.
        maySend: Whether images may go to a server.
        server: Whom to ask; ``None`` before the first connection.
        info: What it said of itself.
        known: Which volumes the server has.
    """

    start: Callable[[Job[Any]], None]
    onChanged: Callable[[], None] = lambda: None
    onProgress: Callable[[str, float | None], None] = lambda text, share: None
    onOver: Callable[[Problem | None], None] = lambda problem: None
    maySend: Callable[[Server], bool] = lambda server: True
    server: Server | None = None
    info: ServerInfo | None = None
    known: Known = field(default_factory=Known)
    _underway: _Underway | None = None

    @property
    def isBusy(self) -> bool:
        """Whether a question is under way."""
        return self._underway is not None

    def current(self, volumeNode: slicer.vtkMRMLVolumeNode) -> conversation.Conversation:
        """The conversation about a volume, with what has come of the question under way.

        Raises:
            Problem: It cannot be read.
        """
        if self._underway is not None and self._underway.volumeId == volumeNode.GetID():
            return self._underway.kept
        return notes.conversationOf(volumeNode)

    def check(self, volumeNode: slicer.vtkMRMLVolumeNode | None, text: str) -> None:
        """Whether a question can be asked at all.

        Raises:
            Problem: Why not.
        """
        if self.server is None or self.info is None:
            raise Problem("not_connected", _("Connect to a server first."))
        if self.isBusy:
            raise Problem("busy_here", _("A question is under way; wait for its answer or cancel it."))
        if volumeNode is None:
            raise Problem("no_volume", _("Choose the volume to ask about."))
        if not text.strip():
            raise Problem("empty_question", _("Type a question, for example: Where is the lesion?"))
        if len(text) > LIMIT:
            raise Problem(
                "long_question", _("The question has {0} characters; {1} are taken.").format(len(text), LIMIT)
            )

    def ask(
        self,
        volumeNode: slicer.vtkMRMLVolumeNode | None,
        sliceNode: slicer.vtkMRMLSliceNode,
        text: str,
        scope: str = views.SLICE,
        sliceRange: tuple[int, int] = (0, 0),
    ) -> None:
        """Ask; returns at once.

        Raises:
            Problem: It cannot be asked so; nothing has been sent.
        """
        self.check(volumeNode, text)
        assert self.server is not None
        assert self.info is not None
        assert volumeNode is not None
        text = text.strip()
        view, words = views.whatToAsk(volumeNode, sliceNode, scope, sliceRange)
        kept = self._conversationToGoOnWith(volumeNode)
        source = self.known.source(volumeNode, self.server)
        pack = volumes.packed(volumeNode) if self.maySend(self.server) else None
        if source is None and pack is None:
            raise Problem("not_sent", _("The image may not be sent to this server."))
        question = asking.Question(text, source or {}, view, kept.serverId)
        turn = conversation.Turn(text, words)
        kept.turns.append(turn)
        work = _Work(self.server, self.info.canStream, question, pack)
        job = Job(work, lambda nothing: self._end(None), self._fail, self._hear)
        self._underway = _Underway(job, volumeNode.GetID(), turn, kept, question, volumes.stamp(volumeNode))
        self.onChanged()
        self.start(job)

    def cancel(self) -> None:
        """The user no longer wants the answer. What has come of it stays."""
        if self._underway is not None:
            self._abandon()
            self._underway.turn.state = conversation.CANCELLED
            self._end(None)

    def forget(self, volumeNode: slicer.vtkMRMLNode | None = None) -> None:
        """A volume goes (``None``: the whole scene does), and with it the question about it."""
        self.known.forget(volumeNode)
        if self._underway is not None and volumeNode in (None, self._volume()):
            self._abandon()
            self._underway = None
            gone = _("The volume was deleted, so the question about it was cancelled.")
            self.onOver(Problem("volume_deleted", gone) if volumeNode is not None else None)

    def undo(self, volumeNode: slicer.vtkMRMLVolumeNode, mayLose: Callable[[], bool] = lambda: True) -> bool:
        """Take back the segments of the newest answer that has some.

        Args:
            volumeNode: The image.
            mayLose: Asked when somebody has changed the segments since.

        Returns:
            Whether it was done.
        """
        kept = notes.conversationOf(volumeNode)
        turn = kept.lastUndoable()
        node = segments.segmentationOf(volumeNode)
        if self.isBusy or turn is None:
            return False
        if node is not None:
            now = segments.digests(node, turn.segmentIds)
            isChanged = any(turn.digests.get(each) != digest for each, digest in now.items())
            if isChanged and not mayLose():
                return False
            segments.removeSegments(node, turn.segmentIds)
        turn.isUndone = True
        notes.keep(volumeNode, kept)
        self.onChanged()
        return True

    def _conversationToGoOnWith(self, volumeNode: slicer.vtkMRMLVolumeNode) -> conversation.Conversation:
        try:
            return notes.conversationOf(volumeNode)
        except Problem:
            # Set aside by ``keep``; the panel has told so.
            return conversation.Conversation()

    def _volume(self) -> slicer.vtkMRMLVolumeNode | None:
        return slicer.mrmlScene.GetNodeByID(self._underway.volumeId) if self._underway else None

    def _hear(self, event: Any) -> None:
        underway, volumeNode = self._underway, self._volume()
        assert underway is not None
        assert volumeNode is not None
        turn = underway.turn
        if isinstance(event, Sending):
            self.onProgress(_("Sending the image"), event.share)
        elif isinstance(event, Found):
            assert self.server is not None
            self.known.remember(volumeNode, self.server, event.source, underway.stamp)
        elif isinstance(event, asking.Queued):
            waiting = _("Waiting: {0} before you").format(event.position) if event.position else _("Looking")
            self.onProgress(waiting, None)
        elif isinstance(event, asking.Sliced):
            self.onProgress(_("Slice {0} of {1}").format(event.done, event.total), event.done / max(event.total, 1))
        elif isinstance(event, asking.Masked):
            turn.answer = event.answer
            if event.mask is not None:
                turn.segmentIds = segments.addMask(volumeNode, event.mask, event.answer.labelNames, turn.question)
                node = segments.makeSegmentation(volumeNode)
                turn.digests = segments.digests(node, turn.segmentIds)
            self.onProgress(_("Answering"), None)
            self.onChanged()
        elif isinstance(event, asking.Worded):
            turn.answer = replace(turn.answer, text=turn.answer.text + event.text)
            self.onChanged()
        elif isinstance(event, asking.Answered):
            turn.answer, turn.state = event.answer, conversation.ANSWERED
            underway.kept.serverId = event.answer.conversation

    def _fail(self, problem: Problem) -> None:
        assert self._underway is not None
        turn = self._underway.turn
        turn.state = conversation.INTERRUPTED if turn.segmentIds or turn.answer.text else conversation.FAILED
        turn.problem = problem.message
        volumeNode = self._volume()
        if problem.code == "unknown_image" and volumeNode is not None:
            self.known.forget(volumeNode)
        self._end(problem)

    def _end(self, problem: Problem | None) -> None:
        assert self._underway is not None
        volumeNode, kept = self._volume(), self._underway.kept
        self._underway = None
        if volumeNode is not None:
            notes.keep(volumeNode, kept)
        self.onChanged()
        self.onOver(problem)

    def _abandon(self) -> None:
        assert self._underway is not None
        assert self.server is not None
        self._underway.job.cancel()
        if self.info is not None and self.info.canStream:
            server, question = self.server, self._underway.question
            self.start(Job(lambda job: asking.cancel(server, question), lambda nothing: None, lambda problem: None))


@dataclass
class _Work:
    """What the thread does: send the image if the server lacks it, ask, tell what comes."""

    server: Server
    canStream: bool
    question: asking.Question
    pack: Callable[[], tuple[str, bytes]] | None

    def __call__(self, job: Job[None]) -> None:
        question = self.question if self.question.source else self._sent(job)
        try:
            self._ask(job, question)
        except Problem as problem:
            again = self._again(job, problem.code)
            if again is None:
                raise
            self._ask(job, again)

    def _again(self, job: Job[None], code: str) -> asking.Question | None:
        """The server forgets in time what was uploaded for a while, and what was said; then begin anew."""
        if code == "unknown_image" and self.question.source and self.pack is not None:
            return self._sent(job)
        if code == "unknown_conversation" and self.question.conversation:
            return replace(self.question, conversation=None)
        return None

    def _ask(self, job: Job[None], question: asking.Question) -> None:
        for event in self._events(question):
            job.check()
            job.tell(event)

    def _events(self, question: asking.Question) -> Iterator[asking.Event]:
        return asking.stream(self.server, question) if self.canStream else asking.askPlain(self.server, question)

    def _sent(self, job: Job[None]) -> asking.Question:
        assert self.pack is not None
        job.tell(Sending(0.0))
        name, content = self.pack()

        def sent(share: float) -> None:
            job.check()
            job.tell(Sending(share))

        source = sendForAWhile(self.server, name, content, sent)
        job.tell(Found(source))
        # A conversation is about one image of the server's, and this is a new one.
        return replace(self.question, source=source, conversation=None)
