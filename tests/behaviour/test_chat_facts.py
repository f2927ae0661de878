"""`chat = true`: title, photo and description of the target follow the source's, without a word about it."""

from __future__ import annotations

from pathlib import Path

from tests.harness import House
from tests.telegram.faults import Fault
from tests.telegram.world.chats import Chat

TITLE, ABOUT, PHOTO = "channels.editTitle", "messages.editChatAbout", "channels.editPhoto"


def sides(house: House, **options: object) -> tuple[Chat, Chat]:
    source = house.supergroup("Friends", about="of tea")
    source.photo = house.world.media.photo(640, 640, seed=3).photo
    target = house.own_supergroup("Copy")
    house.mirror(source, target, chat=True, **options)
    return source, target


def looks(chat: Chat) -> tuple[str, str, tuple[int, int] | None]:
    """Title, description, and the photo by its shape: Telegram makes other bytes of it."""
    return chat.title, chat.about, (chat.photo.width, chat.photo.height) if chat.photo else None


def services(chat: Chat) -> list[str]:
    """What the chat's history says besides messages, its creation aside."""
    said = [chat.box.messages[i].action for i in chat.box.ids]
    return [type(action).__name__ for action in said if action is not None][1:]


async def test_the_target_looks_as_the_source_does(tmp_path: Path) -> None:
    """From the first start on, and when something changes."""
    async with House(tmp_path) as house:
        source, target = sides(house)
        await house.start()
        await house.run()
        assert looks(target) == ("Friends", "of tea", (640, 640))
        chats = house.world.chats
        chats.set_title(source, "Enemies")
        chats.set_photo(source, house.world.media.photo(300, 300, seed=5).photo)
        await house.run()
        assert looks(target) == ("Enemies", "of tea", (300, 300))
        chats.set_about(source, "of coffee")
        await house.run()
        assert looks(target) == ("Enemies", "of coffee", (300, 300))
        chats.set_photo(source, None)
        await house.run()
        assert looks(target) == ("Enemies", "of coffee", None)
        assert services(target) == []
        assert (await house.status())["mirrors"][0]["parked"] == 0


async def test_nothing_is_done_twice(tmp_path: Path) -> None:
    """Not over restarts either; and a title that goes back and forth costs nothing."""
    async with House(tmp_path) as house:
        source, target = sides(house)
        await house.start()
        await house.run()
        for _ in range(3):
            await house.restart()
            await house.run()
        house.world.chats.set_title(source, "A moment")
        house.world.chats.set_title(source, "Friends")
        await house.run()
        assert [house.tg.log.count(method) for method in (TITLE, ABOUT, PHOTO)] == [1, 1, 1]
        assert looks(target) == ("Friends", "of tea", (640, 640))


async def test_what_changed_while_it_was_stopped(tmp_path: Path) -> None:
    """A start compares."""
    async with House(tmp_path) as house:
        source, target = sides(house)
        await house.start()
        await house.run()
        await house.stop()
        source.title, source.about = "Later", "on"
        house.clock.advance(86400)
        await house.start()
        await house.run()
        assert looks(target)[:2] == ("Later", "on")


async def test_without_the_wish_nothing_follows(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        source, target = house.supergroup("Friends", about="of tea"), house.own_supergroup("Copy")
        house.mirror(source, target)
        await house.start()
        await house.run()
        house.world.chats.set_title(source, "Enemies")
        await house.run()
        assert looks(target) == ("Copy", "", None)


async def test_without_the_right_it_is_said_and_the_posts_go_on(tmp_path: Path) -> None:
    """The right may come later."""
    async with House(tmp_path) as house:
        source = house.supergroup("Friends", about="of tea")
        target = house.supergroup("Copy")
        house.mirror(source, target, chat=True)
        await house.start()
        house.post(source, "hello")
        await house.run()
        assert house.texts(target) == ["hello"]
        assert looks(target)[:2] == ("Copy", "")
        house.world.chats.promote(target, house.me)
        await house.run()
        assert looks(target)[:2] == ("Friends", "of tea")


async def test_trouble_on_the_way(tmp_path: Path) -> None:
    """A flood of one method, a lost answer, an expired reference of the photo: all the same in the end."""
    async with House(tmp_path) as house:
        source, target = sides(house)
        await house.start()
        house.tg.faults.add(Fault(PHOTO, "flood", seconds=300))
        house.tg.faults.add(Fault(TITLE, "apply-cut"))
        house.tg.faults.add(Fault("upload.getFile", code=400, message="FILE_REFERENCE_EXPIRED"))
        house.post(source, "hello")
        await house.run()
        assert house.texts(target) == ["hello"]
        assert looks(target) == ("Friends", "of tea", (640, 640))
        assert services(target) in ([], ["MessageActionChatEditTitle"])
        assert house.tg.faults.violations == []


async def test_basic_groups(tmp_path: Path) -> None:
    """They have methods of their own."""
    async with House(tmp_path) as house:
        source = house.world.chats.add_group("Friends", house.other, [house.me], about="of tea")
        source.photo = house.world.media.photo(640, 640).photo
        target = house.world.chats.add_group("Copy", house.me, [house.other])
        house.mirror(source, target, chat=True)
        await house.start()
        await house.run()
        assert looks(target) == ("Friends", "of tea", (640, 640))
        house.world.chats.set_title(source, "Enemies")
        await house.run()
        assert target.title == "Enemies"


async def test_changed_back_after_a_lost_answer(tmp_path: Path) -> None:
    """What the target may have become meanwhile is not taken for what it was before."""
    async with House(tmp_path) as house:
        source, target = sides(house)
        await house.start()
        await house.run()
        house.tg.faults.add(Fault(TITLE, "apply-cut"))
        house.world.chats.set_title(source, "A moment")
        await house.run(until=lambda: target.title == "A moment")
        house.world.chats.set_title(source, "Friends")
        await house.run()
        assert target.title == "Friends"
