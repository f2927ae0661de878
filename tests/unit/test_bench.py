"""The results in the repository: every promised figure is there, and prose and plots are made of them."""

from __future__ import annotations

import json
from pathlib import Path
from xml.dom import minidom

import pytest
from telethon.tl import functions

from bench import report
from bench.peer import bare
from tgstreamd.telegram.base import DEVICE
from tgstreamd.telegram.file_requests import introduction, pieces

BENCH = Path(report.__file__).parent
PROMISED = (
    "stream.cpu_over_floor",
    "stream.speedup_vs_brief_algorithm",
    "stream.speedup_vs_brief_algorithm_40ms",
    "stream.speedup_vs_parallel_senders",
    "stream.share_of_bandwidth_80ms",
    "stream.peak_rss_mb",
    "backlog.time_over_pace",
    "scale.lease_ms_1k",
    "scale.lease_ms_1m",
    "live.text_p50_ms",
    "live.photo_p50_ms",
)


@pytest.mark.parametrize("name", PROMISED)
def test_every_promised_figure_is_a_number(name: str) -> None:
    part, key = name.split(".")
    assert isinstance(json.loads((BENCH / "results.json").read_text())[part][key], float)


def test_the_page_about_small_machines_tells_what_was_measured() -> None:
    """docs/sizing.md: each row of the control group, and what a text and an hour of rest cost."""
    found = json.loads((BENCH / "results.json").read_text())["sizing"]
    page = (BENCH.parent / "docs" / "sizing.md").read_text()
    for row in found["held"]:
        told = (
            f"| {row['seconds']:.0f} s | {row['mb_per_s']:.1f} MB/s "
            f"| {row['cpu_s']:.1f} s, {row['cpu_share']:.1%} of a core "
            f"| {row['throttled_periods']:,} of {row['periods']:,} periods, {row['throttled_s']:.1f} s "
            f"| {row['peak_rss_mb']:.0f} MB | {row['group_peak_mb']:.0f} MB | never |"
        )
        assert told in page
        assert row["limit_hits"] == row["killed"] == 0
    first = found["held"][0]
    assert (first["cores"], first["limit_mb"], first["megabytes"]) == (0.25, 200.0, 2000.0)
    assert first["mb_per_s"] >= 8.5
    assert f"{found['rest']['rss_mb']:.0f} MB | " in page
    assert f"{found['rest']['cpu_s_per_hour']:.0f} s in an hour" in page
    assert f"{found['work']['cpu_s_per_1000']:.1f} s of processor; " in page


def test_prose_and_plots_are_made_of_the_numbers(tmp_path: Path) -> None:
    report.write(tmp_path, json.loads((BENCH / "results.json").read_text()))
    made = sorted(path.name for path in tmp_path.iterdir())
    assert len(made) == 6
    for name in made:
        assert (tmp_path / name).read_text() == (BENCH / name).read_text(), (
            f"{name}: python -m bench writes it"
        )
        if name.endswith(".svg"):
            minidom.parse(str(tmp_path / name))


def test_who_mixes_the_parts_of_a_file_is_told(tmp_path: Path) -> None:
    results = json.loads((BENCH / "results.json").read_text())
    said = "of 300 parts that mtcute sent at 40 ms, 6 held another part's content".lower()
    row = {
        **results["stream"]["rows"][0],
        "contender": "mtcute", "label": "mtcute", "latency_ms": 40, "parts": 300, "wrong": 6,
    }  # fmt: skip
    for wrong, is_told in ((6, True), (0, False)):
        rows = [*results["stream"]["rows"], {**row, "wrong": wrong}, {**row, "latency_ms": 0, "wrong": 0}]
        report.write(tmp_path, {"stream": {**results["stream"], "rows": rows}})
        page = (tmp_path / "RESULTS.md").read_text()
        assert (said in page.lower()) == is_told
        assert "mtcute (JavaScript)" in page


def test_the_peer_finds_a_part_behind_whatever_stands_before_it() -> None:
    """A connection's first request says who its client is; its part counts like any other."""
    request = functions.upload.SaveBigFilePartRequest(-5, 3, 9, b"part")
    for before in (introduction(12345, DEVICE), b"".join(pieces(request))[:4], b""):
        body = memoryview(b"".join(pieces(request, before)))
        assert bytes(bare(body)) == b"".join(pieces(request, b""))
