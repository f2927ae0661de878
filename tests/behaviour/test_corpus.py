"""The corpus by an account without Premium, by reference, and through a second client library."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from telethon.crypto import AuthKey
from telethon.extensions import BinaryReader
from telethon.sessions import StringSession

from tests.behaviour.test_ledger import ledgers
from tests.compare import Reader
from tests.fidelity import by_entry, expected
from tests.harness import House
from tests.integration import clients
from tests.telegram import scenarios
from tests.telegram.corpus import ENTRIES, MARK, make_corpus
from tgstreamd.cli.verify import walk
from tgstreamd.telegram.session import StoredSession


async def mirrored(house: House, *, premium: bool, live: bool = False, **options: Any) -> dict[str, Any]:
    """The corpus, mirrored by its own account: as history, or `live`, entry by entry."""
    stage, found = scenarios.corpus_stage(house.tg, premium=premium)
    house.me = house.world.peers.by_id(found["account"])
    session = StoredSession(house.folder / "session")
    session.set_dc(2, *house.tg.address(2))
    session.auth_key = AuthKey(house.tg.authorise(house.me, 2).key)
    session.save()
    house.mirror(found["source"], found["target"], **options)
    if live:
        await house.start()
        await house.run()
        for name, post in ENTRIES.items():
            stage.speaker.say(MARK + name)
            post(stage)
            await house.run(60.0)
        stage.speaker.say(MARK + "end")
    else:
        make_corpus(stage)
        await house.start()
    await house.run()
    return found | {"first": stage.first.id, "last": stage.speaker.said[-1].id}


def reader(house: House, found: dict[str, Any]) -> Reader:
    session = StringSession()
    session.set_dc(2, *house.tg.address(2))
    account = house.world.peers.by_id(found["reader"])
    session.auth_key = AuthKey(house.tg.authorise(account, 2).key)
    return Reader(session.save(), house.tg.public_key_pem)


async def differences(house: House, found: dict[str, Any], *, live_after: int = 0) -> set[tuple[str, str]]:
    async with reader(house, found) as eyes:
        source, target = await eyes.read(found["source"]), await eyes.read(found["target"])
    return {
        (entry, aspect)
        for entry, aspect, _ in by_entry(source, target, live_after=live_after or found["last"])
    }


@pytest.mark.thorough
async def test_a_free_account_differs_as_the_page_says(tmp_path: Path) -> None:
    """Checklists in words, emoji as they are beneath, long captions going on."""
    async with House(tmp_path) as house:
        found = await mirrored(house, premium=False)
        assert await differences(house, found) == expected("free")
        assert (await walk(house.daemon.desk.answer, "m1"))[0] == []


LINES = {"header": "from {source}", "footer": "by {author}", "dates": "always", "attribution": "author-link"}


@pytest.mark.parametrize(
    ("premium", "options"),
    [
        (False, {"attribution": "author", "replace": {"the": "this"}}),
        pytest.param(False, {}, marks=pytest.mark.slow),
        pytest.param(True, {"transfer": "reference"}, marks=pytest.mark.slow),
        pytest.param(True, LINES, marks=pytest.mark.slow),
    ],
)
@pytest.mark.thorough
async def test_every_kind_is_recognised_where_the_ledger_was_lost(
    tmp_path: Path, premium: bool, options: dict[str, Any]
) -> None:
    """With our lines, notes, texts in parts, words replaced and links to copies: nothing is left over."""
    async with House(tmp_path) as house:
        await mirrored(house, premium=premium, **options)
        (mirror,) = (await house.status())["mirrors"]
        await house.stop()
        for ledger in ledgers(house):
            ledger.unlink()
        await house.start()
        await house.run()
        looked = await house.verb("rebuild", mirror="m1", write=False)
        assert (looked["mapped"], looked["left"]) == (mirror["done"], 0)
        await house.verb("rebuild", mirror="m1", write=True)
        await house.run()
        house.clock.advance(120.0)
        assert (await walk(house.daemon.desk.answer, "m1"))[0] == []


@pytest.mark.slow
async def test_by_reference_it_differs_no_more(tmp_path: Path) -> None:
    """And a name that no byte of ours was moved under stays as it was."""
    async with House(tmp_path) as house:
        found = await mirrored(house, premium=True, transfer="reference")
        harmless = {("file named to harm", "facts.Filename.file_name")}
        assert await differences(house, found) == expected("premium") - harmless
        assert (await walk(house.daemon.desk.answer, "m1"))[0] == []


def plain(value: Any) -> Any:
    """An object as nested dictionaries, without what each answer has anew."""
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items() if key != "file_reference"}
    return [plain(each) for each in value] if isinstance(value, list) else value


async def kurigram_sees(client: Any, chat: Any) -> list[Any]:
    """The whole history as kurigram reads it, written out by kurigram and read by Telethon."""
    from pyrogram.raw import functions

    found: list[Any] = []
    offset = 0
    while True:
        page = await client.invoke(
            functions.messages.GetHistory(
                peer=chat,
                offset_id=offset,
                offset_date=0,
                add_offset=0,
                limit=100,
                max_id=0,
                min_id=0,
                hash=0,
            )
        )
        if not page.messages:
            return found
        for message in page.messages:
            with BinaryReader(message.write()) as raw:
                found.append(plain(raw.tgread_object().to_dict()))
        offset = page.messages[-1].id


@pytest.mark.thorough
async def test_a_second_library_sees_the_same(tmp_path: Path) -> None:
    """Every message of both chats, field by field."""
    async with House(tmp_path) as house:
        found = await mirrored(house, premium=True)
        other = clients.kurigram_client(house.tg, house.world.peers.by_id(found["reader"]))
        await other.start()
        try:
            async for _ in other.get_dialogs():
                pass
            chats = (found["source"], found["target"])
            theirs = [await kurigram_sees(other, await other.resolve_peer(chat)) for chat in chats]
        finally:
            await other.stop()
        async with reader(house, found) as eyes:
            for chat, seen in zip(chats, theirs, strict=True):
                ours = [plain(m.to_dict()) async for m in eyes.client.iter_messages(chat, limit=3000)]
                assert len(ours) > 240
                for mine, same in zip(ours, seen, strict=True):
                    assert mine == same


@pytest.mark.slow
async def test_told_live_it_differs_no_more(tmp_path: Path) -> None:
    """While the daemon runs: pushes, albums in pieces, with the sound that each post had."""
    async with House(tmp_path) as house:
        found = await mirrored(house, premium=True, live=True)
        assert await differences(house, found, live_after=found["first"]) == expected("premium")
        assert (await walk(house.daemon.desk.answer, "m1"))[0] == []
