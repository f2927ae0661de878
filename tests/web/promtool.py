"""Debian's promtool: checks rules and expressions, and runs alert rules over series of values.

`Scrapes` collects what a daemon's /metrics said, minute by minute, as such series.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

PROMTOOL = shutil.which("promtool") or ""
needed = pytest.mark.skipif(not PROMTOOL, reason="needs promtool (Debian's prometheus); .ci/run brings it")


async def promtool(*arguments: str | Path) -> tuple[int, str]:
    """Its exit status, and everything that it said."""
    process = await asyncio.create_subprocess_exec(
        PROMTOOL, *map(str, arguments), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    out, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode()


class Scrapes:
    """Series of one target, a value for each scrape, `every` seconds apart."""

    def __init__(self, every: int) -> None:
        self.every = every
        self.count = 0
        self._series: dict[str, list[str]] = {}

    def add(self, text: str) -> None:
        """One scrape's text; empty where nobody answered."""
        samples = {"up": 1.0 if text else 0.0}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                labels = ", ".join(f"{name}={json.dumps(value)}" for name, value in sample.labels.items())
                samples[f"{sample.name}, {labels}" if labels else sample.name] = sample.value
        for name, value in samples.items():
            # Up to its first sample, and wherever a scrape lacks it, a series has no value.
            self._series.setdefault(name, ["_"] * self.count).append(repr(value))
        self.count += 1
        for values in self._series.values():
            values.extend("_" * (self.count - len(values)))

    def series(self) -> list[dict[str, str]]:
        """As promtool's `input_series`."""
        found = []
        for key, values in self._series.items():
            name, _, labels = key.partition(", ")
            ours = 'job="tgstreamd", instance="here"' + (f", {labels}" if labels else "")
            found.append({"series": f"{name}{{{ours}}}", "values": " ".join(values)})
        return found


async def fired(rules: Path, scrapes: Scrapes, at: dict[int, set[str]], folder: Path) -> str:
    """Empty if exactly these alerts fire at these seconds, else what promtool says."""
    looks: list[dict[str, Any]] = [
        {
            "expr": 'count by (alertname) (ALERTS{alertstate="firing"})',
            "eval_time": f"{seconds}s",
            "exp_samples": [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in sorted(names)],
        }
        for seconds, names in at.items()
    ]
    tests = {
        "rule_files": [str(rules)],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": f"{scrapes.every}s",
                "input_series": scrapes.series(),
                "promql_expr_test": looks,
            }
        ],
    }
    file = folder / "scraped.test.yml"
    file.write_text(json.dumps(tests))
    status, said = await promtool("test", "rules", file)
    return "" if status == 0 else said
