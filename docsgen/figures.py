"""Documents the metrics from the program's own table."""

from __future__ import annotations

from tgstreamd.web.prometheus import catalogue

HEAD = """# Metrics

With `listen` in [`[metrics]`](configuration.md#metrics) the daemon answers `/metrics` in the text format of Prometheus, and in OpenMetrics where that is asked for.
[Watching it](../howto/monitoring.md) shows how to scrape them, and has a dashboard and alert rules.

Labels take few values each: `mirror` is a mirror's name, `reason` why messages were skipped, `method` one of Telegram's that the program calls.
No chat, message or person is a label.
A value that there is not now has no sample.
Counters of messages and files come from the ledger and survive a restart; those that say so count since the start."""  # noqa: E501  # one sentence a line, as in all prose


def page() -> str:
    """Return docs/reference/metrics.md."""
    rows = ["| metric | kind | labels | what it is |", "|---|---|---|---|"]
    for metric in catalogue():
        labels = ", ".join(f"`{label}`" for label in metric["labels"])
        rows.append(f"| `{metric['name']}` | {metric['kind']} | {labels} | {metric['help']} |")
    return HEAD + "\n\n" + "\n".join(rows) + "\n"
