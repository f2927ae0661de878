"""Kinds without bytes: said again as they were, or put into words; polls closed, quizzes kept or told of."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from telethon.tl import types

from tests.harness import House
from tests.telegram.faults import Fault
from tests.telegram.world.chats import Chat
from tests.telegram.world.media import Media, Page

GEO = types.GeoPoint(long=13.4, lat=52.5, access_hash=1, accuracy_radius=20)


def words(text: str) -> Any:
    return types.TextWithEntities(text, [])


def poll(question: str = "Lunch?", *answers: str, right: tuple[int, ...] = (), **flags: Any) -> Media:
    """`right` is what the reader is shown of a quiz."""
    options = [types.PollAnswer(words(a), b"%d" % n) for n, a in enumerate(answers or ("yes", "no"))]
    results = types.PollResults(total_voters=9)
    if right:
        results.results = [
            types.PollAnswerVoters(o.option, correct=n in right or None) for n, o in enumerate(options)
        ]
        results.solution, results.solution_entities = "It is", []
    made = types.Poll(77, words(question), options, 5, **flags)
    return Media("poll", plain=types.MessageMediaPoll(made, results))


def seen(house: House, chat: Chat) -> list[Any]:
    """What stands there; whether each has media its test finds out."""
    return list(house.messages(chat))


async def mirrored(house: House, *posts: Media | dict[str, Any], **options: Any) -> list[Any]:
    """What the target holds after these were posted and mirrored."""
    source, target = house.supergroup("Source"), house.own_supergroup("Target")
    for post in posts:
        house.post(source, **(post if isinstance(post, dict) else {"media": post}))
    house.mirror(source, target, **options)
    await house.start()
    await house.run()
    assert {state for _, state, _ in await house.jobs()} <= {"done", "skipped"}
    return seen(house, target)


PLAIN = [
    types.MessageMediaGeo(GEO),
    types.MessageMediaVenue(GEO, "Zoo", "Budapester Str.", "foursquare", "v1", "arts/zoo"),
    types.MessageMediaContact("+4917012345", "Ann", "Bee", "BEGIN:VCARD\nEND:VCARD", user_id=0),
]


@pytest.mark.parametrize("plain", PLAIN, ids=lambda plain: type(plain).__name__)
@pytest.mark.parametrize("transfer", ["stream", "reference-only"])
async def test_places_and_contacts_are_said_again(tmp_path: Path, plain: Any, transfer: str) -> None:
    """Every field that a sender may set."""
    async with House(tmp_path) as house:
        [copy] = await mirrored(house, Media("plain", plain=plain), transfer=transfer)
        assert copy.media is not None
        made, old = copy.media.plain.to_dict(), plain.to_dict()
        for place in (made, old):
            place.get("geo", {}).pop("access_hash", None)
        assert made == old


async def test_a_live_location_stays_where_it_was(tmp_path: Path) -> None:
    """A static place; its moves afterwards are no edits."""
    async with House(tmp_path) as house:
        live = Media("geo_live", plain=types.MessageMediaGeoLive(GEO, period=900, heading=10))
        [copy] = await mirrored(house, live)
        assert isinstance(copy.media.plain, types.MessageMediaGeo)
        assert copy.media.plain.geo.lat == 52.5
        original = seen(house, source_of(house))[0]
        moved = types.GeoPoint(long=14.0, lat=53.0, access_hash=1)
        house.world.chats.edit(original, media=Media("geo_live", plain=types.MessageMediaGeoLive(moved, 900)))
        await house.run()
        assert not house.tg.log.count("messages.editMessage")


def source_of(house: House) -> Chat:
    chat = house.world.chats.channel(-house.mirrors[0]["source"] - 1_000_000_000_000)
    assert chat is not None
    return chat


async def test_a_poll_is_asked_again_with_its_rules(tmp_path: Path) -> None:
    """Votes stay with the original."""
    async with House(tmp_path) as house:
        asked = poll("Lunch?", "soup", "bread", multiple_choice=True, public_voters=True,
                     hide_results_until_close=True, shuffle_answers=True)  # fmt: skip
        [copy] = await mirrored(house, {"media": asked, "text": "about tomorrow"})
        made = copy.media.plain.poll
        assert [a.text.text for a in made.answers] == ["soup", "bread"]
        assert made.multiple_choice
        assert made.public_voters
        assert made.shuffle_answers
        assert made.hide_results_until_close
        assert not made.quiz
        assert not made.closed
        assert copy.text == "about tomorrow"


async def test_a_quiz_whose_answer_is_shown_stays_one(tmp_path: Path) -> None:
    """By the index of the answer, with its explanation."""
    async with House(tmp_path) as house:
        quiz = poll("Capital?", "Rome", "Bern", right=(1,), quiz=True)
        [copy] = await mirrored(house, quiz)
        assert copy.media.plain.poll.quiz
        assert copy.media.right == {copy.media.plain.poll.answers[1].option}
        assert copy.media.solution[0] == "It is"


async def test_a_quiz_whose_answer_is_hidden_becomes_a_poll_with_a_note(tmp_path: Path) -> None:
    """Nobody votes to find out."""
    async with House(tmp_path) as house:
        copy, note = await mirrored(house, poll("Capital?", "Rome", "Bern", quiz=True))
        assert not copy.media.plain.poll.quiz
        assert note.text == '[a quiz: "Capital?" — the right answer is not shown, copied as an ordinary poll]'
        assert note.reply is not None
        assert note.reply.to is copy


async def test_a_closed_poll_is_sent_and_closed(tmp_path: Path) -> None:
    """Also a quiz, also where edits are not mirrored, also after a crash between the two."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.post(source, media=poll("Capital?", "Rome", "Bern", right=(1,), quiz=True, closed=True))
        house.mirror(source, target, edits=False)
        await house.start()
        await house.run(until=lambda: bool(seen(house, target)))
        await house.restart()
        await house.run()
        [copy] = seen(house, target)
        assert copy.media.plain.poll.closed
        assert copy.media.plain.results.results[1].correct
        assert house.tg.log.count("messages.editMessage") == 1


async def test_a_poll_closed_later_is_closed_later(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        asked = house.post(source, media=poll())
        house.mirror(source, target)
        await house.start()
        await house.run()
        assert not seen(house, target)[0].media.plain.poll.closed
        house.world.chats.edit(asked, media=poll(closed=True))
        await house.run()
        assert seen(house, target)[0].media.plain.poll.closed


@pytest.mark.parametrize("lost", ["name", "push", "daemon"])
async def test_a_poll_whose_end_alone_is_told_is_closed(tmp_path: Path, lost: str) -> None:
    """By an update that no difference brings again: without saying where, lost, or while nobody listened."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        asked = house.post(source, media=poll())
        house.post(source, media=poll("Dinner?"))
        house.mirror(source, target)
        await house.start()
        await house.run()
        if lost == "push":
            house.world.chats.drop_pushes(1, account=house.me)
        if lost == "daemon":
            await house.stop()
        house.world.chats.close_poll(asked, named=lost != "name")
        if lost == "daemon":
            await house.start()
        if lost == "push":
            house.clock.advance(601)
        house.tg.faults.add(Fault("channels.getMessages", code=500, message="TIMEOUT"))
        await house.run()
        assert [copy.media.plain.poll.closed for copy in seen(house, target)] == [True, None]
        assert house.tg.log.count("messages.editMessage") == 1


async def test_a_poll_whose_time_runs_out_while_it_waits(tmp_path: Path) -> None:
    """It goes out as a closed one; one with time left keeps its end."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        soon, later = (datetime.fromtimestamp(int(house.clock.now()) + s, UTC) for s in (600, 90_000))
        house.post(source, media=poll("soon", close_date=soon))
        house.post(source, media=poll("later", close_date=later))
        house.mirror(source, target)
        await house.start()
        await house.read()
        house.clock.advance(1000)
        await house.run()
        first, second = seen(house, target)
        assert first.media.plain.poll.closed
        assert not second.media.plain.poll.closed
        assert second.media.plain.poll.close_date == later


async def test_votes_are_not_shown_by_name_in_a_channel(tmp_path: Path) -> None:
    """A group's poll may, a channel's may not."""
    async with House(tmp_path) as house:
        source = house.supergroup("Source")
        target = house.world.chats.add_channel("Target", house.me)
        house.post(source, media=poll(public_voters=True))
        house.mirror(source, target)
        await house.start()
        await house.run()
        [copy] = seen(house, target)
        assert not copy.media.plain.poll.public_voters


@pytest.mark.parametrize("premium", [True, False])
async def test_a_checklist_needs_premium_or_becomes_a_text(tmp_path: Path, premium: bool) -> None:
    async with House(tmp_path) as house:
        house.me.premium = premium
        items = [types.TodoItem(n, words(t)) for n, t in ((1, "milk"), (4, "bread"))]
        todo = types.MessageMediaToDo(types.TodoList(words("Shopping"), items, others_can_complete=True))
        [copy] = await mirrored(house, Media("todo", plain=todo))
        if premium:
            assert copy.media.plain.to_dict() == todo.to_dict()
        else:
            assert copy.media is None
            note = "[a checklist, only Premium accounts may send it — as text]"
            assert copy.text == f"{note}\nShopping\n▫ milk\n▫ bread"


async def test_an_edited_checklist_is_edited(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        house.me.premium = True
        source, target = house.supergroup("Source"), house.own_supergroup("Target")

        def todo(title: str) -> Media:
            made = types.TodoList(words(title), [types.TodoItem(1, words("milk"))])
            return Media("todo", plain=types.MessageMediaToDo(made))

        post = house.post(source, media=todo("Shopping"))
        house.mirror(source, target)
        await house.start()
        await house.run()
        house.world.chats.edit(post, media=todo("Sunday"))
        await house.run()
        [copy] = seen(house, target)
        assert copy.media.plain.todo.title.text == "Sunday"


async def test_a_story_is_shared_again_or_named(tmp_path: Path) -> None:
    """Alive: the story itself. Gone: a note with its link."""
    async with House(tmp_path) as house:
        star = house.world.peers.add_account("Star", username="the_star")
        stories = [house.world.media.story(star.id, 5), house.world.media.story(star.id, 6, alive=False)]
        shared, named = await mirrored(house, *stories)
        assert (shared.media.plain.peer.user_id, shared.media.plain.id) == (star.id, 5)
        assert named.text == "[a story: https://t.me/the_star/s/6, it can be seen no more — not copied]"


async def test_dice_are_never_thrown_again(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        [copy] = await mirrored(house, Media("dice", plain=types.MessageMediaDice(4, "🎲")))
        assert copy.text == "[a throw of 🎲: 4 — not copied]"


NOTES = {
    "a game": types.MessageMediaGame(types.Game(1, 2, "g", "Chess", "", types.PhotoEmpty(1))),
    "an invoice": types.MessageMediaInvoice("Shirt", "blue", "EUR", 1000, "x"),
    "a giveaway": types.MessageMediaGiveaway([5], 3, datetime(2027, 1, 1, tzinfo=UTC)),
    "results of a giveaway": types.MessageMediaGiveawayResults(
        5, 6, 1, 0, [7], datetime(2027, 1, 1, tzinfo=UTC)
    ),
    "paid media for 50 stars": types.MessageMediaPaidMedia(50, [types.MessageExtendedMediaPreview()]),
    "a photo that has expired": types.MessageMediaPhoto(ttl_seconds=5),
    "something newer": types.MessageMediaUnsupported(),
    "a live stream": types.MessageMediaVideoStream(types.InputGroupCall(1, 2)),
    "a place": types.MessageMediaGeo(types.GeoPointEmpty()),
}


@pytest.mark.parametrize("start", NOTES)
async def test_what_nobody_may_copy_is_noted(tmp_path: Path, start: str) -> None:
    async with House(tmp_path) as house:
        [copy] = await mirrored(house, Media("plain", plain=NOTES[start]))
        assert copy.text.startswith(f"[{start}")
        assert copy.text.endswith("— not copied]")
        assert copy.media is None


# -- pages ------------------------------------------------------------------------------------------


def page(house: House, *more: Any, photo: bool = False) -> Page:
    blocks: list[Any] = [
        types.PageBlockHeading1(types.TextPlain("Title")),
        types.PageBlockParagraph(
            types.TextConcat([types.TextPlain("plain and "), types.TextBold(types.TextPlain("bold"))])
        ),
        types.PageBlockList([types.PageListItemText(types.TextPlain("one"), checkbox=True, checked=True)]),
        *more,
    ]
    photos = []
    if photo:
        stored = house.world.media.photo().photo
        assert stored is not None
        photos.append(stored)
        blocks.append(types.PageBlockPhoto(stored.id, types.PageCaption(types.TextPlain("sea"), NOTHING)))
    return Page(blocks, photos=photos)


NOTHING = types.TextEmpty()
FLAT = "Title\nplain and bold\n☑ one"


@pytest.mark.parametrize("in_part", [False, True])
async def test_a_page_is_sent_as_a_page(tmp_path: Path, in_part: bool) -> None:
    """All of it, also where the history told only its beginning; its pictures by reference."""
    async with House(tmp_path) as house:
        original = page(house, photo=True)
        [copy] = await mirrored(house, {"page": original, "in_part": in_part})
        assert copy.page is not None
        assert [bytes(b) for b in copy.page.blocks] == [bytes(b) for b in original.blocks]
        assert copy.page.photos == original.photos
        assert copy.text == ""


async def test_a_page_that_is_refused_becomes_a_text(tmp_path: Path) -> None:
    """Nothing that was written is lost."""
    async with House(tmp_path) as house:
        original = page(house, types.PageBlockUnsupported())
        [copy] = await mirrored(house, {"page": original})
        first, rest = copy.text.split("\n", 1)
        assert first == "[a rich message, Telegram refuses it — as text]"
        assert rest == f"{FLAT}\n[something newer than this version]"
        bold = [(e.offset, e.length) for e in copy.entities if isinstance(e, types.MessageEntityBold)]
        assert len(bold) == 2


# -- what goes along with a file --------------------------------------------------------------------


@pytest.mark.parametrize("transfer", ["stream", "reference"])
async def test_a_live_photo_still_moves(tmp_path: Path, transfer: str) -> None:
    """The picture is moved, its moving part goes by reference."""
    async with House(tmp_path) as house:
        live = house.world.media.live_photo()
        [copy] = await mirrored(house, {"media": live, "text": "sea"}, transfer=transfer)
        assert copy.media.moving is live.moving
        assert live.photo is not None
        assert copy.media.photo.width == live.photo.width
        assert copy.text == "sea"


async def test_a_live_photo_of_a_protected_chat_stands_still(tmp_path: Path) -> None:
    """Its owner may copy it, and Telegram takes no reference: a still photo that says so."""
    async with House(tmp_path) as house:
        source, target = house.own_supergroup("Source", noforwards=True), house.own_supergroup("Target")
        house.post(source, media=house.world.media.live_photo())
        house.post(source, media=_covered(house))
        house.mirror(source, target)
        await house.start()
        await house.run()
        still, video = seen(house, target)
        assert still.text == "[a live photo — without its moving part]"
        assert still.media.moving is None
        assert video.media.cover is None


def _covered(house: House) -> Media:
    video = house.world.media.video(600_000)
    video.cover, video.timestamp, video.spoiler = house.world.media.photo().photo, 7, True
    return video


@pytest.mark.parametrize("transfer", ["stream", "reference"])
async def test_a_video_keeps_cover_start_and_spoiler(tmp_path: Path, transfer: str) -> None:
    async with House(tmp_path) as house:
        video = _covered(house)
        [copy] = await mirrored(house, video, transfer=transfer)
        assert (copy.media.cover, copy.media.timestamp, copy.media.spoiler) == (video.cover, 7, True)


@pytest.mark.parametrize("refused", [False, True])
async def test_a_cover_whose_reference_expired_on_the_way(tmp_path: Path, refused: bool) -> None:
    """The file took longer than references live: its cover is asked for again, or left out if that does
    not help. Nothing moves twice."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        video = _covered(house)
        house.post(source, media=video)
        house.mirror(source, target)
        await house.start()
        await house.read()
        house.world.files.expire_references()
        if refused:
            house.tg.faults.add(Fault("messages.uploadMedia", code=400, message="FILE_REFERENCE_EXPIRED"))
        await house.run()
        [copy] = seen(house, target)
        assert copy.media.cover is (None if refused else video.cover)
        assert len(house.tg.log.uploads) == 2


async def test_a_cover_whose_original_is_gone(tmp_path: Path) -> None:
    """Its bytes are here already: the video goes without."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        post = house.post(source, media=_covered(house))
        house.mirror(source, target)
        await house.start()
        await house.read()

        def gone(*_: Any) -> bool:
            house.world.chats.delete(post)
            return False

        house.tg.faults.add(Fault("upload.saveFilePart", when=gone, message="NEVER"))
        await house.run()
        copies = seen(house, target)
        assert [copy.media.kind for copy in copies] == ["video"]


# -- albums and trouble -----------------------------------------------------------------------------


async def test_an_item_that_self_destructs_does_not_part_its_album(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        make = house.world.media
        secret = make.photo(seed=2)
        secret.ttl_seconds = 10
        house.world.chats.post_album(
            source, house.other, [make.photo(seed=1), secret, (make.live_photo(seed=3), "sea"), make.video()]
        )
        house.mirror(source, target)
        await house.start()
        await house.run()
        copies = seen(house, target)
        assert len({copy.grouped_id for copy in copies[:3]}) == 1
        assert copies[3].text == "[a photo, self-destructing — not copied]"
        assert len(copies) == 4


@pytest.mark.parametrize("error", ["MEDIA_INVALID", "POLL_ANSWERS_INVALID", "PAYMENT_UNSUPPORTED"])
async def test_what_telegram_refuses_for_good_becomes_a_note(tmp_path: Path, error: str) -> None:
    """And the queue goes on."""
    async with House(tmp_path) as house:
        for _ in range(3 if error == "MEDIA_INVALID" else 1):
            house.tg.faults.add(Fault("messages.sendMedia", code=400, message=error))
        first, *more = await mirrored(house, poll(), {"text": "after"})
        assert first.text.startswith("[a poll, ")
        assert "Lunch?" in first.text
        assert more[-1].text == "after"


OUTCOMES: dict[str, Any] = {
    "place": lambda house: {"media": Media("geo", plain=PLAIN[0])},
    "live": lambda house: {"media": Media("geo", plain=types.MessageMediaGeoLive(GEO, 900))},
    "venue": lambda house: {"media": Media("venue", plain=PLAIN[1])},
    "contact": lambda house: {"media": Media("contact", plain=PLAIN[2])},
    "poll": lambda house: {"media": poll(), "text": "vote"},
    "quiz unknown": lambda house: {"media": poll("Capital?", quiz=True)},
    "page": lambda house: {"page": page(house)},
    "live photo": lambda house: {"media": house.world.media.live_photo()},
}


@pytest.mark.parametrize("kind", OUTCOMES)
async def test_a_lost_answer_sends_nothing_twice(tmp_path: Path, kind: str) -> None:
    """The call was carried out, the connection cut, the daemon killed: found again by what it says."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.mirror(source, target)
        method = "messages.sendMessage" if kind == "page" else "messages.sendMedia"
        house.post(source, media=poll("another one"))
        house.post(source, **OUTCOMES[kind](house))
        house.post(source, media=poll("a third"))
        house.tg.faults.add(Fault(method, "apply-cut", skip=0 if kind == "page" else 1))
        await house.start()
        await house.run(until=lambda: len(seen(house, target)) == 2)
        house.world.chats.forget_random_ids()
        await house.restart()
        await house.run()
        copies = [copy for copy in seen(house, target) if not copy.text.startswith("[")]
        assert len(copies) == 3
        assert copies[0].media.plain.poll.question.text == "another one"
        assert copies[2].media.plain.poll.question.text == "a third"
