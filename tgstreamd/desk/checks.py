"""What Telegram says about a configuration: whether a start would succeed.

`check` looks at the account, both sides of every mirror, rights, protection, topics and loops, a line
each; it changes nothing, in the ledger or at Telegram's. Trouble with one chat is a line, not the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from ..admission.asking import topics
from ..config import Config, MirrorConfig
from ..configured import beginning, mirror_of
from ..decide.judge import Edge, Finding, backlog_words, judge, refused
from ..errors import NotAuthorised, TelegramError
from ..model import Account, Chat, Mirror
from ..ports import Source, Target
from ..store import Store

DAY = 86_400


class Reach(Protocol):
    """A connection, as far as a check needs it."""

    @property
    def source(self) -> Source: ...
    @property
    def target(self) -> Target: ...
    async def resolve(self, ref: int | str) -> int: ...
    async def dialogs(self) -> Sequence[Chat]: ...


async def check(config: Config, reach: Reach, store: Store | None, *, now: float) -> dict[str, Any]:
    """Findings, worst news included; `ok` only if a start would succeed with every mirror running."""
    account = await reach.source.account()
    lines = [_line("ok", "", "configuration", _where(config)), _account(account)]
    seen: list[tuple[MirrorConfig, Mirror, Chat | None, Chat | None]] = []
    for wanted in config.mirrors:
        findings, mirror, sides = await _mirror(wanted, reach, store)
        lines += [_line(f.level, wanted.name, f.subject, f.text) for f in findings]
        if mirror is None:
            continue
        seen.append((wanted, mirror, *sides))
        if all(finding.level != "fail" for finding in findings):
            text = await _history(wanted, mirror, reach, store, config.pace.interval, now)
            lines.append(_line(text[0], wanted.name, "history", text[1]))
    lines += [_line("fail", name, "loop", reason) for name, reason in _loops(seen).items()]
    return {"ok": all(line["level"] != "fail" for line in lines), "lines": lines}


def _line(level: str, mirror: str, subject: str, text: str) -> dict[str, Any]:
    return {"level": level, "mirror": mirror, "subject": subject, "text": text}


def _where(config: Config) -> str:
    count = len(config.mirrors)
    mirrors = f"{count} mirror{'' if count == 1 else 's'}"
    return f"{config.file}: {mirrors}" if config.file else f"from the environment: {mirrors}"


def _account(account: Account) -> dict[str, Any]:
    if account.bot:
        return _line("fail", "", "account", f"{account.name} is a bot, and bots cannot read histories")
    premium = "premium" if account.premium else "not premium: files up to 2 GB"
    return _line("ok", "", "account", f"{account.name} (id {account.id}, {premium})")


async def _mirror(
    wanted: MirrorConfig, reach: Reach, store: Store | None
) -> tuple[list[Finding], Mirror | None, tuple[Chat | None, Chat | None]]:
    """All findings about one mirror, and what it resolves to."""
    findings: list[Finding] = []
    ids: list[int] = []
    for side, ref in (("source", wanted.source), ("target", wanted.target)):
        try:
            found = await reach.resolve(ref)
        except NotAuthorised:
            raise
        except TelegramError as error:
            findings.append(Finding(level="fail", subject=side, text=error.line()))
            continue
        known = await store.known_name(str(ref)) if store and isinstance(ref, str) else None
        if known is not None and known != found:
            text = f"{ref} now means {found}; the mirror stays with {known}: write the id that you want"
            findings.append(Finding(level="fail", subject=side, text=text))
            found = known
        ids.append(found)
    if len(ids) < 2:
        return findings, None, (None, None)
    source_id, source = await _now(reach.source, "source", ids[0], findings)
    target_id, target = await _now(reach.target, "target", ids[1], findings)
    mirror = mirror_of(wanted, source_id, target_id)
    source_topics = await topics(reach.source, source, wanted.source_topic)
    target_topics = await topics(reach.target, target, wanted.target_topic)
    findings += judge(mirror, source, target, source_topics=source_topics, target_topics=target_topics)
    sides = [side if isinstance(side, Chat) else None for side in (source, target)]
    return findings, mirror, (sides[0], sides[1])


async def _now(
    side: Source | Target, subject: str, chat: int, findings: list[Finding]
) -> tuple[int, Chat | TelegramError]:
    """A chat, or the supergroup that it has become, which a start follows."""
    found = await _chat(side, chat)
    if isinstance(found, Chat) and found.migrated_to is not None:
        became = await _chat(side, found.migrated_to)
        if isinstance(became, Chat):
            text = f'"{found.title}" became the supergroup {became.id}, which is followed: put that id'
            findings.append(Finding(level="warn", subject=subject, text=text))
            return became.id, became
    return chat, found


async def _chat(side: Source | Target, chat: int) -> Chat | TelegramError:
    """Unlike `asked`: here even a flood is a line, not the end."""
    try:
        return await side.chat(chat)
    except NotAuthorised:
        raise
    except TelegramError as error:
        return error


def _loops(
    seen: Sequence[tuple[MirrorConfig, Mirror, Chat | None, Chat | None]],
) -> dict[str, str]:
    edges = [
        Edge(
            name=mirror.name,
            source=mirror.source,
            target=mirror.target,
            source_topic=mirror.source_topic,
            target_topic=mirror.target_topic,
        )
        for _, mirror, _, _ in seen
    ]
    sides = [side for _, _, *both in seen for side in both if side]
    links = {chat.id: chat.linked for chat in sides if chat.kind == "channel" and chat.linked is not None}
    # A mirror into its own source was said by the judge of that mirror already.
    return refused([edge for edge in edges if edge.source != edge.target], links)


async def _history(
    wanted: MirrorConfig,
    mirror: Mirror,
    reach: Reach,
    store: Store | None,
    interval: float,
    now: float,
) -> tuple[str, str]:
    """What the history costs, or why another `history` than at birth does nothing."""
    row = None
    if store:
        row = await store.find_mirror(mirror.source, mirror.source_topic, mirror.target, mirror.target_topic)
    if row is None:
        return "ok", await cost(wanted.history, mirror, reach.source, interval, now)
    if row.history == wanted.history:
        return "ok", f'"{row.history}", counted when the mirror was first started'
    old = await beginning(row.history, mirror, reach.source, row.born_at)
    new = await beginning(wanted.history, mirror, reach.source, now)
    if new < old:
        text = f'"{wanted.history}" is wider than "{row.history}" of the first start: use a new target'
        return "fail", text
    return "warn", f'"{wanted.history}" changes nothing: "{row.history}" counted at the first start'


async def cost(history: str, mirror: Mirror, source: Source, interval: float, now: float) -> str:
    """`70,412 messages since 2019-03-04, 68 h at 3.5 s`."""
    count, since = await counted(history, mirror, source, now)
    return cost_words(history, count, since, interval)


async def counted(history: str, mirror: Mirror, source: Source, now: float) -> tuple[int, int]:
    """How many messages a history holds, and the date of its first (0 for none)."""
    if history == "none":
        return 0, 0
    after = await beginning(history, mirror, source, now)
    return await source.count(mirror.source, mirror.source_topic, after=after)


def cost_words(history: str, count: int, since: int, interval: float) -> str:
    return "no history: new posts only" if history == "none" else backlog_words(count, since, interval)
