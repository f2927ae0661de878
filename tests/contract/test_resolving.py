"""From what people write to ids, and the list of chats."""

from __future__ import annotations

import pytest

from tests.telegram.server import TelegramServer
from tests.telegram.world.chats import Chat
from tests.telegram.world.peers import Account
from tgstreamd.domain.errors import Rejected

from .conftest import Connect


async def test_what_people_write(
    tg: TelegramServer, me: Account, other: Account, source: Chat, connected: Connect
) -> None:
    channel = tg.world.chats.add_channel("News", other, username="goodnews")
    group = tg.world.chats.add_group("Friends", other, [me])
    connection = await connected()
    written: dict[int | str, int] = {
        source.marked_id: source.marked_id,
        str(source.marked_id): source.marked_id,
        source.id: source.marked_id,
        f"https://t.me/c/{source.id}/17": source.marked_id,
        f"t.me/c/{source.id}/5/17": source.marked_id,
        f"https://t.me/+{source.invite}": source.marked_id,
        f"https://t.me/joinchat/{source.invite}": source.marked_id,
        group.marked_id: group.marked_id,
        "@GoodNews": channel.marked_id,
        "goodnews": channel.marked_id,
        "https://t.me/goodnews": channel.marked_id,
        "https://t.me/goodnews/44": channel.marked_id,
        "t.me/s/goodnews": channel.marked_id,
    }
    for ref, expected in written.items():
        assert await connection.resolve(ref) == expected, ref


@pytest.mark.parametrize(
    ("ref", "what"),
    [
        ("@nobodyhere", "nobody is called @nobodyhere"),
        ("https://t.me/+AAAAAAAAAAAAAAAA", "not valid"),
        ("-1001234567890", "unknown to this account"),
        ("what is this?", "is no chat"),
        ("https://example.org/x", "is no chat"),
    ],
)
async def test_what_is_no_chat(connected: Connect, ref: str, what: str) -> None:
    with pytest.raises(Rejected, match=what):
        await (await connected()).resolve(ref)


async def test_an_invitation_not_yet_followed(tg: TelegramServer, other: Account, connected: Connect) -> None:
    closed = tg.world.chats.add_supergroup("Closed", other)
    with pytest.raises(Rejected, match="not a member of 'Closed'"):
        await (await connected()).resolve(f"https://t.me/+{closed.invite}")


async def test_the_list_of_chats(tg: TelegramServer, me: Account, other: Account, connected: Connect) -> None:
    made = [tg.world.chats.add_supergroup(f"Group {n}", other, [me]) for n in range(130)]
    made.append(tg.world.chats.add_channel("News", me))
    made.append(tg.world.chats.add_group("Friends", other, [me]))
    seen = await (await connected()).dialogs()
    assert {chat.id for chat in seen} == {chat.marked_id for chat in made}
    assert len(seen) == len(made)
    kinds = {chat.title: chat.kind for chat in seen}
    assert (kinds["Group 7"], kinds["News"], kinds["Friends"]) == ("supergroup", "channel", "group")


async def test_a_session_that_knows_nobody_learns_its_chats(
    tg: TelegramServer, source: Chat, connected: Connect
) -> None:
    connection = await connected()
    assert (await connection.source.chat(source.marked_id)).title == "Source"
    assert tg.log.count("messages.getDialogs") == 1
    await connection.source.newest(source.marked_id)
    assert tg.log.count("messages.getDialogs") == 1
