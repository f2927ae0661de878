"""A copy is not deleted before all that its successor needs is in hand: files above all.

`resend`, an edit that becomes delete-and-send, `verify --repair` of a copy that somebody has changed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.behaviour.test_kinds import poll
from tests.behaviour.test_verify import found, mended
from tests.harness import House
from tests.interpose import Death, dies
from tests.logged import Logs
from tests.telegram.faults import Fault
from tests.telegram.world.chats import Chat
from tests.telegram.world.messages import Message

pytestmark = pytest.mark.thorough

FETCH, COMMIT, SEND = "upload.getFile", "messages.uploadMedia", "messages.sendMedia"
DELETE, EDIT = "channels.deleteMessages", "messages.editMessage"
NO_NEW_COPY = "its new copy cannot be made"
Posts = list[Message]


def post_photo(house: House, source: Chat) -> Posts:
    return [house.post(source, "a photo", media=house.world.media.photo(seed=7))]


def post_document(house: House, source: Chat) -> Posts:
    return [house.post(source, "a document", media=house.world.media.document(600_000))]


def post_album(house: House, source: Chat) -> Posts:
    make = house.world.media
    items = [(make.document(70_000, name=f"{n}.pdf", seed=n), f"item {n}") for n in range(3)]
    return house.world.chats.post_album(source, house.other, items)


def post_sticker(house: House, source: Chat) -> Posts:
    return [house.post(source, media=house.world.media.sticker())]


KINDS: dict[str, Callable[[House, Chat], Posts]] = {
    "photo": post_photo,
    "document": post_document,
    "album": post_album,
    "sticker": post_sticker,
}


async def copied(house: House, kind: str, **options: Any) -> tuple[Chat, Chat, Posts]:
    """One post of this kind, mirrored, and a text behind it."""
    source, target = house.supergroup("Source"), house.own_supergroup("Target")
    posts = KINDS[kind](house, source)
    house.post(source, "behind it")
    house.mirror(source, target, **options)
    await house.start()
    await house.run()
    return source, target, posts


async def resend(house: House, target: Chat, posts: Posts) -> None:
    await house.verb("resend", mirror="m1", ids=[posts[-1].id], write=True)


async def edit_too_late(house: House, target: Chat, posts: Posts) -> None:
    house.tg.faults.add(Fault(EDIT, code=400, message="MESSAGE_EDIT_TIME_EXPIRED"))
    item = posts[len(posts) // 2]
    house.world.chats.edit(item, item.text + ", edited")
    await house.run(30)


async def repair(house: House, target: Chat, posts: Posts) -> None:
    """Somebody has rewritten the copy, and it is too old to be edited back."""
    item = posts[len(posts) // 2]
    house.world.chats.edit(next(m for m in house.messages(target) if m.text == item.text), "by hand")
    house.tg.faults.add(Fault(EDIT, code=400, message="MESSAGE_EDIT_TIME_EXPIRED"))
    assert await mended(house) == ["queued"]


Way = Callable[[House, Chat, Posts], Awaitable[None]]
WAYS: dict[str, Way] = {"resend": resend, "edited too late": edit_too_late, "repair": repair}


def ids(house: House, target: Chat) -> list[int]:
    return [message.id for message in house.messages(target)]


async def stands(house: House, target: Chat, before: list[int], n: int) -> str:
    """See that nothing was deleted or sent, and that the status says so; what it says of the last."""
    await house.run()
    assert ids(house, target) == before
    (mirror,) = (await house.status())["mirrors"]
    assert (mirror["paused"], mirror["changes"], mirror["backlog"], mirror["parked"]) == ("", 0, 0, 0)
    assert mirror["skipped_by"].get(NO_NEW_COPY, 0) == n
    return str(mirror["last_error"])


def unreadable(house: House, post: Message) -> Fault:
    """The bytes of this post's file cannot be had."""
    assert post.media is not None
    file = post.media.document or post.media.photo
    assert file is not None

    def when(call: Any, request: Any) -> bool:
        return bool(request.location.id == file.id)

    return house.tg.faults.add(Fault(FETCH, message="LOCATION_INVALID", times=None, when=when))


def dead(house: House, post: Message) -> list[Fault]:
    """Telegram does not take the reference of this post's file, however fresh."""
    assert post.media is not None
    file = post.media.document or post.media.photo
    assert file is not None

    def when(call: Any, request: Any) -> bool:
        return bool(getattr(getattr(request.media, "id", None), "id", None) == file.id)

    refusals = [
        Fault(method, message="FILE_REFERENCE_INVALID", times=None, when=when) for method in (COMMIT, SEND)
    ]
    return [house.tg.faults.add(fault) for fault in refusals]


@pytest.mark.parametrize("kind", ["photo", "document", "album"])
@pytest.mark.parametrize("way", WAYS)
async def test_a_file_that_cannot_be_read_costs_no_copy(
    tmp_path: Path, way: str, kind: str, logs: Logs
) -> None:
    """Of an album one item is enough. Once it can be read again, the same command replaces the copy."""
    async with House(tmp_path) as house:
        source, target, posts = await copied(house, kind)
        before = ids(house, target)
        fault = unreadable(house, posts[len(posts) // 2])
        await WAYS[way](house, target, posts)
        n = len(posts) if way == "resend" else 1
        assert "LOCATION_INVALID" in await stands(house, target, before, n)
        [said] = logs.of("message not sent again, its new copy cannot be made")
        assert (said["mirror"], said["n"]) == ("m1", n)
        differ = [one["kind"] for one in await found(house)]
        assert differ == ([] if way == "resend" else ["text"])
        house.post(source, "later")
        await house.run()
        assert house.texts(target)[-1] == "later"
        house.tg.faults.remove(fault)
        if way == "resend":
            await resend(house, target, posts)
        else:
            house.tg.faults.add(Fault(EDIT, code=400, message="MESSAGE_EDIT_TIME_EXPIRED"))
            assert await mended(house) == ["queued"]
        await house.run()
        after = ids(house, target)
        assert len(after) == len(before) + 1
        assert len(set(before) - set(after)) == n
        assert await found(house) == []


@pytest.mark.parametrize("kind", ["photo", "album", "sticker"])
@pytest.mark.parametrize("why", ["dead", "deleted"])
async def test_a_reference_is_tried_before_the_old_copy_goes(tmp_path: Path, kind: str, why: str) -> None:
    async with House(tmp_path) as house:
        _, target, posts = await copied(house, kind, transfer="reference")
        before = ids(house, target)
        item = posts[len(posts) // 2]
        faults = dead(house, item) if why == "dead" else []
        await house.verb("pause", mirror="m1")
        await resend(house, target, posts)
        if why == "deleted":
            house.world.chats.delete(item)
        await house.verb("resume", mirror="m1")
        said = await stands(house, target, before, len(posts))
        assert ("FILE_REFERENCE_INVALID" if why == "dead" else "the original was deleted") in said
        for fault in faults:
            house.tg.faults.remove(fault)
        if why == "dead":
            await resend(house, target, posts)
            await house.run()
            assert len(ids(house, target)) == len(before)
            assert not set(ids(house, target)[-len(posts) :]) & set(before)


async def test_a_poll_needs_nothing_of_its_source(tmp_path: Path) -> None:
    """All that it says lies in the ledger, also where the original was deleted meanwhile."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        post = house.post(source, media=poll("Lunch?", "yes", "no"))
        house.mirror(source, target)
        await house.start()
        await house.run()
        [copy] = house.messages(target)
        await house.verb("pause", mirror="m1")
        await resend(house, target, [post])
        house.world.chats.delete(post)
        await house.verb("resume", mirror="m1")
        await house.run()
        [new] = house.messages(target)
        assert new.id > copy.id
        assert new.media is not None
        assert new.media.kind == "poll"


async def test_a_file_that_is_slow_to_come_keeps_its_old_copy_until_then(tmp_path: Path) -> None:
    """Also over a restart, and where its reference has expired meanwhile."""
    async with House(tmp_path) as house:
        _, target, posts = await copied(house, "document")
        before = ids(house, target)
        slow = house.tg.faults.add(Fault(FETCH, code=500, message="RPC_CALL_FAIL", times=None))
        await resend(house, target, posts)
        await house.run(20)
        await house.restart()
        await house.run(20)
        assert ids(house, target) == before
        house.world.files.expire_references()
        house.tg.faults.remove(slow)
        await house.run()
        assert ids(house, target)[0] == before[1]
        assert house.texts(target)[-1] == "a document"
        assert await found(house) == []


@pytest.mark.parametrize("method", [COMMIT, "channels.getMessages"])
async def test_some_minutes_without_an_answer_are_waited_out(tmp_path: Path, method: str) -> None:
    """Whether it can be sent is asked again; nothing is deleted meanwhile."""
    async with House(tmp_path) as house:
        _, target, posts = await copied(house, "sticker")
        before = ids(house, target)
        await house.verb("pause", mirror="m1")
        await resend(house, target, posts)
        ill = house.tg.faults.add(Fault(method, code=500, message="RPC_CALL_FAIL", times=None))
        await house.verb("resume", mirror="m1")
        await house.run(600)
        assert ids(house, target) == before
        house.tg.faults.remove(ill)
        await house.run()
        assert ids(house, target)[-1] > before[-1]
        assert len(ids(house, target)) == len(before)


async def test_trouble_without_end_keeps_the_old_copy(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        _, target, posts = await copied(house, "document")
        before = ids(house, target)
        house.tg.faults.add(Fault(FETCH, code=500, message="RPC_CALL_FAIL", times=None))
        await resend(house, target, posts)
        await stands(house, target, before, 1)


@pytest.mark.parametrize("expired", [False, True])
async def test_what_was_brought_over_is_sent(tmp_path: Path, expired: bool) -> None:
    """It goes up once; again before the deletion where it cannot be sent any more."""
    async with House(tmp_path) as house:
        _, target, posts = await copied(house, "document")
        house.tg.faults.add(Fault(DELETE, code=500, message="RPC_CALL_FAIL", times=3))
        await resend(house, target, posts)
        await house.run(8)
        assert len(house.tg.log.uploads) == 2
        if expired:
            house.world.files.expire_references()
        await house.run()
        order = [e.method for e in house.tg.log.requests if e.error is None]
        assert len(house.tg.log.uploads) == 2 + expired
        assert house.texts(target)[-1] == "a document"
        if expired:
            gone = len(order) - order[::-1].index(DELETE)
            assert COMMIT not in order[gone:]
        assert await found(house) == []


#: Where the process dies: between what was brought over, the deletion and the send.
DEATHS = [
    ("store", "after", "commit_upload"), ("target", "after", "check_media"), ("target", "before", "delete"),
    ("target", "after", "delete"), ("store", "before", "deleted"), ("store", "after", "deleted"),
    ("store", "after", "attempt"), ("target", "after", "send"),
]  # fmt: skip


@pytest.mark.parametrize(("side", "when", "step"), DEATHS)
async def test_killed_in_between(tmp_path: Path, side: str, when: str, step: str) -> None:
    """One copy at the end, and nothing goes up twice."""
    async with House(tmp_path) as house:
        _, target, posts = await copied(house, "document")
        await house.stop()
        hooks: dict[str, Any] = {when: {step: dies()}}
        house.interpose(side, **hooks)
        await house.start()
        await resend(house, target, posts)
        with pytest.raises(Death):
            await house.run()
        await house.stop()
        house.interpose_nothing()
        await house.start()
        await house.run()
        assert house.texts(target) == ["behind it", "a document"]
        assert len(house.tg.log.uploads) == 2
        assert await found(house) == []


@pytest.mark.parametrize("transfer", ["stream", "reference"])
@pytest.mark.parametrize("gone", [False, True])
@pytest.mark.parametrize("step", ["delete", "deleted"])
async def test_killed_after_the_deletion_and_expired_it_goes_up_anew(
    tmp_path: Path, step: str, gone: bool, transfer: str
) -> None:
    """The source is asked once more; where it does not have it any more, the message is parked."""
    async with House(tmp_path) as house:
        _, target, posts = await copied(house, "document", transfer=transfer)
        await house.stop()
        hooks: dict[str, Any] = {"after": {step: dies()}}
        house.interpose("store", **hooks)
        house.interpose("target", **hooks)
        await house.start()
        await resend(house, target, posts)
        with pytest.raises(Death):
            await house.run()
        await house.stop()
        house.interpose_nothing()
        house.world.files.expire_references()
        if gone:
            house.world.chats.delete(*posts)
        await house.start()
        await house.run()
        if gone:
            assert house.texts(target) == ["behind it"]
            [parked] = (await house.verb("parked"))["parked"]
            assert "the original was deleted" in parked["reason"]
            return
        assert house.texts(target) == ["behind it", "a document"]
        assert len(house.tg.log.uploads) == (3 if transfer == "stream" else 0)
        assert await found(house) == []


async def test_what_was_brought_over_for_an_edit_is_sent(tmp_path: Path) -> None:
    """The new file is there before Telegram says that the copy is too old to be edited."""
    async with House(tmp_path) as house:
        _, target, posts = await copied(house, "photo")
        house.tg.faults.add(Fault(EDIT, code=400, message="MESSAGE_EDIT_TIME_EXPIRED"))
        house.world.chats.edit(posts[0], "another photo", media=house.world.media.photo(seed=9))
        await house.run()
        assert house.texts(target) == ["behind it", "another photo"]
        assert len(house.tg.log.uploads) == 2
        assert await found(house) == []


async def test_what_expires_at_once_is_not_moved_for_ever(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        _, target, posts = await copied(house, "document")
        before = ids(house, target)

        def staged(call: Any, request: Any) -> bool:
            return hasattr(request.media, "id")

        house.tg.faults.add(Fault(COMMIT, message="FILE_REFERENCE_EXPIRED", times=None, when=staged))
        await resend(house, target, posts)
        assert "FILE_REFERENCE_EXPIRED" in await stands(house, target, before, 1)
        assert len(house.tg.log.uploads) == 1 + 3


@pytest.mark.parametrize("refusal", ["MESSAGE_TOO_ODD", "CHAT_SEND_DOCS_FORBIDDEN", "MEDIA_INVALID"])
async def test_refused_after_the_deletion_it_is_parked(tmp_path: Path, refusal: str) -> None:
    """Not made a note, which would look well; `verify` names it, and `retry` sends it."""
    async with House(tmp_path) as house:
        _, target, posts = await copied(house, "document")
        house.tg.faults.add(Fault(SEND, message=refusal))
        await resend(house, target, posts)
        await house.run()
        assert house.texts(target) == ["behind it"]
        (difference,) = await found(house)
        assert difference["why"].startswith("missing in the target, parked as ")
        await house.verb("retry", ids=None)
        await house.run()
        assert house.texts(target) == ["behind it", "a document"]


async def test_while_nothing_may_be_sent_nothing_is_deleted(tmp_path: Path) -> None:
    """Telegram has ordered a wait of an hour for sends: the old copy stands so long."""
    async with House(tmp_path) as house:
        source, target, posts = await copied(house, "document")
        house.tg.faults.add(Fault(SEND, "flood", seconds=3600))
        house.post(source, media=house.world.media.document(5000))
        await house.run(60)
        before = ids(house, target)
        await resend(house, target, posts)
        await house.run(1800)
        assert ids(house, target) == before
        await house.run()
        assert house.texts(target) == ["behind it", "", "a document"]


async def test_where_the_account_may_not_post_nothing_is_deleted(tmp_path: Path) -> None:
    """The right was taken, and no push has told: the chat is asked."""
    async with House(tmp_path) as house:
        source = house.supergroup("Source")
        target = house.world.chats.add_supergroup("Target", house.other, [house.me])
        post = house.post(source, "a text")
        house.mirror(source, target)
        await house.start()
        await house.run()
        house.clock.advance(3600)
        target.members[house.me.id].banned = frozenset({"send_messages", "send_plain"})
        await resend(house, target, [post])
        await house.run(60)
        assert house.texts(target) == ["a text"]
        (mirror,) = (await house.status())["mirrors"]
        assert "cannot post" in mirror["paused"]


@pytest.mark.parametrize("kind", ["photo", "document", "sticker"])
async def test_where_it_may_not_post_its_kind_nothing_is_deleted(tmp_path: Path, kind: str) -> None:
    async with House(tmp_path) as house:
        source = house.supergroup("Source")
        target = house.world.chats.add_supergroup("Target", house.other, [house.me])
        posts = KINDS[kind](house, source)
        house.mirror(source, target)
        await house.start()
        await house.run()
        before = ids(house, target)
        house.clock.advance(3600)
        target.default_banned = frozenset({"send_photos", "send_docs", "send_stickers"})
        await resend(house, target, posts)
        assert "takes none of its kind" in await stands(house, target, before, 1)


async def test_before_the_target_was_compared_nothing_is_deleted(tmp_path: Path) -> None:
    """After a start the ledger may be an older one, and the mirror is to be paused."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        post = house.post(source, "a text")
        house.mirror(source, target)
        await house.start()
        await house.run()
        before = ids(house, target)
        await resend(house, target, [post])
        await house.restart()
        await house.daemon.second.step()
        assert ids(house, target) == before
        await house.run()
        assert house.texts(target) == ["a text"]
        assert ids(house, target) > before


async def test_its_turn_comes_first(tmp_path: Path) -> None:
    """What goes to the end of a long queue keeps its old copy until then."""
    async with House(tmp_path) as house:
        source, target, posts = await copied(house, "document")
        for n in range(5):
            house.post(source, f"waits {n}")
        await house.read()
        [old, *_] = ids(house, target)
        await resend(house, target, posts)
        await house.run(until=lambda: house.texts(target)[-1] == "waits 3")
        assert ids(house, target)[0] == old
        await house.run()
        assert house.texts(target) == ["behind it", *(f"waits {n}" for n in range(5)), "a document"]


@pytest.mark.parametrize("unsupported", ["note", "skip"])
async def test_a_note_takes_no_files_place(tmp_path: Path, unsupported: str) -> None:
    """The original has become one that may not be copied any more."""
    async with House(tmp_path) as house:
        _, target, posts = await copied(house, "photo", unsupported=unsupported)
        before = ids(house, target)
        assert posts[0].media is not None
        posts[0].media.ttl_seconds = 30
        await resend(house, target, posts)
        said = await stands(house, target, before, 1)
        assert "self-destructing" in said


@pytest.mark.parametrize("verb", ["skip", "resume", "retry"])
async def test_one_that_is_parked_meanwhile_keeps_its_old_copy(tmp_path: Path, verb: str) -> None:
    """Its original was deleted among very many, which a person has to confirm."""
    async with House(tmp_path) as house:
        source, target, posts = await copied(house, "document", deletes="mirror")
        others = [house.post(source, f"text {n}") for n in range(51)]
        await house.run()
        [old, *_] = ids(house, target)
        await house.verb("pause", mirror="m1")
        await resend(house, target, posts)
        house.world.chats.delete(*posts, *others)
        await house.read()
        await house.verb("resume", mirror="m1")
        await house.run(600)
        [parked] = (await house.verb("parked"))["parked"]
        assert parked["reason"] == "deletion held"
        house.world.files.expire_references()
        assert ids(house, target)[0] == old
        if verb == "resume":
            await house.verb("resume", mirror="m1")
        else:
            await house.verb(verb, ids=[parked["id"]])
        await house.run(600)
        (mirror,) = (await house.status())["mirrors"]
        if verb == "resume":
            assert house.texts(target) == ["behind it"]
            assert mirror["changes"] == 0
        else:
            # Of what is tried again the file is gone: that takes no copy's place.
            assert ids(house, target)[0] == old
            assert (mirror["backlog"], mirror["parked"]) == (0, 0)
