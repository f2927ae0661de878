"""Every error of the calls that read: each rests for a while, and what was to be read comes.

No mirror whose chats are fine is paused, and nothing is asked without end.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.behaviour.test_refusals import ENDS
from tests.harness import House
from tests.refusals import Refusal, on, unheard
from tests.telegram.faults import Fault, peer_ids
from tests.telegram.services.topics import DEFAULT_ICONS
from tests.telegram.world.chats import Chat

pytestmark = pytest.mark.thorough

HISTORY, REPLIES, SEARCH = "messages.getHistory", "messages.getReplies", "messages.search"
LIVE, COMMON = "updates.getChannelDifference", "updates.getDifference"
FULL, FULL_GROUP, TOPICS = "channels.getFullChannel", "messages.getFullChat", "messages.getForumTopics"
BY_ID, BY_ID_IN_GROUP = "channels.getMessages", "messages.getMessages"
NAME, INVITE, DIALOGS = "contacts.resolveUsername", "messages.checkChatInvite", "messages.getDialogs"
SCHEDULED, STICKERS, USERS = "messages.getScheduledHistory", "messages.getStickerSet", "users.getUsers"
WALKED = {
    HISTORY, REPLIES, SEARCH, LIVE, COMMON, FULL, FULL_GROUP, TOPICS, BY_ID, BY_ID_IN_GROUP, NAME, INVITE,
    DIALOGS, SCHEDULED, STICKERS, USERS,
}  # fmt: skip
#: Asked only of what this method is for.
IN_TOPICS = (REPLIES, TOPICS)
GROUPS = (FULL_GROUP, BY_ID_IN_GROUP)
#: Requests of one method that one mirror may cost in all, refused or not.
TRIES = 40


def walkable(method: str) -> list[Refusal]:
    known = [refusal for refusal in on(method) if not ENDS.fullmatch(refusal.name)]
    return known + (unheard(method) if method in (HISTORY, LIVE) else [])


def refuse(house: House, refusal: Refusal, times: int | None = 2, **where: Any) -> Fault:
    return house.tg.faults.add(
        Fault(refusal.method, code=refusal.code, message=refusal.name, times=times, **where)
    )


def asks(chat: Chat, call: Any, request: Any) -> bool:
    """Whether it is about this chat; a basic group is named by its number alone."""
    return chat.marked_id in peer_ids(request) or getattr(request, "chat_id", 0) == chat.id


def names(word: str, call: Any, request: Any) -> bool:
    """Whether it asks for this name or link."""
    return word in vars(request).values()


async def nothing_is_lost(house: House, pairs: list[tuple[Refusal, Chat, Chat]], said: list[str]) -> None:
    """Every mirror runs, and has copied this."""
    for _ in range(3):
        await house.run(3600)
        house.clock.advance(700)
        await house.ask_again()
    await house.run()
    found = [(str(refusal), house.texts(target)) for refusal, _, target in pairs]
    assert [(name, texts) for name, texts in found if texts != said] == []
    assert [(m["name"], m["paused"]) for m in (await house.status())["mirrors"] if m["paused"]] == []
    assert house.tg.faults.violations == []


def source_for(house: House, method: str, title: str) -> Chat:
    if method in GROUPS:
        return house.world.chats.add_group(title, house.other, [house.me])
    return house.supergroup(title, forum=method in IN_TOPICS)


@pytest.mark.parametrize("method", [HISTORY, REPLIES, SEARCH, FULL, FULL_GROUP, TOPICS])
async def test_as_a_mirror_begins(tmp_path: Path, method: str) -> None:
    """A mirror for each error, which its source answers twice."""
    async with House(tmp_path) as house:
        pairs, faults = [], []
        for number, refusal in enumerate(walkable(method)):
            source = source_for(house, method, f"S{number}")
            target = house.own_supergroup(f"T{number}")
            options: dict[str, Any] = {}
            if method == REPLIES:
                options["source_topic"] = house.world.chats.add_topic(source, house.other, "Tea")
            house.post(source, "old", topic=options.get("source_topic"))
            house.mirror(source, target, topic_names=False, **options)
            pairs.append((refusal, source, target))
            faults.append(refuse(house, refusal, when=partial(asks, source)))
        await house.start()
        await nothing_is_lost(house, pairs, ["old"])
        assert [
            str(refusal) for (refusal, *_), fault in zip(pairs, faults, strict=True) if not fault.hits
        ] == []
        assert house.tg.log.count(method) <= TRIES * len(pairs)


@pytest.mark.parametrize("method", [LIVE, BY_ID, BY_ID_IN_GROUP])
async def test_of_a_mirror_that_runs(tmp_path: Path, method: str) -> None:
    """What is live comes; a file whose reference has expired is fetched in the end."""
    async with House(tmp_path) as house:
        pairs, faults = [], []
        for number, refusal in enumerate(walkable(method)):
            pairs.append(
                (refusal, source_for(house, method, f"S{number}"), house.own_supergroup(f"T{number}"))
            )
            house.mirror(*pairs[-1][1:])
        await house.start()
        await house.run()
        for refusal, source, _ in pairs:
            where = {} if method == BY_ID_IN_GROUP else {"peer": source.marked_id}
            faults.append(refuse(house, refusal, **where))
            media = None if method == LIVE else house.world.media.document(5000)
            house.post(source, "new", media=media)
        await house.read()
        if method != LIVE:
            house.world.files.expire_references()
        await nothing_is_lost(house, pairs, ["new"])
        assert [
            str(refusal) for (refusal, *_), fault in zip(pairs, faults, strict=True) if not fault.hits
        ] == []
        assert house.tg.log.count(method) <= TRIES * len(pairs)


async def test_of_the_box_of_all_groups(tmp_path: Path) -> None:
    """One after the other: there is only one."""
    async with House(tmp_path) as house:
        source, target = source_for(house, FULL_GROUP, "Source"), house.own_supergroup("Target")
        house.mirror(source, target)
        await house.start()
        await house.run()
        said: list[str] = []
        for refusal in walkable(COMMON):
            fault = refuse(house, refusal)
            said.append(refusal.name)
            house.post(source, refusal.name)
            await nothing_is_lost(house, [(refusal, source, target)], said)
            assert (str(refusal), fault.hits > 0) == (str(refusal), True)
            house.tg.faults.remove(fault)
        assert house.tg.log.count(COMMON) <= TRIES * len(said)


@pytest.mark.parametrize("method", [NAME, INVITE])
async def test_of_names_and_links(tmp_path: Path, method: str) -> None:
    """The mirror begins when its name can be resolved."""
    async with House(tmp_path) as house:
        pairs, faults = [], []
        for number, refusal in enumerate(walkable(method)):
            known = {"username": f"source{number}"} if method == NAME else {"invite": f"Invite0000{number}"}
            source, target = house.supergroup(f"S{number}", **known), house.own_supergroup(f"T{number}")
            house.post(source, "old")
            link = f"@source{number}" if method == NAME else f"https://t.me/+Invite0000{number}"
            house.mirror(link, target)
            pairs.append((refusal, source, target))
            own = next(iter(known.values()))
            faults.append(refuse(house, refusal, 1, when=partial(names, own)))
        await house.start()
        await nothing_is_lost(house, pairs, ["old"])
        assert [
            str(refusal) for (refusal, *_), fault in zip(pairs, faults, strict=True) if not fault.hits
        ] == []


@pytest.mark.parametrize("refusal", [*walkable(DIALOGS), *walkable(USERS)], ids=str)
async def test_before_anything_is_known(tmp_path: Path, refusal: Refusal) -> None:
    """A first start, which asks who the account is and which chats it has."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.post(source, "old")
        house.mirror(source, target)
        # The connection's own question, by which it is known to stand, is not the daemon's.
        fault = refuse(house, refusal, skip=1 if refusal.method == USERS else 0)
        await house.start()
        await nothing_is_lost(house, [(refusal, source, target)], ["old"])
        assert fault.hits > 0


@pytest.mark.parametrize("refusal", walkable(SCHEDULED), ids=str)
async def test_of_what_is_scheduled(tmp_path: Path, refusal: Refusal) -> None:
    """Asked for where an outcome is unknown: it stays so until there is an answer."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.mirror(source, target)
        await house.start()
        fault = refuse(house, refusal)
        cut = house.tg.faults.add(Fault("messages.sendMessage", "cut"))
        house.post(source, "one")
        await house.run(until=lambda: cut.hits > 0)
        await house.restart()
        await nothing_is_lost(house, [(refusal, source, target)], ["one"])
        assert fault.hits > 0


@pytest.mark.parametrize("refusal", walkable(STICKERS), ids=str)
async def test_of_the_icons_of_topics(tmp_path: Path, refusal: Refusal) -> None:
    """The icon is the ornament, the topic is what matters."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source", forum=True), house.own_supergroup("Target", forum=True)
        tea = house.world.chats.add_topic(source, house.other, "Tea", icon_emoji_id=min(DEFAULT_ICONS))
        house.post(source, "in it", topic=tea)
        house.mirror(source, target)
        fault = refuse(house, refusal, None)
        await house.start()
        await nothing_is_lost(house, [(refusal, source, target)], ["in it"])
        assert [topic.title for topic in target.topics.values()] == ["General", "Tea"]
        assert fault.hits > 0
