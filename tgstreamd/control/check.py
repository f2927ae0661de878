"""Checks a configuration with Telegram: whether a start would succeed.

`check` examines the account, both chats of every mirror, rights, protection, topics and loops, one line each;
it changes nothing in the ledger or at Telegram. An error with one chat becomes a line and does not end the
check.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal, Protocol

from ..config import Config, MirrorConfig
from ..domain.errors import NotAuthorised, TelegramError
from ..domain.messages import Account, Chat, Mirror
from ..domain.ports import Source, Target
from ..ledger import READER, Store
from ..limits.holds import Holds
from ..mirrors.chat_lookup import topics
from ..mirrors.from_config import beginning, mirror_of
from ..policy.mirror_checks import Edge, Finding, backlog_words, judge, refused

PART = 524_288
#: Seconds by which the clocks may differ: the answer takes time and gives whole seconds.
SKEW_MAX = 5.0


class Reach(Protocol):
    """The part of a connection that a check needs."""

    @property
    def source(self) -> Source: ...
    @property
    def target(self) -> Target: ...
    async def resolve(self, ref: int | str) -> int: ...
    async def dialogs(self) -> Sequence[Chat]: ...
    async def server_time(self) -> float: ...


async def check(config: Config, reach: Reach, store: Store | None, *, now: float) -> dict[str, Any]:
    """Return all findings, errors included; `ok` only if a start would succeed with every mirror running."""
    account = await reach.source.account()
    lines = [line("ok", "", "configuration", _where(config)), _account(account, config)]
    lines += [*await _account_holds(store, now), *await _time(reach, now)]
    seen: list[tuple[MirrorConfig, Mirror, Chat | None, Chat | None]] = []
    for wanted in config.mirrors:
        findings, mirror, sides = await _mirror(wanted, reach, store)
        lines += told(wanted.name, findings)
        if mirror is None:
            continue
        seen.append((wanted, mirror, *sides))
        if all(finding.level != "fail" for finding in findings):
            lines += told(wanted.name, [await _history(wanted, mirror, reach, store, config, now)])
    around = "take one of them out, or write to another chat or topic"
    lines += [line("fail", name, "loop", reason, around) for name, reason in _loops(seen).items()]
    return {"ok": good(lines), "lines": lines}


def _where(config: Config) -> str:
    count = len(config.mirrors)
    mirrors = f"{count} mirror{'' if count == 1 else 's'}"
    return f"{config.file}: {mirrors}" if config.file else f"from the environment: {mirrors}"


def _account(account: Account, config: Config) -> dict[str, Any]:
    if account.bot:
        text = f"{account.name} is a bot, and bots cannot read histories"
        return line(
            "fail",
            "",
            "account",
            text,
            config.login_remedy("`tgstreamd login --again` with a person's account"),
        )
    limits = f"files up to {account.parts_max * PART / 1e9:.0f} GB, captions up to {account.caption_max:,}"
    premium = "premium" if account.premium else "not premium"
    return line("ok", "", "account", f"{account.name} (id {account.id}, {premium}: {limits} characters)")


async def _account_holds(store: Store | None, now: float) -> list[dict[str, Any]]:
    """Return findings for Telegram's holds on the whole account, as stored in the ledger."""
    hold = Holds(await store.holds(READER)).on_account(now) if store else None
    if hold is None:
        return []
    text = f"nothing is sent: {hold.reason}"
    return [line("warn", "", "account", text, "`tgstreamd status` says until when")]


async def _time(reach: Reach, now: float) -> list[dict[str, Any]]:
    """Compare this machine's clock with Telegram's, which is given to the second."""
    try:
        skew = now - await reach.server_time()
    except NotAuthorised:
        raise
    except TelegramError:
        return []  # insignificant beside everything else that cannot be asked then
    if abs(skew) < SKEW_MAX:
        return [line("ok", "", "clock", "as Telegram's")]
    # Messages and files use Telegram's own time, which every connection learns.
    text = (
        f"{abs(skew):,.0f} s {'ahead of' if skew > 0 else 'behind'} Telegram's: `delay` and what status "
        "says of lags are wrong by as much; messages and files go all the same"
    )
    return [line("warn", "", "clock", text, "sudo timedatectl set-ntp true")]


async def _mirror(
    wanted: MirrorConfig, reach: Reach, store: Store | None
) -> tuple[list[Finding], Mirror | None, tuple[Chat | None, Chat | None]]:
    """Return all findings about one mirror, and what it resolves to."""
    findings: list[Finding] = []
    ids: list[int] = []
    for side, ref in (("source", wanted.source), ("target", wanted.target)):
        try:
            found = await reach.resolve(ref)
        except NotAuthorised:
            raise
        except TelegramError as error:
            findings.append(Finding(level="fail", subject=side, text=error.what, remedy=error.hint))
            continue
        known = await store.known_name(str(ref)) if store and isinstance(ref, str) else None
        if known is not None and known != found:
            text = f"{ref} now means {found}; the mirror stays with {known}"
            remedy = "write the id that you want instead of the name"
            findings.append(Finding(level="fail", subject=side, text=text, remedy=remedy))
            found = known
        ids.append(found)
    if len(ids) < 2:
        return findings, None, (None, None)
    source_id, source = await _current_chat(reach.source, "source", ids[0], findings)
    target_id, target = await _current_chat(reach.target, "target", ids[1], findings)
    mirror = mirror_of(wanted, source_id, target_id)
    source_topics = await topics(reach.source, source, wanted.source_topic)
    target_topics = await topics(reach.target, target, wanted.target_topic)
    findings += judge(mirror, source, target, source_topics=source_topics, target_topics=target_topics)
    sides = [side if isinstance(side, Chat) else None for side in (source, target)]
    return findings, mirror, (sides[0], sides[1])


async def _current_chat(
    side: Source | Target, subject: str, chat: int, findings: list[Finding]
) -> tuple[int, Chat | TelegramError]:
    """Return a chat, or the supergroup to which it was migrated, as a start would."""
    found = await _chat(side, chat)
    if isinstance(found, Chat) and found.migrated_to is not None:
        became = await _chat(side, found.migrated_to)
        if isinstance(became, Chat):
            text = f'"{found.title}" became the supergroup {became.id}, which is followed'
            remedy = f"write {subject} = {became.id}"
            findings.append(Finding(level="warn", subject=subject, text=text, remedy=remedy))
            return became.id, became
    return chat, found


async def _chat(side: Source | Target, chat: int) -> Chat | TelegramError:
    """Return the chat or the error. Unlike in `asked`, even a flood wait becomes a line."""
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
    # The check of that mirror has already reported a mirror into its own source.
    return refused([edge for edge in edges if edge.source != edge.target], links)


async def _history(
    wanted: MirrorConfig,
    mirror: Mirror,
    reach: Reach,
    store: Store | None,
    config: Config,
    now: float,
) -> Finding:
    """Return what the history costs, or why a `history` changed after the mirror's creation has no effect."""
    row = None
    if store:
        row = await store.find_mirror(mirror.source, mirror.source_topic, mirror.target, mirror.target_topic)
    if row is None:
        text = await cost(wanted.history, mirror, reach.source, config.pace.interval, now)
        return Finding(level="ok", subject="history", text=text)
    if row.history == wanted.history:
        text = f'"{row.history}", counted when the mirror was first started'
        return Finding(level="ok", subject="history", text=text)
    old = await beginning(row.history, mirror, reach.source, row.born_at)
    new = await beginning(wanted.history, mirror, reach.source, now)
    if new < old:
        text = f'"{wanted.history}" is wider than "{row.history}" of the first start'
        remedy = f'write history = "{row.history}", or choose a new target'
        return Finding(level="fail", subject="history", text=text, remedy=remedy)
    text = f'"{wanted.history}" changes nothing: "{row.history}" counted at the first start'
    remedy = f'write history = "{row.history}"'
    return Finding(level="warn", subject="history", text=text, remedy=remedy)


async def cost(history: str, mirror: Mirror, source: Source, interval: float, now: float) -> str:
    """Return the cost of a history: `70,412 messages since 2019-03-04, 68 h at 3.5 s`."""
    count, since = await counted(history, mirror, source, now)
    return cost_words(history, count, since, interval)


async def counted(history: str, mirror: Mirror, source: Source, now: float) -> tuple[int, int]:
    """Return the number of messages in a history, and the date of its first (0 for none)."""
    if history == "none":
        return 0, 0
    after = await beginning(history, mirror, source, now)
    return await source.count(mirror.source, mirror.source_topic, after=after)


def cost_words(history: str, count: int, since: int, interval: float) -> str:
    return "no history: new posts only" if history == "none" else backlog_words(count, since, interval)


Level = Literal["ok", "warn", "fail"]


def line(level: Level, mirror: str, subject: str, text: str, remedy: str = "") -> dict[str, Any]:
    return {"level": level, "mirror": mirror, "subject": subject, "text": text, "remedy": remedy}


def told(mirror: str, findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Return the findings about one mirror as lines."""
    return [line(f.level, mirror, f.subject, f.text, f.remedy) for f in findings]


def good(lines: Iterable[dict[str, Any]]) -> bool:
    """Return whether a start would succeed, as far as these lines say."""
    return all(line["level"] != "fail" for line in lines)
