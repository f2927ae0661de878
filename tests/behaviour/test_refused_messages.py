"""A refusal that seems to be about the chat may be about one message: the chat, asked once, says which.

Then the message loses one thing after the other, and is parked at last; the queue goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from telethon.tl import types

from tests.behaviour.test_kinds import poll
from tests.harness import House
from tests.logged import Logs
from tests.telegram.faults import Fault
from tests.telegram.world.chats import Chat
from tests.telegram.world.messages import Message, Reply

pytestmark = pytest.mark.thorough

QUESTION = "channels.getFullChannel"
SENDS = ("messages.sendMessage", "messages.sendMedia", "messages.sendMultiMedia")


async def begun(house: House, **options: object) -> tuple[Chat, Chat]:
    source, target = house.supergroup("Source"), house.own_supergroup("Target")
    house.mirror(source, target, **options)
    await house.start()
    await house.run()
    return source, target


def refuse(
    house: House, name: str, when: Callable[[Any], bool], *, code: int = 400, times: int | None = None
) -> None:
    """Every send is refused that this holds for."""
    for method in SENDS:
        house.tg.faults.add(
            Fault(method, code=code, message=name, times=times, when=lambda call, request: when(request))
        )


def mention(house: House) -> list[Any]:
    return [types.MessageEntityMentionName(0, 4, house.other.id)]


async def runs(house: House, *, parked: int = 0) -> None:
    [mirror] = (await house.status())["mirrors"]
    assert (mirror["paused"], mirror["backlog"], mirror["parked"]) == ("", 0, parked)


async def test_a_mention_of_a_deleted_account(tmp_path: Path) -> None:
    """The mirror is not stopped: the mention becomes its plain words, the reply and the rest stay."""
    async with House(tmp_path) as house:
        source, target = await begun(house)
        gone = house.world.peers.add_account("Gone")
        house.world.chats.join(source, gone)
        first = house.post(source, "before")
        bold = types.MessageEntityBold(5, 2)
        house.post(
            source,
            "Gone is",
            entities=[types.MessageEntityMentionName(0, 4, gone.id), bold],
            reply=Reply(to=first),
        )
        gone.deactivated = True
        house.post(source, "after")
        asked = house.tg.log.count(QUESTION)
        await house.run()
        assert house.texts(target) == ["before", "Gone is", "after"]
        copy = house.messages(target)[1]
        assert [type(entity) for entity in copy.entities] == [types.MessageEntityBold]
        assert copy.reply is not None
        assert house.tg.log.count(QUESTION) == asked + 1
        await runs(house)


async def test_a_story_of_a_channel_that_went_private(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        source, target = await begun(house)
        channel = house.world.chats.add_channel("Stories", house.other, [house.me])
        house.post(source, "before")
        house.post(source, media=house.world.media.story(channel.id, 7, channel=True))
        await house.read()
        house.world.chats.kick(channel, house.me)
        house.post(source, "after")
        await house.run()
        texts = house.texts(target)
        assert (texts[0], texts[-1], len(texts)) == ("before", "after", 3)
        assert "a story" in texts[1]
        await runs(house)


#: Every other name that Telegram documents is tried in `test_refusals`.
LOST = ("INPUT_USER_DEACTIVATED", "CHANNEL_PRIVATE", "CHAT_FORWARDS_RESTRICTED", "USER_BANNED_IN_CHANNEL")
SUSPECTS: dict[str, tuple[Callable[[House, Message], dict[str, Any]], Callable[[Any], bool]]] = {
    "mention": (
        lambda house, first: {"text": "Otto says", "entities": mention(house)},
        lambda request: any(isinstance(e, types.InputMessageEntityMentionName) for e in entities(request)),
    ),
    "mention in a caption": (
        lambda house, first: {
            "text": "Otto says",
            "entities": mention(house),
            "media": house.world.media.photo(100, 100),
        },
        lambda request: any(isinstance(e, types.InputMessageEntityMentionName) for e in entities(request)),
    ),
    "reply": (
        lambda house, first: {"text": "yes", "reply": Reply(to=first)},
        lambda request: request.reply_to is not None,
    ),
    "cover": (
        lambda house, first: {"media": covered(house)},
        lambda request: bool(getattr(hanging(request), "video_cover", None)),
    ),
    "sticker": (
        lambda house, first: {"media": house.world.media.sticker()},
        lambda request: False,
    ),
    "attachment": (
        lambda house, first: {"media": pictured(house)},
        lambda request: bool(getattr(hanging(request), "attached_media", None)),
    ),
    "story": (
        lambda house, first: {"media": house.world.media.story(house.other.id, 3)},
        lambda request: isinstance(hanging(request), types.InputMediaStory),
    ),
}


def hanging(request: Any) -> Any:
    """What a single send brings along."""
    return getattr(request, "media", None)


def said(request: Any) -> str:
    return getattr(request, "message", None) or ""


def entities(request: Any) -> list[Any]:
    return getattr(request, "entities", None) or []


def file_id(request: Any) -> int:
    return getattr(getattr(hanging(request), "id", None), "id", 0)


def covered(house: House) -> Any:
    video = house.world.media.video()
    video.cover = house.world.media.photo(320, 240, seed=9).photo
    return video


def pictured(house: House) -> Any:
    """A poll with a picture above it."""
    made = poll()
    made.plain.attached_media = types.MessageMediaPhoto(
        photo=house.world.files.photo(house.world.media.photo(50, 50, seed=4).photo, house.me.id)  # type: ignore[arg-type]  # a photo has one
    )
    return made


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in LOST[:1] else pytest.mark.slow) for name in LOST]
)
@pytest.mark.parametrize("what", SUSPECTS)
async def test_it_loses_only_what_it_was_refused_for(tmp_path: Path, what: str, name: str) -> None:
    """What hangs on the message is still there, nothing is parked, and the chat is asked once."""
    async with House(tmp_path) as house:
        source, target = await begun(house)
        first = house.post(source, "first")
        await house.run()
        make, guilty = SUSPECTS[what]
        original: list[int] = []
        if what == "sticker":
            # Its bytes go instead: what is sent then is another document.
            media = make(house, first)["media"]
            original = [media.document.id]
            fields: dict[str, Any] = {"media": media}
            refuse(house, name, lambda request: file_id(request) in original)
        else:
            fields = make(house, first)
            refuse(house, name, guilty)
        house.post(source, fields.pop("text", ""), **fields)
        house.post(source, "after")
        asked = house.tg.log.count(QUESTION)
        await house.run()
        await runs(house)
        assert house.tg.log.count(QUESTION) == asked + 1
        copies = house.messages(target)
        assert [copies[0].text, copies[-1].text, len(copies)] == ["first", "after", 3]
        copy = copies[1]
        if what == "story":
            assert "a story" in copy.text
        elif what == "attachment":
            assert copy.media is not None
            assert copy.media.kind == "poll"
        elif what == "sticker":
            assert copy.media is not None
            assert copy.media.document is not None
            assert (copy.media.kind, copy.media.document.id in original) == ("sticker", False)
        elif what == "cover":
            assert copy.media is not None
            assert (copy.media.kind, copy.media.cover) == ("video", None)
        elif what == "mention in a caption":
            assert copy.media is not None
            assert (copy.text, copy.media.kind) == ("Otto says", "photo")
        else:
            assert copy.text in ("Otto says", "yes")
        assert [entry for entry in copy.entities if isinstance(entry, types.MessageEntityMentionName)] == []


@pytest.mark.parametrize("name", [*LOST, "CHAT_WRITE_FORBIDDEN", "TOPIC_CLOSED"])
async def test_what_nothing_cures_is_parked_and_the_queue_goes_on(tmp_path: Path, name: str) -> None:
    async with House(tmp_path) as house:
        source, target = await begun(house)
        refuse(house, name, lambda request: said(request) == "bad")
        house.post(source, "before")
        house.post(source, "bad", entities=[types.MessageEntityBold(0, 3)])
        house.post(source, "after")
        await house.run()
        assert house.texts(target) == ["before", "after"]
        await runs(house, parked=1)
        assert [(state, name in reason) for _, state, reason in await house.jobs() if state == "parked"] == [
            ("parked", True)
        ]


async def test_a_chat_that_denies_it_again_and_again_is_asked_again(tmp_path: Path) -> None:
    """Three messages are parked on one word of it, and the next waits for another: it may be wrong."""
    async with House(tmp_path) as house:
        source, target = await begun(house)
        refuse(house, "USER_BANNED_IN_CHANNEL", lambda request: said(request).startswith("bad"))
        for n in range(8):
            house.post(source, f"bad {n}")
        house.post(source, "after")
        asked = house.tg.log.count(QUESTION)
        await house.run(300)
        [mirror] = (await house.status())["mirrors"]
        assert (mirror["paused"], mirror["parked"]) == ("", 3)
        assert mirror["hold_until"] is not None
        assert "USER_BANNED_IN_CHANNEL" in mirror["hold_reason"]
        await house.run()
        await runs(house, parked=8)
        assert house.texts(target) == ["after"]
        assert house.tg.log.count(QUESTION) == asked + 3


@pytest.mark.parametrize(
    "silence",
    [
        Fault(QUESTION, code=503, message="TIMEOUT"),
        Fault(QUESTION, code=400, message="CHAT_NOT_MODIFIED"),
        Fault(QUESTION, "flood", seconds=1500),
    ],
)
async def test_a_chat_that_does_not_answer_keeps_its_mirror_waiting(tmp_path: Path, silence: Fault) -> None:
    """Nothing is parked, nothing paused; the status says so, also after a restart; then all goes out."""
    async with House(tmp_path) as house:
        source, target = await begun(house)
        refuse(house, "CHAT_WRITE_FORBIDDEN", lambda request: True, code=403, times=1)
        house.tg.faults.add(Fault(QUESTION, silence.action, silence.code, silence.message, silence.seconds))
        house.post(source, "one")
        house.post(source, "two")
        asked = house.tg.log.count(QUESTION)
        await house.run(300)
        [mirror] = (await house.status())["mirrors"]
        assert (mirror["paused"], mirror["parked"], mirror["waiting_live"]) == ("", 0, 2)
        assert "CHAT_WRITE_FORBIDDEN" in mirror["hold_reason"]
        assert mirror["hold_until"] > house.clock.now()
        assert house.tg.log.count(QUESTION) == asked + 1
        await house.run()
        assert house.texts(target) == ["one", "two"]
        assert house.tg.faults.violations == []
        await runs(house)


async def test_a_chat_that_says_so_is_lost(tmp_path: Path) -> None:
    """As ever: the mirror is paused with its reason, asked every ten minutes, and goes on by itself."""
    async with House(tmp_path) as house:
        source, target = await begun(house)
        house.post(source, "one")
        await house.run()
        # Nothing is told of it.
        house.world.chats.silence(target)
        target.members[house.me.id].rights = None
        target.creator_id = house.other.id
        target.default_banned = frozenset({"send_messages"})
        house.post(source, "two")
        await house.run()
        [mirror] = (await house.status())["mirrors"]
        assert "only administrators write" in mirror["paused"]
        assert (mirror["parked"], house.texts(target)) == (0, ["one"])
        house.world.chats.set_default_banned(target)
        await house.ask_again()
        await house.run()
        assert house.texts(target) == ["one", "two"]
        await runs(house)


async def test_a_source_that_is_protected_now_pauses(tmp_path: Path) -> None:
    """What goes by reference is refused: the source, asked, says why."""
    async with House(tmp_path) as house:
        source, target = await begun(house, transfer="reference")
        house.world.chats.silence(source)
        house.post(source, media=house.world.media.photo(100, 100))
        await house.read()
        source.noforwards = True
        await house.run()
        [mirror] = (await house.status())["mirrors"]
        assert "protects its content" in mirror["paused"]
        assert house.texts(target) == []


async def test_an_attempt_stays_of_unknown_outcome(tmp_path: Path) -> None:
    """The refusal of the second call says nothing about the first, which had arrived."""
    async with House(tmp_path) as house:
        source, target = await begun(house)
        house.tg.faults.add(Fault("messages.sendMessage", "apply-cut"))
        refuse(house, "INPUT_USER_DEACTIVATED", lambda request: said(request) == "Otto says")
        house.post(source, "Otto says", entities=mention(house))
        house.post(source, "after")
        await house.run()
        assert house.texts(target) == ["Otto says", "after"]
        assert [type(e) for e in house.messages(target)[0].entities] == [types.MessageEntityMentionName]
        await runs(house)


async def test_a_refused_search_says_nothing_about_the_send(tmp_path: Path) -> None:
    """After a restart the target is looked through, which is refused for a while: sent once all the same."""
    async with House(tmp_path) as house:
        source, target = await begun(house)
        house.tg.faults.add(Fault("messages.sendMessage", "apply-cut"))
        house.tg.faults.add(Fault("messages.sendMessage", "cut", times=1))
        house.post(source, "one")
        await house.run(until=lambda: house.texts(target) == ["one"])
        await house.stop()
        house.world.chats.forget_random_ids()
        for name in ("MSG_ID_INVALID", "CHANNEL_PRIVATE", "CHAT_ADMIN_REQUIRED"):
            house.tg.faults.add(Fault("messages.getHistory", code=400, message=name, peer=target.id, times=1))
        house.tg.faults.add(Fault("messages.getHistory", "flood", seconds=100, peer=target.id))
        await house.start()
        house.post(source, "two")
        await house.run()
        assert house.texts(target) == ["one", "two"]
        await runs(house)


@pytest.mark.parametrize("name", ["MSG_ID_INVALID", "MESSAGE_ID_INVALID", "REPLY_MESSAGE_ID_INVALID"])
async def test_an_invalid_message_is_the_one_that_is_answered(tmp_path: Path, name: str) -> None:
    """Also of an album, whose method documents no other name for it."""
    async with House(tmp_path) as house:
        source, target = await begun(house)
        first = house.post(source, "first")
        await house.run()
        refuse(house, name, lambda request: request.reply_to is not None)
        house.post(source, "answer", reply=Reply(to=first))
        photos = [house.world.media.photo(100, 100, seed=n) for n in range(2)]
        group = house.world.chats.new_group_id()
        for photo in photos:
            house.post(source, media=photo, grouped_id=group, reply=Reply(to=first))
        await house.run()
        assert [message.text for message in house.messages(target)] == ["first", "answer", "", ""]
        assert [message.reply for message in house.messages(target)[1:]] == [None] * 3
        assert len({message.grouped_id for message in house.messages(target)[2:]}) == 1
        await runs(house)


async def test_slow_mode_takes_no_albums(tmp_path: Path) -> None:
    """One item at a time, each after its wait; the mirror never pauses for it."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.supergroup("Target")
        house.mirror(source, target)
        house.world.chats.set_slow_mode(target, 10)
        await house.start()
        group = house.world.chats.new_group_id()
        for n in range(3):
            house.post(source, str(n), media=house.world.media.photo(100, 100, seed=n), grouped_id=group)
        house.post(source, "after")
        await house.run()
        assert house.texts(target) == ["0", "1", "2", "after"]
        assert all(message.media for message in house.messages(target)[:3])
        await runs(house)


async def test_a_preview_that_may_not_be_sent(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        source, target = await begun(house)
        refuse(
            house, "CHAT_SEND_WEBPAGE_FORBIDDEN", lambda request: not getattr(request, "no_webpage", False)
        )
        house.post(source, "see https://example.org/x")
        await house.run()
        assert house.texts(target) == ["see https://example.org/x"]
        assert house.messages(target)[0].media is None
        await runs(house)


@pytest.mark.parametrize(("times", "kind"), [(2, "photo"), (3, "document")])
@pytest.mark.parametrize("method", ["messages.uploadMedia", "messages.sendMedia"])
async def test_a_photo_that_could_not_be_saved(tmp_path: Path, method: str, times: int, kind: str) -> None:
    """Tried twice more before it becomes a file."""
    async with House(tmp_path) as house:
        source, target = await begun(house)
        photo = types.InputMediaUploadedPhoto, types.InputMediaPhoto
        fault = Fault(method, message="PHOTO_SAVE_FILE_INVALID", times=times)
        fault.when = lambda call, request: isinstance(request.media, photo)
        house.tg.faults.add(fault)
        house.post(source, "look", media=house.world.media.photo(100, 100))
        await house.run()
        [copy] = house.messages(target)
        assert copy.media is not None
        assert (copy.text, copy.media.kind) == ("look", kind)
        await runs(house)


@pytest.mark.parametrize(
    ("name", "seconds"),
    [("FLOOD_SKIP_FAILED_WAIT_9", 1), ("FLOOD_SKIP_FAILED_WAIT", 1), ("SOMETHING_NEW_30", 30),
     ("SOMETHING_NEW", 60), ("SOMETHING_NEW_99999", 3600)],
)  # fmt: skip
async def test_an_unheard_of_420_is_a_wait(tmp_path: Path, logs: Logs, name: str, seconds: int) -> None:
    async with House(tmp_path) as house:
        source, target = await begun(house)
        refuse(house, name, lambda request: True, code=420, times=1)
        house.post(source, "one")
        before = house.clock.now()
        await house.run(until=lambda: house.texts(target) == ["one"])
        assert house.clock.now() - before >= seconds
        assert [entry["seconds"] for entry in logs.of("Telegram asks to wait")] == [seconds]
        await runs(house)


async def test_an_unheard_of_420_that_never_ends_parks_its_message(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        source, target = await begun(house)
        refuse(house, "SOMETHING_NEW", lambda request: said(request) == "bad", code=420)
        house.post(source, "bad")
        house.post(source, "after")
        await house.run()
        assert house.texts(target) == ["after"]
        await runs(house, parked=1)


async def test_a_text_that_is_too_long_there_is_cut(tmp_path: Path) -> None:
    """A limit that nobody has told us of: nothing of it is lost."""
    async with House(tmp_path) as house:
        source, target = await begun(house)
        refuse(house, "MESSAGE_TOO_LONG", lambda request: len(said(request)) > 1000)
        words = " ".join(f"word{n}" for n in range(500))
        house.post(source, words)
        await house.run()
        assert " ".join(house.texts(target)) == words
        await runs(house)


async def test_every_part_of_a_split_text_may_lose_its_reply(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        source, target = await begun(house)
        first = house.post(source, "first")
        await house.run()
        refuse(house, "REPLY_MESSAGE_ID_INVALID", lambda request: request.reply_to is not None)
        long = " ".join(f"word{n}" for n in range(600))
        house.post(source, long, media=house.world.media.photo(100, 100), reply=Reply(to=first))
        await house.run()
        assert " ".join(house.texts(target)[1:]) == long
        await runs(house)
