"""Renders results.json as prose and plots: RESULTS.md, one sentence a line, and the SVG files beside it."""

# ruff: noqa: E501  # one sentence a line, as in prose files
from __future__ import annotations

from pathlib import Path
from typing import Any

from bench import plot

Results = dict[str, Any]


def write(folder: Path, results: Results) -> None:
    """Write the reports for which there are results."""
    text = [
        "# Results",
        "",
        "Written by `make bench`; every figure of the documentation comes from here.",
        "Everything runs on one machine over loopback, which says nothing about Telegram's own servers.",
        "MB and GB are powers of ten; processor time is that of the whole process.",
        "",
    ]
    for part, section in (
        ("stream", _stream), ("backlog", _backlog), ("live", _live), ("scale", _scale), ("idle", _idle),
        ("sizing", _sizing),
    ):  # fmt: skip
        if part in results:
            text += [*section(results[part]), "", *_measured(results[part]["measured"]), ""]
    (folder / "RESULTS.md").write_text("\n".join(text).rstrip() + "\n")
    if "stream" in results:
        rows = results["stream"]["rows"]
        names = [row["label"] for row in rows if row["latency_ms"] == 0]
        speed = [
            (name, [next((r["mb_per_s"] for r in rows if r["label"] == name and r["latency_ms"] == ms), 0.0)
                    for ms in (0, 40)])
            for name in names
        ]  # fmt: skip
        (folder / "stream-speed.svg").write_text(
            plot.bars("One file, Telegram to Telegram", "MB/s", speed, ["0 ms", "40 ms a response"])
        )
        cpu = [(row["label"], [row["cpu_per_gb"]]) for row in rows if row["latency_ms"] == 0]
        cpu.append(("the floor", [results["stream"]["floor_cpu_per_gb"]]))
        (folder / "stream-cpu.svg").write_text(
            plot.bars("Processor time for each GB relayed", "s", cpu, ["seconds of processor"])
        )
    if "scale" in results:
        rows = results["scale"]["rows"]
        steps = {
            name: [(row["rows"], row[key]) for row in rows]
            for name, key in (("lease", "lease_ms"), ("settle", "settle_ms"), ("start", "start_ms"))
        }
        (folder / "scale-time.svg").write_text(
            plot.growth("What a step costs, by size of the ledger", "ms", steps)
        )
        size = {"bytes a message": [(row["rows"], row["bytes_per_message"]) for row in rows]}
        (folder / "scale-size.svg").write_text(plot.growth("Size of the ledger", "bytes", size))
        rate = {"messages a second": [(row["rows"], row["insert_per_s"]) for row in rows]}
        (folder / "scale-insert.svg").write_text(plot.growth("Capture into the ledger", "1/s", rate))


def _measured(at: dict[str, Any]) -> list[str]:
    pinned = "client and peer pinned to a core each" if at["pinned"] else "nothing pinned"
    return [
        f"Measured {at['date']} by `{at['command']}` on {at['cores']} cores of {at['processor']}, "
        f"{at['memory_gb']} GB, {at['system']}, Python {at['python']}, {pinned}."
    ]


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    return [
        "| " + " | ".join(head) + " |",
        "|" + "---|" * len(head),
        *("| " + " | ".join(row) + " |" for row in rows),
    ]


WAYS = {
    "sequential": "Telethon: `iter_download`, each part sent before the next is asked for",
    "brief": "the brief's algorithm: `iter_download`, ten sends at once, one connection",
    "parallel": "several senders each way (20 + 20), as the usual “fast” recipes do",
    "telethon-files": "Telethon's own download into a file, then its upload of the file",
    "kurigram-files": "kurigram's own download into a file, then its upload of the file",
    "mtcute": "mtcute (JavaScript): its download stream into its upload; some parts change places",
    "mtcute-ordered": "mtcute, one part at a time, so that each keeps its place",
    "ours": "tgstreamd, as it comes: 20 parts, 10 uploads, 2 connections down and 4 up",
    "ours, 40 parts": "tgstreamd with `buffer_parts = 40`, `parallel_uploads = 20`",
}


def _mixed(rows: list[Results]) -> list[str]:
    """Name the contenders that do not keep parts in their places; nothing if none was seen to."""
    return [
        f"Of {row['parts']} parts that {row['label']} sent at {row['latency_ms']:.0f} ms, {row['wrong']} held another part's content: "
        "where it uploads a stream of known size, a part takes its number before it takes its turn to read, and turns are not kept."
        for row in rows
        if row.get("wrong")
    ]


def _stream(found: Results) -> list[str]:
    rows = found["rows"]
    by = {(row["label"], row["latency_ms"]): row for row in rows}
    names = list(dict.fromkeys(row["label"] for row in rows))
    table = []
    for name in names:
        still, far = by.get((name, 0)), by.get((name, 40))
        table.append(
            [
                WAYS[name],
                f"{still['mb_per_s']:.0f}" if still else "",
                f"{still['cpu_per_gb']:.1f}" if still else "",
                f"{far['mb_per_s']:.0f}" if far else "",
                f"{max(row['peak_rss_mb'] for row in (still, far) if row):.0f}",
            ]
        )
    floor = found["floor"]
    return [
        "## The stream",
        "",
        "One file goes from Telegram to Telegram, `upload.getFile` to `upload.saveBigFilePart`, by each "
        "contender in a process of its own.",
        "The peer is the local Telegram with a short cut for parts (`bench/peer.py`): it checks the stamp of "
        "every part and decrypts and compares every fiftieth whole.",
        f"By its own processor time it could serve {found['peer_capacity_mb_per_s']:.0f} MB/s, so it is not "
        "what is measured.",
        "",
        *_table(["way", "0 ms: MB/s", "s of processor per GB", "40 ms a response: MB/s", "peak MB"], table),
        "",
        *_mixed(rows),
        f"The floor, which is decryption, encryption and two SHA-256 of the same bytes by cryptg and hashlib "
        f"alone, is {found['floor_cpu_per_gb']:.2f} s per GB in the same run "
        f"(AES {floor['decrypt']:.2f} + {floor['encrypt']:.2f}, SHA-256 {floor['sha256']:.2f}).",
        f"tgstreamd's processor time is {found['cpu_over_floor']:.2f} × the floor: "
        f"{100 / found['cpu_over_floor']:.0f} % of it is cryptography that any client must do.",
        "A profile of the same transfer: "
        + ", ".join(
            f"{name} {share:.0%}"
            for name, share in sorted(found["profile"].items(), key=lambda item: -item[1])
        )
        + " (sockets: the loop, and the kernel's copies; Python: everything else, the profiler's own cost included).",
        f"Against the brief's algorithm it is {found['speedup_vs_brief_algorithm']:.1f} × as fast at 0 ms, and at "
        f"40 ms {found['speedup_vs_brief_algorithm_40ms_default_depth']:.1f} × as it comes and "
        f"{found['speedup_vs_brief_algorithm_40ms']:.1f} × with 40 parts under way.",
        f"Against several senders it is {found['speedup_vs_parallel_senders']:.1f} × as fast at 0 ms and "
        f"{found['speedup_vs_parallel_senders_40ms']:.1f} × at 40 ms (40 parts).",
        f"With a cap of 5 MB/s on every connection, 80 ms and 4 connections a side it moves "
        f"{found['capped']['mb_per_s']:.1f} MB/s, which is {found['share_of_bandwidth_80ms'] * 100:.0f} % of what the "
        "caps allow on both sides at once (40 parts under way).",
        f"Peak memory of the whole process is {found['peak_rss_mb']:.0f} MB for a file of 4 GB, "
        f"{found['peak_rss_mb_small_file']:.0f} MB for one of 14 MB, and {found['peak_rss_mb_slow_upload']:.0f} MB "
        "where the upload is ten times slower than the download.",
        "Where cryptg leaves time on the table: it takes only `bytes`, so a part is copied once on its way "
        "in, and it holds the interpreter's lock, so a second core cannot help one process.",
        "",
        "![speed](stream-speed.svg)",
        "![processor time](stream-cpu.svg)",
    ]


def _backlog(found: Results) -> list[str]:
    return [
        "## A backlog against the pace",
        "",
        f"{found['messages']:.0f} messages, each with media ({found['megabytes']:.0f} MB in all, both data "
        f"centres), at {found['interval_s']:g} s a message, 40 ms a response, 5 MB/s a connection.",
        f"From the start of the process to the last copy it took {found['wall_s']:.1f} s, which is "
        f"{found['time_over_pace']:.3f} × messages × interval.",
        f"From the first copy to the last it is {found['from_first_over_pace']:.3f} ×.",
        "The pace counts from Telegram's answer, so that two messages are never closer than the interval where it "
        "matters, on the server: each costs the interval and one round trip.",
        f"By the same {(found['wall_s'] / found['messages'] - found['interval_s']) * 1000:.0f} ms a message, the 3.5 s of "
        f"real life would give {1 + (found['wall_s'] / found['messages'] - found['interval_s']) / 3.5:.3f} ×.",
        f"Peak memory was {found['peak_rss_mb']:.0f} MB.",
    ]


def _live(found: Results) -> list[str]:
    rows = [
        [name, *(f"{found[key.format(kind) + suffix]:.0f}" for kind in ("text", "photo") for key in
                 ("{}_p50_ms", "{}_p99_ms"))]
        for name, suffix in (("0 ms", ""), ("50 ms", "_at_50ms"))
    ]  # fmt: skip
    return [
        "## Live latency",
        "",
        f"From the post being accepted in the source to its copy standing in the target, in ms, "
        f"{found['samples']:.0f} posts each, the pace being idle.",
        "A photo has 1 MB; it is downloaded, uploaded, committed and sent.",
        "",
        *_table(
            ["latency of each response", "text: median", "text: 99th percentile", "photo: median",
             "photo: 99th percentile"],
            rows,
        ),
    ]  # fmt: skip


def _scale(found: Results) -> list[str]:
    rows = [
        [
            f"{row['rows']:,.0f}",
            *(f"{row[key]:.2f}" for key in ("start_ms", "lease_ms", "settle_ms", "status_ms")),
            f"{row['insert_per_s']:,.0f}",
            f"{row['bytes_per_message']:.0f}",
            f"{row['peak_rss_mb']:.0f}",
        ]
        for row in found["rows"]
    ]
    head = [
        "messages", "start: ms", "lease: ms", "settle: ms", "status: ms", "captured a second", "bytes each",
        "peak MB",
    ]  # fmt: skip
    return [
        "## The ledger at scale",
        "",
        "Half of the messages are done, half wait; a fresh process opens the ledger and goes through the store "
        "alone.",
        "A lease is all that is asked to find out whose turn it is; a settle is plan, attempt and settlement, "
        "three transactions that each reach the disk.",
        "Capture keeps at most 500 waiting messages of a backlog in a real ledger; a million waiting ones are "
        "the worst case.",
        "",
        *_table(head, rows),
        "",
        "![time](scale-time.svg)",
        "![size](scale-size.svg)",
        "![capture](scale-insert.svg)",
    ]


def _idle(found: Results) -> list[str]:
    return [
        "## A hundred mirrors",
        "",
        f"{found['mirrors']:.0f} mirrors in one process were ready after {found['ready_s']:.1f} s, with "
        f"{found['rss_mb_at_start']:.0f} MB of memory.",
        f"Idle, the process uses {found['cpu_s_per_hour']:.0f} s of processor in an hour.",
        f"When every source gets {found['burst_messages'] / found['mirrors']:.0f} posts at the same moment, all "
        f"{found['burst_messages']:.0f} copies stand after {found['burst_s']:.1f} s (0.05 s between messages to "
        f"one target here), at {found['burst_cpu_ms_per_message']:.1f} ms of processor each.",
        f"No mirror was ever more than {found['most_ahead_of_another_mirror']:.0f} messages ahead of another.",
        f"Peak memory was {found['peak_rss_mb']:.0f} MB.",
    ]


def _sizing(found: Results) -> list[str]:
    rest, work = found["rest"], found["work"]
    rows = [
        [
            f"{row['cores']:.2f} of a core, {row['limit_mb']:.0f} MB"
            + (f", a line of {row['line_mb_per_s']:.1f} MB/s" if row["line_mb_per_s"] else ""),
            f"{row['seconds']:.0f}", f"{row['mb_per_s']:.1f}", f"{row['cpu_s']:.1f}", f"{row['cpu_share']:.1%}",
            f"{row['throttled_periods']} of {row['periods']}, {row['throttled_s']:.0f} s",
            f"{row['peak_rss_mb']:.0f}", f"{row['group_peak_mb']:.0f}", f"{row['limit_hits']}",
        ]
        for row in found["held"]
    ]  # fmt: skip
    return [
        "## The smallest machine",
        "",
        f"With one mirror that has nothing to do the daemon has {rest['rss_mb']:.0f} MB of memory and uses "
        f"{rest['cpu_s_per_hour']:.0f} s of processor in an hour; a start costs {rest['start_cpu_s']:.1f} s.",
        f"A thousand texts cost {work['cpu_s_per_1000']:.1f} s of processor; each adds {work['ledger_bytes_each']:.0f} "
        f"bytes to the ledger, and {work['sent_bytes_each'] / 1000:.1f} kB go out for it and "
        f"{work['received_bytes_each'] / 1000:.1f} kB come in.",
        "One file of 2 GB, copied by a daemon in a control group; the local Telegram compared every part that arrived.",
        "",
        *_table(
            ["held to", "s", "MB/s", "s of processor", "of a core", "held back (periods, in all)", "RSS MB", "group MB",
             "limit met"],
            rows,
        ),
    ]  # fmt: skip
