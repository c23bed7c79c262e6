"""Which version of the model answers: found at start, watched, swapped without a question noticing."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from monailabel_app.ask import AskTask
from monailabel_app.settings import MEGABYTE, server_settings
from prsmed.errors import PRSMedError
from prsmed.inference import Engine
from prsmed.learning.catalogue import preset_of
from prsmed.learning.registry import Registry
from prsmed.learning.version import Version
from prsmed.model.manifest import find_checkpoint, read_manifest, verify_checkpoint

logger = logging.getLogger(__name__)

_POLL_SECONDS = 0.5


def open_registry(studies: str) -> Registry:
    """The versions that were learnt from these studies, over the model the server is started with.

    Args:
        studies: Folder or DICOMweb URL.

    Raises:
        PRSMedError: ``checkpoint_not_found`` or ``bad_checkpoint`` of that model.
    """
    chosen = server_settings()
    base = find_checkpoint(chosen.model).resolve()
    if chosen.versions is not None:
        return Registry(chosen.versions.resolve(), base)
    place = studies.rstrip("/") if studies.startswith(("http://", "https://")) else str(Path(studies).resolve())
    named = hashlib.sha256(f"{place}\0{preset_of(read_manifest(base))}".encode()).hexdigest()[:16]
    return Registry(chosen.state.resolve() / "versions" / named, base)


class LiveModel:
    """Keeps a task on the live version of a registry.

    Args:
        registry: The versions.

    Attributes:
        problem: Why another version answers than the live one; ``None`` when it does.
    """

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.problem: str | None = None
        self._stamp = registry.stamp()
        self._swapping = threading.Lock()
        self._closed = threading.Event()

    def first(self) -> Engine:
        """The live version; where its files are damaged, what was live before it, in the end the base.

        Raises:
            PRSMedError: ``bad_registry`` or ``base_conflict``: which version was approved cannot be known.
        """
        try:
            self.registry.settle()
        except PRSMedError as error:
            if error.code != "read_only":
                raise
        self._stamp = self.registry.stamp()
        for version in (self.registry.live(), *self.registry.earlier()):
            if version.path == self.registry.base:
                break
            try:
                verify_checkpoint(version.path)
                return _engine(version.path)
            except PRSMedError as error:
                self._refuse(version, error)
        return _engine(self.registry.base)

    def refresh(self, task: AskTask, *, again: bool = False) -> None:
        """Swap to the live version when another answers; running questions finish on the old one.

        Args:
            task: Whose engine is swapped.
            again: Read its files again even if it answers already.

        Raises:
            PRSMedError: It cannot be loaded; the old one stays, and :attr:`problem` says why.
        """
        with self._swapping:
            self._stamp = self.registry.stamp()
            live = self.registry.live()
            if not again and task.engine.version.version == live.name and task.engine.version.sha256 == live.sha256:
                self.problem = None
                return
            try:
                engine = _engine(live.path)
                with _out_of_memory_told():
                    engine.load_weights()
            except PRSMedError as error:
                self._refuse(live, error)
                raise
            task.swap(engine)
            # Behind what runs now and before what waits, so that nobody's question is the slow first one.
            task.device.submit(engine.warm_up)
            self.problem = None
            logger.info("Version %s answers from now on", live.name)

    def watch(self, task: AskTask) -> None:
        """Notice, from now on, when another process moves the pointer."""
        logger.info("Versions of the model are kept in %s", self.registry.folder)
        threading.Thread(target=self._watch, args=(task,), name="live-model", daemon=True).start()

    def close(self) -> None:
        """Stop watching."""
        self._closed.set()

    def _watch(self, task: AskTask) -> None:
        while not self._closed.wait(_POLL_SECONDS):
            if self.registry.stamp() == self._stamp:
                continue
            try:
                self.refresh(task)
            except PRSMedError as error:
                self.problem = str(error)
            except Exception:
                self.problem = "the live version cannot be read; the log says why"
                logger.exception("The live version cannot be read")

    def _refuse(self, version: Version, error: PRSMedError) -> None:
        self.problem = f"{version.name} is live but cannot be served: {error}"
        logger.error("Version %s cannot be served: %s", version.name, error)


@contextmanager
def _out_of_memory_told() -> Iterator[None]:
    try:
        yield
    except torch.cuda.OutOfMemoryError as error:
        torch.cuda.empty_cache()
        raise PRSMedError(
            "out_of_memory", "the GPU has no memory for a second model while the first answers; restart the server"
        ) from error


def _engine(path: Path) -> Engine:
    return Engine.load(path, cache_bytes=server_settings().cache_features_mb * MEGABYTE)
