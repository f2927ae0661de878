"""Judges whether a mirror may run, from the state of its two sides, and whether mirrors form a loop.

Pure. Promises a finding with a sentence for people for every defect. Makes no requests: chats and topics are
arguments, or the error that was raised instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal

import msgspec

from ..domain.errors import TelegramError
from ..domain.messages import GENERAL_TOPIC, Chat, Mirror, Topic, Value

#: Begins a remedy that only a person can carry out.
GRANT = "in Telegram, let this account"


class Finding(Value, frozen=True, kw_only=True):
    """One line of `check`. `fail`: the mirror is paused; `warn`: it runs, but someone should know."""

    level: Literal["ok", "warn", "fail"]
    subject: str
    text: str
    #: The remedy: a command, or a sentence where no command helps.
    remedy: str = ""


class Edge(Value, frozen=True, kw_only=True):
    """A mirror as far as loops are concerned: its resolved ids, None for the whole chat."""

    name: str
    source: int
    target: int
    source_topic: int | None = None
    target_topic: int | None = None


def judge(
    mirror: Mirror,
    source: Chat | TelegramError,
    target: Chat | TelegramError,
    *,
    source_topics: Sequence[Topic] = (),
    target_topics: Sequence[Topic] = (),
) -> list[Finding]:
    """Return all findings about one mirror, source first. It may run if none of them is a `fail`."""
    found: list[Finding] = []
    if isinstance(source, Chat):
        found += _check_source(mirror, source, source_topics)
    else:
        found.append(_fail("source", source.line()))
    if isinstance(target, Chat):
        found += _check_target(mirror, target, target_topics)
    else:
        found.append(_fail("target", target.line()))
    if isinstance(source, Chat) and isinstance(target, Chat):
        found += _check_pair(mirror, source, target)
    return found


def may_run(findings: Iterable[Finding]) -> bool:
    return all(finding.level != "fail" for finding in findings)


def refusal(findings: Iterable[Finding]) -> str:
    """Return the reasons for a pause in one line; empty where the mirror may run."""
    return "; ".join(
        f"{f.subject}: {f.text}{f' ({f.remedy})' if f.remedy else ''}" for f in findings if f.level == "fail"
    )


def cycle(edges: Sequence[Edge], links: Mapping[int, int] | None = None) -> list[str] | None:
    """Return the names of mirrors that feed each other in a circle, in its order; None without one.

    `links` maps a channel to its discussion group, which Telegram feeds by itself.
    """
    links = links or {}
    feeds = {edge.name: [other.name for other in edges if _feeds(edge, other, links)] for edge in edges}
    done: set[str] = set()
    for start in feeds:
        path: list[str] = []
        # Depth first without recursion: a file may hold a chain of any length.
        pending = [iter([start])]
        while pending:
            following = next(pending[-1], None)
            if following is None:
                pending.pop()
                if path:
                    done.add(path.pop())
            elif following in path:
                return path[path.index(following) :]
            elif following not in done:
                path.append(following)
                pending.append(iter(feeds[following]))
    return None


def refused(edges: Sequence[Edge], links: Mapping[int, int] | None = None) -> dict[str, str]:
    """Return the mirrors that must not run beside the others, by name, with the reason.

    Of two with the same source and target, the later; of each circle, the one that is last in the file.
    """
    reasons: dict[str, str] = {}
    first: dict[tuple[int, int | None, int, int | None], str] = {}
    for edge in edges:
        pair = (edge.source, edge.source_topic, edge.target, edge.target_topic)
        if pair in first:
            reasons[edge.name] = f'the same source and target as mirror "{first[pair]}"'
        else:
            first[pair] = edge.name
    left = [edge for edge in edges if edge.name not in reasons]
    while names := cycle(left, links):
        last = [edge.name for edge in left if edge.name in names][-1]
        turn = names.index(last)
        around = [*names[turn:], *names[:turn], last]
        reasons[last] = f"it feeds itself: {' → '.join(around)}"
        left = [edge for edge in left if edge.name != last]
    return reasons


class Loops:
    """The mirrors judged so far as a graph, by their names. `links` as in `cycle`."""

    def __init__(self) -> None:
        self.edges: dict[str, Edge] = {}
        self.links: dict[int, int] = {}

    def refused(self, order: Sequence[str]) -> dict[str, str]:
        """Apply `refused` to the mirrors judged so far; `order` is that of the file."""
        return refused([self.edges[name] for name in order if name in self.edges], self.links)

    def twin(self, edge: Edge, order: Sequence[str]) -> str | None:
        """Return the mirror earlier in the file with the same source and target."""
        for name in order:
            if name == edge.name:
                break
            other = self.edges.get(name)
            if other is not None and msgspec.structs.replace(other, name=edge.name) == edge:
                return name
        return None


def backlog_words(count: int, first_date: int, interval: float) -> str:
    """Return `70,412 messages since 2019-03-04, 68 h at 3.5 s`."""
    if count <= 0:
        return "no messages"
    since = f" since {datetime.fromtimestamp(first_date, UTC):%Y-%m-%d}" if first_date else ""
    return f"{count:,} message{'' if count == 1 else 's'}{since}, {span(count * interval)} at {interval:g} s"


def span(seconds: float) -> str:
    """Return a duration in the unit that people would use: `40 s`, `12 min`, `68 h`, `12 days`."""
    for unit, size, most in (("s", 1.0, 90.0), ("min", 60.0, 90 * 60.0), ("h", 3600.0, 96 * 3600.0)):
        if seconds < most:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds / 86400.0:.0f} days"


def _fail(subject: str, text: str, remedy: str = "") -> Finding:
    return Finding(level="fail", subject=subject, text=text, remedy=remedy)


def _warn(subject: str, text: str, remedy: str = "") -> Finding:
    return Finding(level="warn", subject=subject, text=text, remedy=remedy)


def _check_source(mirror: Mirror, chat: Chat, topics: Sequence[Topic]) -> list[Finding]:
    found: list[Finding] = []
    if chat.migrated_to is not None:
        found.append(_fail("source", f'"{chat.title}" became the supergroup {chat.migrated_to}: put that id'))
    if chat.protected and not chat.may_unprotect:
        found.append(
            _fail(
                "source",
                f'"{chat.title}" protects its content: it may not be copied',
                "choose another source",
            )
        )
    elif chat.protected:
        found.append(
            _warn("source", f'"{chat.title}" protects its content; you may lift that, so it is copied')
        )
    if mirror.source_topic is not None:
        found += _check_topic("source", chat, mirror.source_topic, topics)
    if not chat.member:
        found.append(
            _warn(
                "source",
                f'not a member of "{chat.title}": it is polled, deletions may be missed',
                "join it in Telegram",
            )
        )
    if chat.auto_delete and mirror.deletes == "mirror":
        found.append(_warn("source", "its messages delete themselves: deletions are held until `resume`"))
    if not any(finding.level == "fail" for finding in found):
        found.insert(
            0, Finding(level="ok", subject="source", text=f'"{chat.title}" ({chat.kind}) can be read')
        )
    return found


def _check_target(mirror: Mirror, chat: Chat, topics: Sequence[Topic]) -> list[Finding]:
    found: list[Finding] = []
    if chat.migrated_to is not None:
        found.append(_fail("target", f'"{chat.title}" became the supergroup {chat.migrated_to}: put that id'))
    if chat.write_refusal:
        admin = "in Telegram, make this account an administrator there who may post"
        found.append(_fail("target", f'cannot post in "{chat.title}": {chat.write_refusal}', admin))
    if mirror.target_topic is not None:
        found += _check_topic("target", chat, mirror.target_topic, topics, to_write=True)
    if mirror.pins and not chat.may_pin:
        found.append(
            _warn("target", "no right to pin: pins are not copied, edits only for 48 hours", f"{GRANT} pin")
        )
    if mirror.chat and not chat.may_change_info:
        text = "no right to change title, photo and description: they do not follow"
        found.append(_warn("target", text, f"{GRANT} change the group's info"))
    if chat.slow_mode:
        remedy = "administrators are not bound by it"
        found.append(_warn("target", f"slow mode: one message in {chat.slow_mode} s", remedy))
    if chat.auto_delete:
        found.append(_warn("target", f"messages delete themselves after {span(chat.auto_delete)}"))
    if not any(finding.level == "fail" for finding in found):
        found.insert(
            0, Finding(level="ok", subject="target", text=f'"{chat.title}" ({chat.kind}) can be written to')
        )
    return found


def _check_topic(
    subject: str, chat: Chat, topic: int, topics: Sequence[Topic], *, to_write: bool = False
) -> list[Finding]:
    if not chat.forum:
        if topic == GENERAL_TOPIC:
            return []
        return [
            _fail(
                subject,
                f'"{chat.title}" has no topics, so there is no topic {topic}',
                f"take {subject}_check_topic out",
            )
        ]
    known = {one.id: one for one in topics}
    if topic not in known:
        return [_fail(subject, f'"{chat.title}" has no topic {topic}', "`tgstreamd chats` lists them")]
    if to_write and known[topic].closed and not chat.may_manage_topics:
        return [_fail(subject, f'topic "{known[topic].title}" is closed', "open it in Telegram")]
    return [Finding(level="ok", subject=subject, text=f'topic "{known[topic].title}"')]


def _check_pair(mirror: Mirror, source: Chat, target: Chat) -> list[Finding]:
    edge = Edge(
        name=mirror.name,
        source=source.id,
        source_topic=mirror.source_topic,
        target=target.id,
        target_topic=mirror.target_topic,
    )
    links = {target.id: target.linked} if target.kind == "channel" and target.linked is not None else {}
    if _feeds(edge, edge, links):
        linked = source.id != target.id
        reason = (
            "the target channel feeds this discussion group" if linked else "source and target are the same"
        )
        return [_fail("mirror", reason, "choose another target, or other topics")]
    if source.forum and mirror.source_topic is None and mirror.target_topic is None:
        if not target.forum:
            return [_warn("mirror", "the source has topics and the target has none: all go into one chat")]
        if not target.may_manage_topics:
            return [_fail("target", "no right to create topics", f"{GRANT} manage topics")]
    return []


def _feeds(edge: Edge, other: Edge, links: Mapping[int, int]) -> bool:
    """Return whether `other` reads what `edge` writes."""
    if links.get(edge.target) == other.source:
        return True
    if edge.target != other.source:
        return False
    return edge.target_topic is None or other.source_topic is None or edge.target_topic == other.source_topic
