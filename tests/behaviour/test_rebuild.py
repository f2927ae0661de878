"""A lost ledger is derived anew from the two chats, a copy of it can be taken and put back at any time."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tests.behaviour.test_ledger import ledgers, mirrored, paused
from tests.house import House
from tests.telegram.world.chats import Chat
from tgstreamd.errors import TgstreamdError
from tgstreamd.store import Store


async def lost(house: House) -> tuple[Chat, Chat]:
    """A mirror whose ledger is gone, and that waits since its target holds copies."""
    source, target = await mirrored(house)
    await house.stop()
    for file in ledgers(house):
        file.unlink()
    house.post(source, "not copied yet")
    await house.start()
    await house.run()
    assert "already holds copies" in await paused(house)
    return source, target


async def test_the_map_is_derived_anew(tmp_path: Path) -> None:
    """Nothing is sent twice, and then replies, edits and deletions find the old copies again."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        make = house.world.media
        first = house.post(source, "the first of all")
        for n in range(5):
            house.post(source, f"text number {n}")
        house.post(source, "x" * 5000)
        file = house.post(source, "with a file", media=make.document(size=123_456))
        album = house.world.chats.post_album(
            source, house.other, [(make.photo(seed=n), f"photo {n}") for n in (1, 2, 3)]
        )
        house.mirror(source, target, deletes="mirror")
        await house.start()
        await house.run()
        before = house.texts(target)
        await house.stop()
        for ledger in ledgers(house):
            ledger.unlink()
        await house.start()
        await house.run()
        found = await house.verb("rebuild", mirror="m1", write=False)
        assert (found["mapped"], found["skipped"], found["left"]) == (11, 0, 0)
        assert house.texts(target) == before
        written = await house.verb("rebuild", mirror="m1", write=True)
        assert written["mapped"] == 11
        await house.run()
        assert await paused(house) == ""
        house.post(source, "an answer", reply_to=first)
        house.world.chats.edit(file, "with a file, edited")
        house.world.chats.delete(album[1])
        await house.run()
        said = house.texts(target)
        assert said[-1] == "an answer"
        assert "with a file, edited" in said
        assert "photo 2" not in said
        assert {"photo 1", "photo 3"} <= set(said)
        answer = house.messages(target)[-1]
        assert answer.reply is not None
        assert answer.reply.to is not None
        assert answer.reply.to.text == "the first of all"
        status = (await house.status())["mirrors"][0]
        assert (status["done"], status["backlog"], status["parked"]) == (12, 0, 0)


async def test_an_edit_leaves_the_lines_as_they_stand(tmp_path: Path) -> None:
    """Above one of several posts the author is named, above the others not: also after the map was lost."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        make = house.world.media
        posts = [house.post(source, f"text number {n}") for n in range(4)]
        album = house.world.chats.post_album(
            source, house.me, [(make.photo(seed=n), f"photo {n}") for n in (1, 2)]
        )
        posts += [house.post(source, f"more of that, {n}") for n in range(3)]
        house.mirror(source, target, attribution="author")
        await house.start()
        await house.run()
        await house.stop()
        for ledger in ledgers(house):
            ledger.unlink()
        await house.start()
        await house.run()
        await house.verb("rebuild", mirror="m1", write=False)
        await house.verb("rebuild", mirror="m1", write=True)
        before = house.texts(target)
        for post in [*posts, *album]:
            house.world.chats.edit(post, f"{post.text}!")
        await house.run()
        assert house.texts(target) == [f"{text}!" for text in before]
        assert sum("\n" in text for text in before) == 3


async def test_what_the_target_lacks_is_told_before_anything_is_written(tmp_path: Path) -> None:
    """An old copy that is gone is skipped with its reason; what is newer is sent."""
    async with House(tmp_path) as house:
        source, target = await mirrored(house)
        house.world.chats.delete(house.messages(target)[1])
        before = house.texts(target)
        await house.stop()
        for file in ledgers(house):
            file.unlink()
        house.post(source, "not copied yet")
        await house.start()
        await house.run()
        found = await house.verb("rebuild", mirror="m1", write=False)
        assert (found["mapped"], found["skipped"], found["left"]) == (8, 1, 1)
        await house.verb("rebuild", mirror="m1", write=True)
        await house.run()
        assert house.texts(target) == [*before, "not copied yet"]
        assert [r for _, _, r in await house.jobs() if "ledger lost" in r] == [
            "ledger lost: not found in the target"
        ]


async def test_an_older_ledger_is_brought_up_to_date(tmp_path: Path) -> None:
    """What it maps stays; what it does not know is mapped."""
    async with House(tmp_path) as house:
        source, target = await mirrored(house)
        copy = tmp_path / "copy.db"
        await house.store.copy_to(copy)
        for n in range(4):
            house.post(source, f"later {n}")
        await house.run()
        before = house.texts(target)
        await house.stop()
        for file in ledgers(house):
            file.unlink()
        copy.rename(tmp_path / "ledger.db")
        await house.start()
        await house.run()
        assert house.texts(target) == before
        found = await house.verb("rebuild", mirror="m1", write=False)
        assert (found["mapped"], found["skipped"], found["left"]) == (4, 0, 0)
        await house.verb("rebuild", mirror="m1", write=True)
        house.post(source, "live")
        await house.run()
        assert house.texts(target) == [*before, "live"]


async def test_it_is_refused_where_nothing_was_lost(tmp_path: Path) -> None:
    """And writes only what was looked at."""
    async with House(tmp_path) as house:
        await mirrored(house)
        with pytest.raises(TgstreamdError, match="nothing to rebuild"):
            await house.verb("rebuild", mirror="m1", write=False)
        with pytest.raises(TgstreamdError, match="no mirror"):
            await house.verb("rebuild", mirror="m2", write=False)


async def test_it_looks_before_it_writes(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        await lost(house)
        with pytest.raises(TgstreamdError, match="look first"):
            await house.verb("rebuild", mirror="m1", write=True)


async def test_a_copy_taken_from_a_running_daemon_is_whole(tmp_path: Path) -> None:
    """One file, mode 0600, that opens by itself; a file that is there is not replaced."""
    async with House(tmp_path) as house:
        await mirrored(house)
        reader = await Store.open_read_only(tmp_path / "ledger.db")
        copy = tmp_path / "copy.db"
        await reader.copy_to(copy)
        await reader.close()
        assert stat.S_IMODE(copy.stat().st_mode) == 0o600
        assert not list(tmp_path.glob("copy.db-*"))
        opened = await Store.open_read_only(copy)
        assert (await opened.standings())[0].done == (await house.store.standings())[0].done
        await opened.close()
        with pytest.raises(FileExistsError):
            await house.store.copy_to(copy)
