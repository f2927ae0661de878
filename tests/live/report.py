"""The report of a run: Markdown without secrets, for whoever works on the program.

Pure: facts in, text out. Whatever was secret or somebody's own is taken out at the end, wherever it stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

#: Numbers that may be ids of chats, people, files or keys.
_LONG_NUMBER = re.compile(r"(?<![\w.])-?\d{9,}(?!\w)")
_LIMITS = (
    "caption_length_limit_default",
    "caption_length_limit_premium",
    "upload_max_fileparts_default",
    "upload_max_fileparts_premium",
    "quote_length_max",
    "poll_answers_max",
    "todo_items_max",
    "topics_pinned_limit",
    "small_queue_max_active_operations_count",
    "large_queue_max_active_operations_count",
)


@dataclass
class Facts:
    """What a run found out; filled as it goes, so that one that fails still reports."""

    place: str
    version: str
    layer: int
    date: str
    accounts: list[str] = field(default_factory=list)
    #: Steps that were begun, the last being where a run ended that failed.
    steps: list[str] = field(default_factory=list)
    posted: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    #: How the real program's verbs and processes ended: what, and the exit status.
    exits: list[tuple[str, int]] = field(default_factory=list)
    status: dict[str, Any] = field(default_factory=dict)
    #: Rows (method, error, outcome) of all lives of the daemon, added up.
    refusals: dict[tuple[str, str, str], int] = field(default_factory=dict)
    waits: set[str] = field(default_factory=set)
    #: Warnings and errors that the daemon logged: level and event, how often.
    events: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    documented: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)
    config: dict[str, Any] = field(default_factory=dict)
    limits: dict[str, Any] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)
    not_asked: Mapping[str, str] = field(default_factory=dict)
    #: Why the run ended early; empty where it did not.
    failed: str = ""

    @property
    def equal(self) -> bool:
        return not self.failed and not self.differences and all(status == 0 for _, status in self.exits)


def render(facts: Facts, secrets: Iterable[str]) -> str:
    """The whole report; `secrets` are taken out of it wherever they stand."""
    lines = [
        "# tgstreamd and Telegram: a report",
        "",
        f"tgstreamd {facts.version}, layer {facts.layer}, {facts.date}, {facts.place}.",
        f"Accounts: {'; '.join(facts.accounts) or 'none'}.",
        f"**Target equals source, but for what is documented: {'yes' if facts.equal else 'no'}.**",
        "",
    ]
    if facts.failed:
        lines += [
            f"The run ended early, at {facts.steps[-1] if facts.steps else 'its start'}: {facts.failed}.",
            "",
        ]
    lines += _section("Posted", _posted(facts))
    lines += _section("The daemon", _daemon(facts))
    lines += _section("What differs", facts.differences or ["nothing that is not documented"])
    lines += _section("What differs as docs/fidelity.md says", facts.documented or ["nothing"])
    lines += _table(
        "Errors of Telegram",
        ("method", "error", "taken as", "times"),
        [(*key, str(count)) for key, count in sorted(facts.refusals.items())],
    )
    lines += _section("Waits", sorted(facts.waits) or ["none"])
    lines += _table(
        "Warnings of the daemon", ("event", "times"), [(k, str(n)) for k, n in sorted(facts.events.items())]
    )
    lines += _table("help.getConfig", ("what", "value"), [(k, str(v)) for k, v in facts.config.items()])
    limits = [(name, str(facts.limits[name])) for name in _LIMITS if name in facts.limits]
    lines += _table("help.getAppConfig", ("limit", "value"), limits)
    asked = [(question, answer) for question, answer in facts.answers.items()]
    asked += [(question, f"not asked: {why}") for question, why in facts.not_asked.items()]
    lines += _table("Open questions", ("question", "answer"), asked)
    return without("\n".join(lines), secrets)


def _posted(facts: Facts) -> list[str]:
    found = [f"{len(facts.posted)} kinds: {', '.join(facts.posted) or 'none'}"]
    return found + [f"{what} was refused: {error}" for what, error in facts.refused.items()]


def _daemon(facts: Facts) -> list[str]:
    found = [f"{what}: exit status {status}" for what, status in facts.exits]
    for mirror in facts.status.get("mirrors", ()):
        skipped = ", ".join(f"{n} {why}" for why, n in mirror.get("skipped_by", {}).items()) or "none"
        found.append(
            f"mirror {mirror['name']}: {mirror['done']} done, skipped: {skipped}, {mirror['parked']} parked"
            + (f", paused: {mirror['paused']}" if mirror["paused"] else "")
            + (f", last error: {mirror['last_error']}" if mirror["last_error"] else "")
        )
    if facts.seconds:
        found.append(f"{facts.seconds:.0f} s from its start to the last copy")
    return found or ["it was not started"]


def config_facts(config: Any) -> dict[str, Any]:
    """What matters of `help.getConfig`: sessions, endpoints by data centre and kind, limits. No address."""
    kinds: dict[str, int] = {}
    for option in config.dc_options:
        flags = [
            name
            for name in ("ipv6", "media_only", "tcpo_only", "cdn", "static", "this_port_only")
            if getattr(option, name, None)
        ]
        name = f"DC {option.id}{f' ({", ".join(flags)})' if flags else ''}"
        kinds[name] = kinds.get(name, 0) + 1
    return {
        "tmp_sessions": config.tmp_sessions if config.tmp_sessions is not None else "absent",
        "this DC": config.this_dc,
        "test mode": config.test_mode,
        **{f"endpoints of {name}": count for name, count in sorted(kinds.items())},
        "message_length_max": config.message_length_max,
        "caption_length_max": config.caption_length_max,
        "edit_time_limit": config.edit_time_limit,
        "forwarded_count_max": config.forwarded_count_max,
    }


def limit_facts(answer: Any) -> dict[str, Any]:
    """The numbers of `help.getAppConfig` by name."""
    values = getattr(getattr(answer, "config", None), "value", ())
    return {
        one.key: int(one.value.value)
        for one in values
        if hasattr(one.value, "value") and isinstance(one.value.value, int | float)
    }


def without(text: str, secrets: Iterable[str]) -> str:
    """The text with everything secret, and every number long enough to be an id, blotted out."""
    for secret in sorted({secret for secret in secrets if secret}, key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", "[hidden]", text)
    return _LONG_NUMBER.sub("[number]", text)


def _section(title: str, lines: Sequence[str]) -> list[str]:
    return [f"## {title}", "", *(f"* {_flat(line)}" for line in lines), ""]


def _table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    if not rows:
        return _section(title, ["none"])
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    lines += [f"| {' | '.join(_flat(cell).replace('|', chr(92) + '|') for cell in row)} |" for row in rows]
    return [f"## {title}", "", *lines, ""]


def _flat(text: str) -> str:
    return " ".join(str(text).split())
