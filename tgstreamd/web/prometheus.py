"""Renders one reading in Prometheus' format, and lists all metrics, from the table in `metrics`.

`render` answers a scrape in the format that it requests; `catalogue` is what the reference, the dashboard and
the alert rules are checked against.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from prometheus_client.core import CollectorRegistry, CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from .metrics import MEASURES, Measure
from .reading import Reading


def render(reading: Reading, accept: str) -> tuple[bytes, str]:
    """Return the body and its content type; `accept` is the scrape's header."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Once(reading))
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type


def catalogue() -> list[dict[str, Any]]:
    """Return every metric: `name` as in queries, `kind`, `unit`, `labels`, `help`."""
    return [
        {
            "name": measure.name,
            "kind": measure.kind,
            "unit": measure.unit,
            "labels": list(measure.labels),
            "help": measure.help,
        }
        for measure in MEASURES
    ]


class _Once(Collector):
    """One reading as a prometheus_client collector."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    def collect(self) -> Iterator[Metric]:
        for measure in MEASURES:
            yield _family(measure, self._reading)


def _family(measure: Measure, reading: Reading) -> Metric:
    kind = CounterMetricFamily if measure.kind == "counter" else GaugeMetricFamily
    family = kind(measure.name, measure.help, labels=measure.labels)
    # Two samples with the same labels would invalidate the whole scrape, so the last one is used.
    for labels, value in dict(measure.values(reading)).items():
        family.add_metric(list(labels), value)
    return family
