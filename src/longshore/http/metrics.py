"""What `/metrics` tells about requests. Counted as plain numbers and put into Prometheus' form when somebody asks: the
library's own counters would cost a cached delivery a tenth of its time."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

_BUCKETS = (0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0, 60.0)
"""Upper bounds in seconds."""


class _Seconds:
    """One histogram: how many fell below each bound, and their sum."""

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * (len(_BUCKETS) + 1)
        self.total = 0.0


class Metrics(Collector):
    """Counted on the event loop, by one thread only."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self.in_flight = 0
        self._requests: defaultdict[tuple[str, int], int] = defaultdict(int)
        self._seconds: defaultdict[str, _Seconds] = defaultdict(_Seconds)
        registry.register(self)

    def record(self, api: str, status: int, seconds: float) -> None:
        self._requests[api, status] += 1
        histogram = self._seconds[api]
        histogram.counts[bisect_left(_BUCKETS, seconds)] += 1
        histogram.total += seconds

    def collect(self) -> Iterator[Metric]:
        requests = CounterMetricFamily("longshore_requests", "Answered requests", labels=["api", "status"])
        for (api, status), count in self._requests.items():
            requests.add_metric([api, str(status)], count)
        yield requests
        seconds = HistogramMetricFamily(
            "longshore_request_seconds", "Seconds from a request's first byte to its answer's last", labels=["api"]
        )
        for api, histogram in self._seconds.items():
            below, buckets = 0, list[tuple[str, float]]()
            for bound, count in zip((*map(str, _BUCKETS), "+Inf"), histogram.counts, strict=True):
                below += count
                buckets.append((bound, below))
            seconds.add_metric([api], buckets, histogram.total)
        yield seconds
        yield GaugeMetricFamily("longshore_requests_in_flight", "Requests being answered", value=self.in_flight)
