"""What the server counts and times, for Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import torch
from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from prsmed.inference import Answer

if TYPE_CHECKING:
    from monailabel_app.ask import AskTask

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)


class Metrics:
    """Counters of one server; names begin with ``prsmed_``. No label holds an id, a path or a word of a client."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._requests = Counter(
            "prsmed_requests", "Requests by route.", ["method", "route", "status"], registry=self.registry
        )
        self._request_seconds = Histogram(
            "prsmed_request_seconds", "From request to response.", ["route"], buckets=_SECONDS, registry=self.registry
        )
        self._step_seconds = Histogram(
            "prsmed_step_seconds", "The model's steps.", ["step"], buckets=_SECONDS, registry=self.registry
        )
        self._wait_seconds = Histogram(
            "prsmed_wait_seconds", "Questions waiting for the model.", buckets=_SECONDS, registry=self.registry
        )

    def watch(self, task: Callable[[], AskTask]) -> None:
        """Report the caches, the line and the model of a task as they are when asked."""
        self.registry.register(_TaskCollector(task))

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request."""
        self._requests.labels(method, route, status).inc()
        self._request_seconds.labels(route).observe(seconds)

    def answer(self, answer: Answer, waited: float) -> None:
        """Count an answer and the seconds its question waited."""
        self._wait_seconds.observe(waited)
        for step, milliseconds in answer.latencies_ms.items():
            self._step_seconds.labels(step).observe(milliseconds / 1000)

    def text(self) -> bytes:
        """All of it in Prometheus' text format."""
        return generate_latest(self.registry)


class _TaskCollector(Collector):
    def __init__(self, task: Callable[[], AskTask]) -> None:
        self._task = task

    def collect(self) -> Iterator[Metric]:
        task = self._task()
        hits = CounterMetricFamily("prsmed_cache_hits", "Found in the cache.", labels=["cache"])
        misses = CounterMetricFamily("prsmed_cache_misses", "Not found in the cache.", labels=["cache"])
        size = GaugeMetricFamily("prsmed_cache_bytes", "Kept now.", labels=["cache"])
        for name, cache in (("volumes", task.volumes.kept), ("seen", task.engine.seen)):
            hits.add_metric([name], cache.hits)
            misses.add_metric([name], cache.misses)
            size.add_metric([name], cache.num_bytes)
        yield from (hits, misses, size)
        yield GaugeMetricFamily("prsmed_waiting", "Questions that wait.", task.line.num_waiting)
        yield GaugeMetricFamily("prsmed_running", "Questions being answered.", task.line.num_running)
        yield GaugeMetricFamily("prsmed_conversations", "Conversations kept.", len(task.conversations))
        model = InfoMetricFamily("prsmed_model", "The model that answers.")
        model.add_metric([], {"version": task.engine.version.version, "sha256": task.engine.version.sha256})
        yield model
        if torch.cuda.is_available():
            yield GaugeMetricFamily("prsmed_gpu_bytes", "GPU memory in use.", torch.cuda.memory_allocated())
