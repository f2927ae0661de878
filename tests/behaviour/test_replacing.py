"""A copy that is replaced is deleted first: where Telegram refuses that, nothing is sent, and it stays.

`resend`, an edit that cannot be made in place, `verify --repair` of what stands in part: it is never there
twice, and what of it is missing is named.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.behaviour.test_verify import found, mended
from tests.harness import House
from tests.interpose import Death, dies
from tests.logged import Logs
from tests.telegram.faults import Fault
from tests.telegram.world.chats import Chat
from tests.telegram.world.messages import Message
from tgstreamd.ledger import encode

pytestmark = pytest.mark.thorough

DELETE, EDIT = "channels.deleteMessages", "messages.editMessage"
LONG = "x" * 4000 + " " + "y" * 3000
#: What Telegram may say to a deletion that it does not make.
REFUSALS = [
    Fault(DELETE, code=403, message="MESSAGE_DELETE_FORBIDDEN", times=None),
    Fault(DELETE, code=400, message="CHAT_ADMIN_REQUIRED", times=None),
    Fault(DELETE, "apply-nothing", times=None),
]


def refusing(house: House, refusal: Fault) -> Fault:
    """Telegram deletes nothing from now on."""
    return house.tg.faults.add(
        Fault(DELETE, refusal.action, refusal.code, refusal.message, times=None, when=refusal.when)
    )


async def mirrored(house: House, **options: Any) -> tuple[Chat, Chat]:
    """Texts, a text in two parts, a sticker and an album, mirrored to the end."""
    source, target = house.supergroup("Source"), house.own_supergroup("Target")
    make = house.world.media
    house.post(source, "one")
    house.post(source, LONG)
    house.post(source, media=make.sticker())
    house.world.chats.post_album(source, house.other, [(make.photo(seed=n), f"photo {n}") for n in (1, 2)])
    house.post(source, "last")
    house.mirror(source, target, **options)
    await house.start()
    await house.run()
    return source, target


def original(house: House, source: Chat, text: str) -> Message:
    return next(message for message in house.messages(source) if message.text == text)


async def resend(house: House, source: Chat, text: str = "one") -> None:
    await house.verb("resend", mirror="m1", ids=[original(house, source, text).id], write=True)


async def resend_album(house: House, source: Chat) -> None:
    await resend(house, source, "photo 2")


async def edit_too_late(house: House, source: Chat) -> None:
    house.tg.faults.add(Fault(EDIT, code=400, message="MESSAGE_EDIT_TIME_EXPIRED", times=None))
    house.world.chats.edit(original(house, source, "one"), "one, edited")
    await house.run(60)


async def edit_shape(house: House, source: Chat) -> None:
    house.world.chats.edit(original(house, source, "one"), "p" * 4000 + " " + "q" * 3000)
    await house.run(60)


async def edit_album_item(house: House, source: Chat) -> None:
    house.tg.faults.add(Fault(EDIT, code=400, message="MESSAGE_EDIT_TIME_EXPIRED", times=None))
    house.world.chats.edit(original(house, source, "photo 1"), "photo 1, edited")
    await house.run(60)


Way = Callable[[House, Chat], Awaitable[None]]
#: How a copy is replaced, and how many messages that is about.
WAYS: dict[str, tuple[Way, int]] = {
    "resend": (resend, 1),
    "resend an album": (resend_album, 2),
    "edited too late": (edit_too_late, 1),
    "edited into another shape": (edit_shape, 1),
    "edited in an album": (edit_album_item, 1),
}


async def kept(house: House) -> int:
    """How many messages were not sent again since their copies stand."""
    (mirror,) = (await house.status())["mirrors"]
    return int(mirror["skipped_by"].get("its old copy cannot be deleted", 0))


@pytest.mark.parametrize(
    ("way", "refusal"),
    [
        *((way, REFUSALS[0]) for way in WAYS),
        ("resend", REFUSALS[1]),
        ("edited too late", REFUSALS[1]),
        ("resend an album", REFUSALS[2]),
        ("edited too late", REFUSALS[2]),
    ],
)
async def test_refused_nothing_is_sent(tmp_path: Path, way: str, refusal: Fault, logs: Logs) -> None:
    """The copy stays, in the map too, said once; the mirror goes on."""
    replace, n = WAYS[way]
    async with House(tmp_path) as house:
        source, target = await mirrored(house)
        before = house.texts(target)
        refusing(house, refusal)
        await replace(house, source)
        await house.run()
        assert house.texts(target) == before
        [said] = [log for log in logs if log["event"].startswith("message not sent again")]
        assert (said["mirror"], said["n"]) == ("m1", n)
        (mirror,) = (await house.status())["mirrors"]
        assert (mirror["paused"], mirror["changes"], mirror["backlog"], mirror["parked"]) == ("", 0, 0, 0)
        assert await kept(house) == n
        assert said["why"] in mirror["last_error"]
        differ = [(one["kind"], one["mend"]) for one in await found(house)]
        assert differ == ([] if way.startswith("resend") else [("text", "edit")])
        house.post(source, "later", reply_to=original(house, source, "last"))
        await house.run()
        assert house.texts(target)[-1] == "later"


@pytest.mark.parametrize("way", WAYS)
async def test_allowed_again_it_is_replaced(tmp_path: Path, way: str) -> None:
    """By the same command: once, whole."""
    replace, n = WAYS[way]
    async with House(tmp_path) as house:
        source, target = await mirrored(house)
        before = house.texts(target)
        refused = refusing(house, REFUSALS[0])
        await replace(house, source)
        await house.run()
        house.tg.faults.remove(refused)
        if way.startswith("resend"):
            await replace(house, source)
        else:
            assert await mended(house) == ["queued"]
        await house.run()
        now = house.texts(target)
        moved = now[len(before) - n :] if way != "edited into another shape" else now[-2:]
        assert {"resend": ["one"], "resend an album": ["photo 1", "photo 2"],
                "edited too late": ["one, edited"], "edited in an album": ["photo 1, edited"],
                "edited into another shape": ["p" * 4000, "q" * 3000]}[way] == moved  # fmt: skip
        assert len(now) == len(before) + (way == "edited into another shape")
        assert await found(house) == []
        assert await kept(house) == 0


async def test_of_a_text_in_parts_nothing_is_sent_while_a_part_stands(tmp_path: Path) -> None:
    """One part is gone and the other cannot be deleted: what is missing is named, and sent when it may be."""
    async with House(tmp_path) as house:
        _, target = await mirrored(house)
        first, second = [copy for copy in house.messages(target) if copy.text in ("x" * 4000, "y" * 3000)]
        refused = refusing(house, REFUSALS[0])
        house.world.chats.delete(first)
        for _ in range(2):
            assert await mended(house) == ["queued"]
            await house.run()
            assert [copy.id for copy in house.messages(target) if copy.text[:1] in ("x", "y")] == [second.id]
            assert [one["kind"] for one in await found(house)] == ["missing"]
        house.tg.faults.remove(refused)
        assert await mended(house) == ["queued"]
        assert [copy.text[:1] for copy in house.messages(target)][-2:] == ["x", "y"]
        assert len(house.messages(target)) == 7
        assert await found(house) == []


async def test_of_an_album_deleted_in_part_only_what_is_gone_is_sent(tmp_path: Path) -> None:
    """Telegram deletes one item and not the other."""
    async with House(tmp_path) as house:
        source, target = await mirrored(house)
        stays = next(copy for copy in house.messages(target) if copy.text == "photo 2")
        refused = refusing(house, Fault(DELETE, code=403, message="MESSAGE_DELETE_FORBIDDEN"))
        refused.when = lambda call, request: stays.id in request.id
        await resend_album(house, source)
        await house.run()
        texts = house.texts(target)
        assert (texts.count("photo 1"), texts.count("photo 2"), texts[-1]) == (1, 1, "photo 1")
        (mirror,) = (await house.status())["mirrors"]
        assert await kept(house) == 1
        assert (mirror["done"], mirror["total"]) == (5, 7)
        assert await found(house) == []
        house.world.chats.edit(original(house, source, "photo 2"), "photo 2, edited")
        await house.run()
        assert "photo 2, edited" in house.texts(target)


@pytest.mark.parametrize("way", ["resend an album", "edited too late", "edited into another shape"])
async def test_held_up_nothing_waits_for_it_and_nothing_is_there_twice(tmp_path: Path, way: str) -> None:
    """A flood of deletions lasts an hour; also over a restart."""
    replace, _ = WAYS[way]
    async with House(tmp_path) as house:
        source, target = await mirrored(house)
        before = house.texts(target)
        house.tg.faults.add(Fault(DELETE, "flood", seconds=3600, times=1))
        await replace(house, source)
        for n in range(2):
            house.post(source, f"meanwhile {n}")
            await house.run(60)
            await house.restart()
        assert house.texts(target) == [*before, "meanwhile 0", "meanwhile 1"]
        await house.run()
        now = house.texts(target)
        assert len(now) == len(set(now)) == len(before) + 2 + (way == "edited into another shape")
        assert now.index("meanwhile 1") < len(now) - 1
        assert await found(house) == []


async def test_trouble_that_passes_is_tried_on(tmp_path: Path) -> None:
    """Telegram's own troubles, lost answers: deleting again does no harm."""
    async with House(tmp_path) as house:
        source, target = await mirrored(house)
        count = len(house.messages(target))
        house.tg.faults.add(Fault(DELETE, code=500, message="RPC_CALL_FAIL", times=3))
        house.tg.faults.add(Fault(DELETE, "apply-cut"))
        await resend(house, source)
        await house.run()
        assert (len(house.messages(target)), house.texts(target)[-1]) == (count, "one")
        assert await kept(house) == 0


async def test_trouble_without_end_is_settled_by_looking(tmp_path: Path) -> None:
    """Fifty times no answer: it stands, so nothing is sent."""
    async with House(tmp_path) as house:
        source, target = await mirrored(house)
        before = house.texts(target)
        house.tg.faults.add(Fault(DELETE, code=500, message="RPC_CALL_FAIL", times=None))
        await resend(house, source)
        await house.run()
        assert house.texts(target) == before
        assert await kept(house) == 1


@pytest.mark.parametrize("refusal", REFUSALS, ids=["forbidden", "no right", "says yes"])
async def test_what_is_gone_already_needs_no_deletion(tmp_path: Path, refusal: Fault) -> None:
    """Whatever Telegram says to it."""
    async with House(tmp_path) as house:
        source, target = await mirrored(house)
        refusing(house, refusal)
        await resend(house, source)
        house.world.chats.delete(house.messages(target)[0])
        await house.run()
        assert (house.texts(target).count("one"), house.texts(target)[-1]) == (1, "one")
        assert await found(house) == []


async def test_the_new_one_is_refused(tmp_path: Path) -> None:
    """Then it is parked, named as missing, and sent by `retry`."""
    async with House(tmp_path) as house:
        source, target = await mirrored(house)
        house.tg.faults.add(Fault("messages.sendMessage", message="MESSAGE_TOO_ODD"))
        await resend(house, source)
        await house.run()
        assert "one" not in house.texts(target)
        (difference,) = await found(house)
        assert difference["source_id"] == original(house, source, "one").id
        assert difference["why"].startswith("missing in the target, parked as ")
        await house.verb("retry", ids=None)
        await house.run()
        assert (house.texts(target).count("one"), house.texts(target)[-1]) == (1, "one")
        assert await found(house) == []


#: Where the process dies: before or after a call of the target's, or a transaction of the ledger's.
DEATHS = [
    ("target", "before", "delete"), ("target", "after", "delete"), ("store", "before", "deleted"),
    ("store", "after", "deleted"), ("store", "before", "send_again"), ("store", "after", "send_again"),
    ("store", "before", "attempt"), ("store", "after", "attempt"), ("target", "before", "send"),
    ("target", "after", "send"), ("store", "before", "settle"), ("store", "after", "settle"),
]  # fmt: skip


@pytest.mark.parametrize(("side", "when", "step"), DEATHS)
async def test_killed_in_between(tmp_path: Path, side: str, when: str, step: str) -> None:
    """At any instant: one copy, whatever was done by then."""
    async with House(tmp_path) as house:
        source, target = await mirrored(house)
        await house.stop()
        hooks: dict[str, Any] = {when: {step: dies()}}
        house.interpose(side, **hooks)
        await house.start()
        with contextlib.suppress(Death):
            await resend_album(house, source)
            await house.run()
        await house.stop()
        house.interpose_nothing()
        await house.start()
        await house.run()
        texts = house.texts(target)
        assert (texts.count("photo 1"), texts.count("photo 2"), len(texts)) == (1, 1, 7)
        assert await found(house) == []


@pytest.mark.parametrize("step", ["deletion_refused", "messages"])
async def test_killed_when_it_was_refused(tmp_path: Path, step: str) -> None:
    """It is asked and looked for again."""
    async with House(tmp_path) as house:
        source, target = await mirrored(house)
        before = house.texts(target)
        await house.stop()
        hooks: dict[str, Any] = {"before": {step: dies()}}
        house.interpose("target" if step == "messages" else "store", **hooks)
        await house.start()
        refusing(house, REFUSALS[0])
        with contextlib.suppress(Death):
            await resend(house, source)
            await house.run()
        await house.stop()
        house.interpose_nothing()
        await house.start()
        await house.run()
        assert house.texts(target) == before
        assert await kept(house) == 1


async def test_paused_meanwhile(tmp_path: Path) -> None:
    """Neither is deleted nor sent until it goes on."""
    async with House(tmp_path) as house:
        source, target = await mirrored(house)
        before = house.texts(target)
        await house.verb("pause", mirror="m1")
        await resend(house, source)
        await house.run(60)
        assert house.texts(target) == before
        await house.verb("resume", mirror="m1")
        await house.run()
        assert house.texts(target) == [*before[1:], "one"]


@pytest.mark.parametrize("refused", [False, True])
async def test_an_edit_that_comes_meanwhile_is_not_lost(tmp_path: Path, refused: bool) -> None:
    """It goes out edited; where the old copy stays, that is edited."""
    async with House(tmp_path) as house:
        source, target = await mirrored(house)
        before = house.texts(target)
        house.tg.faults.add(Fault(DELETE, "flood", seconds=600, times=1))
        await resend(house, source)
        await house.run(30)
        house.world.chats.edit(original(house, source, "one"), "one, edited")
        await house.run(60)
        if refused:
            refusing(house, REFUSALS[0])
        await house.run()
        edited = ["one, edited", *before[1:]] if refused else [*before[1:], "one, edited"]
        assert house.texts(target) == edited
        assert await found(house) == []


@pytest.mark.parametrize("options", [{"deletes": "mirror"}, {}, {"delay": 600}], ids=str)
async def test_the_original_is_deleted_meanwhile(tmp_path: Path, options: dict[str, Any]) -> None:
    """Where deletions are mirrored nothing is left of it; else it goes out as it was."""
    async with House(tmp_path) as house:
        source, target = await mirrored(house, **options)
        before = house.texts(target)
        house.tg.faults.add(Fault(DELETE, "flood", seconds=600, times=1))
        await resend(house, source)
        await house.run(30)
        house.world.chats.delete(original(house, source, "one"))
        await house.run()
        assert house.texts(target) == (before[1:] if options.get("deletes") else [*before[1:], "one"])
        assert await found(house) == []


async def test_an_answer_meanwhile_leads_to_the_original(tmp_path: Path) -> None:
    """The copy that stands is about to go, and the next one is not there yet."""
    async with House(tmp_path) as house:
        source, target = await mirrored(house)
        house.tg.faults.add(Fault(DELETE, "flood", seconds=600, times=1))
        await resend(house, source)
        await house.run(30)
        one = original(house, source, "one")
        house.post(source, "an answer", reply_to=one)
        await house.run(60)
        answer = house.messages(target)[-1]
        assert answer.text.endswith("an answer")
        assert answer.reply is None
        assert answer.entities
        await house.run()
        house.post(source, "another", reply_to=one)
        await house.run()
        reply = house.messages(target)[-1].reply
        assert reply is not None
        assert reply.to is not None
        assert reply.to.text == "one"


async def test_it_is_pinned_as_it_was(tmp_path: Path) -> None:
    """Also where it had to stay."""
    async with House(tmp_path) as house:
        source, target = await mirrored(house)
        house.world.chats.pin(original(house, source, "one"), house.other)
        await house.run()
        refused = refusing(house, REFUSALS[0])
        for _ in range(2):
            await resend(house, source)
            await house.run()
            assert [copy.text for copy in house.messages(target) if copy.pinned] == ["one"]
            house.tg.faults.remove(refused)
        assert house.texts(target)[-1] == "one"


async def test_twice_in_a_row(tmp_path: Path) -> None:
    """What waits is not put into the queue once more."""
    async with House(tmp_path) as house:
        source, target = await mirrored(house)
        before = house.texts(target)
        house.tg.faults.add(Fault(DELETE, "flood", seconds=600, times=1))
        await resend(house, source)
        await house.run(30)
        answer = await house.verb("resend", mirror="m1", ids=[original(house, source, "one").id], write=True)
        assert [one["does"] for one in answer["messages"]] == [""]
        await house.run()
        assert house.texts(target) == [*before[1:], "one"]


async def test_in_a_basic_group(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        source = house.supergroup("Source")
        target = house.world.chats.add_group("Copy", house.me, [house.other])
        for text in ("one", "two"):
            house.post(source, text)
        house.mirror(source, target)
        await house.start()
        await house.run()
        refused = house.tg.faults.add(
            Fault("messages.deleteMessages", code=403, message="MESSAGE_DELETE_FORBIDDEN", times=None)
        )
        await resend(house, source)
        await house.run()
        assert house.texts(target) == ["one", "two"]
        house.tg.faults.remove(refused)
        await resend(house, source)
        await house.run()
        assert house.texts(target) == ["two", "one"]


async def test_a_ledger_of_before_in_which_it_waits(tmp_path: Path) -> None:
    """Schema 1 took the old copies out of the map when they were to be deleted, and sent at once."""
    async with House(tmp_path) as house:
        source, target = await mirrored(house)
        before = house.texts(target)
        one, old = original(house, source, "one"), house.messages(target)[0]
        await house.verb("pause", mirror="m1")
        await resend(house, source)
        payload = encode((target.marked_id, [old.id]))

        def as_before(db: Any) -> None:
            db.execute("DELETE FROM copy WHERE source_id = ?", (one.id,))
            db.execute("UPDATE change SET payload = ? WHERE source_id = ?", (payload, -one.id))

        await house.store.run(as_before)
        await house.restart()
        await house.verb("resume", mirror="m1")
        await house.run()
        assert house.texts(target) == [*before[1:], "one"]


async def test_an_older_ledger_in_which_it_waits(tmp_path: Path) -> None:
    """It was replaced since: `resume` skips it, and deletes nothing for it."""
    async with House(tmp_path) as house:
        source, target = await mirrored(house)
        await house.verb("pause", mirror="m1")
        await resend(house, source)
        copy = tmp_path / "copy.db"
        await house.store.copy_to(copy)
        await house.verb("resume", mirror="m1")
        for n in range(4):
            house.post(source, f"later {n}")
        await house.run()
        before = house.texts(target)
        await house.stop()
        for file in house.folder.glob("ledger.db*"):
            file.unlink()
        copy.rename(house.folder / "ledger.db")
        await house.start()
        await house.run()
        for _ in range(2):
            await house.verb("resume", mirror="m1")
        await house.run()
        assert house.texts(target) == before


async def test_what_telegram_has_only_scheduled_is_awaited(tmp_path: Path) -> None:
    """A video that is still converted stands nowhere yet: it is neither deleted nor sent once more."""
    async with House(tmp_path) as house:
        source = house.supergroup("Source")
        target = house.world.chats.add_channel("Target", house.me)
        house.world.chats.process_videos(target)
        video = house.post(source, "video", media=house.world.media.video())
        house.mirror(source, target)
        await house.start()
        await house.run()
        answer = await house.verb("resend", mirror="m1", ids=[video.id], write=True)
        assert [(one["does"], one["why"]) for one in answer["messages"]] == [
            ("", "Telegram has only scheduled its copy so far")
        ]
        [scheduled] = target.scheduled
        house.world.chats.publish_scheduled(target, scheduled)
        await house.run()
        assert house.texts(target) == ["video"]
        await resend(house, source, "video")
        await house.run()
        assert house.texts(target) == ["video"]
        assert await found(house) == []
