"""`tgstreamd plan`: the same beside the running daemon and the stopped one, and nothing is sent by it."""

from __future__ import annotations

import pytest

from tests.telegram.server import TelegramServer
from tests.telegram.world.chats import Chat
from tests.telegram.world.peers import Account

from .program import Home, mirror

pytestmark = pytest.mark.thorough

FILTER = '[[mirror.filter]]\nname = "no ads"\ntext = "#ad"\n'


async def test_beside_the_stopped_and_the_running_daemon(
    home: Home, tg: TelegramServer, me: Account, other: Account, source: Chat, target: Chat
) -> None:
    for number in range(3):
        tg.world.chats.post(source, other, f"post {number}")
    tg.world.chats.post(source, other, "an #ad")
    photo = tg.world.chats.post(source, other, "a photo", media=tg.world.media.photo())
    home.write(mirror(source.marked_id, target.marked_id) + f'\nhistory = "none"\n{FILTER}')
    home.log_in(me)
    before = len(target.box.messages)

    stopped = await home.json("plan", "--from", "1")
    assert [post["ways"] for post in stopped["posts"]] == [["skip"], *[["text"]] * 3, ["skip"], ["stream"]]
    assert stopped["totals"]["skipped"]["filter no ads"] == 1
    assert not (home.state / "ledger.db").exists()
    async with home.daemon():
        running = await home.json("plan", "main", "--from", "1")
        assert running == stopped
        said = await home.tgstreamd("plan", "--from", "2", "--to", str(photo.id), "--limit", "4")
        assert said.status == 0
        *posts, total, skipped, more = said.out.splitlines()
        assert [line.split()[0] for line in posts] == [f"#{photo.id - 4 + n}" for n in range(4)]
        assert "skip: filter no ads" in posts[-1]
        assert total.startswith(
            "main: 4 posts, 3 messages to send: 0 B moved, 0 B by reference, 10 s at 3.5 s"
        )
        assert skipped == "  skipped, filter no ads: 1"
        assert more == f"  there is more: --from {photo.id}, or --limit 0 for all"
        assert (await home.tgstreamd("plan")).out.startswith("main: 0 posts, 0 messages to send")
    wrong = await home.tgstreamd("plan", "mian")
    assert (wrong.status, wrong.line) == (1, 'tgstreamd: no mirror is named "mian" (there is main)')
    assert (await home.tgstreamd("plan", "--from", "0")).status == 2
    assert len(target.box.messages) == before


async def test_all_of_a_long_history_is_read_in_several_requests(
    home: Home, tg: TelegramServer, me: Account, other: Account, source: Chat, target: Chat
) -> None:
    for number in range(620):
        tg.world.chats.post(source, other, f"post {number}")
    home.write(mirror(source.marked_id, target.marked_id))
    home.log_in(me)
    found = await home.json("plan", "--limit", "0")
    assert (found["totals"]["sends"], found["next"]) == (620, None)
    assert len({post["id"] for post in found["posts"]}) == len(found["posts"]) == 621
