"""The plan: what is sent for a message or an album, and what is said about the rest."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgstreamd.domain.messages import (
    FILE_KINDS,
    PART_SIZE,
    TOLD_KINDS,
    Account,
    Chat,
    Draft,
    Entity,
    Media,
    Message,
    Mirror,
    Piece,
    Preview,
    Reply,
    ReplyTo,
)
from tgstreamd.policy.fallback import degraded
from tgstreamd.policy.plan import ALBUM_CLASS, MUTE, Parent, Plan, Refusal, plan, way
from tgstreamd.policy.text import units

FREE = Account(id=1, name="me")
PREMIUM = Account(id=1, name="me", premium=True, caption_max=4096, parts_max=8000)
SOURCE = Chat(id=-1001234, title="Source", kind="supergroup")
MIRROR = Mirror(id=1, name="main", source=-1001234, target=-1005678)
DATE = 1551702600  # 2019-03-04 12:30 UTC


def message(id: int = 10, text: str = "", media: Media | None = None, **more: object) -> Message:
    fields = {"chat": SOURCE.id, "date": DATE, "sender": "Ada", **more}
    return Message(id=id, text=text, media=media, **fields)  # type: ignore[arg-type]  # tests name fields freely


def media(kind: str = "photo", **more: object) -> Media:
    fields = {"id": 5, "size": 1000, **more}
    return Media(kind=kind, **fields)  # type: ignore[arg-type]  # same


def planned(
    *messages: Message,
    account: Account = FREE,
    source: Chat = SOURCE,
    parent: Parent | None = None,
    backlog: bool = False,
    same_account: bool = True,
    topic: int | None = None,
    **options: object,
) -> Plan:
    return plan(
        messages,
        mirror=msgspec.structs.replace(MIRROR, **options),
        account=account,
        source=source,
        parent=parent,
        backlog=backlog,
        same_account=same_account,
        topic=topic,
    )


def only(result: Plan) -> Draft:
    assert not result.skip
    assert len(result.drafts) == 1
    return result.drafts[0]


def texts(result: Plan) -> list[list[str]]:
    return [[piece.text for piece in draft.pieces] for draft in result.drafts]


def test_a_text_goes_as_it_is() -> None:
    bold = Entity(kind="bold", offset=0, length=2)
    draft = only(planned(message(text="hi 😀", entities=(bold,), preview=Preview(mode="none"))))
    assert draft == Draft(
        pieces=(Piece(source_id=10, text="hi 😀", entities=(bold,)),), preview=Preview(mode="none")
    )


def test_what_the_server_detects_is_left_to_it() -> None:
    kinds = ["url", "mention", "hashtag", "bold", "custom_emoji", "mention_name"]
    entities = tuple(Entity(kind=kind, offset=0, length=2) for kind in kinds)
    free = only(planned(message(text="hello", entities=entities)))
    assert [e.kind for e in free.pieces[0].entities] == ["bold", "mention_name"]
    premium = only(planned(message(text="hello", entities=entities), account=PREMIUM))
    assert [e.kind for e in premium.pieces[0].entities] == ["bold", "custom_emoji", "mention_name"]


@pytest.mark.parametrize(
    ("backlog", "silent", "sent_silent"),
    [(True, False, True), (False, True, True), (False, False, False)],
)
def test_backlog_is_silent_and_live_follows(backlog: bool, silent: bool, sent_silent: bool) -> None:
    assert only(planned(message(text="x", silent=silent), backlog=backlog)).silent is sent_silent


@pytest.mark.parametrize(
    ("target_topic", "topic", "sent_to"), [(None, None, None), (1, None, None), (7, 9, 7), (None, 9, 9)]
)
def test_the_topic(target_topic: int | None, topic: int | None, sent_to: int | None) -> None:
    assert only(planned(message(text="x"), target_topic=target_topic, topic=topic)).topic == sent_to


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        (message(service="pin"), "service message: pin"),
        (message(text="x", protected=True), "protected"),
        (message(), "empty message"),
        (message(text=" \n "), "empty message"),
    ],
)
def test_what_is_skipped(what: Message, reason: str) -> None:
    assert planned(what) == Plan(skip=reason)


def test_a_protected_message_of_ones_own_chat_is_streamed() -> None:
    mine = msgspec.structs.replace(SOURCE, may_unprotect=True, protected=True)
    photo = message(media=media(), protected=True)
    assert only(planned(photo, source=mine)).pieces[0].media is not None
    assert planned(photo, source=mine, transfer="reference-only").drafts[0].pieces[0].media is None


def test_a_throw_of_dice_becomes_a_note_or_is_skipped() -> None:
    dice = message(media=media("dice", note="a throw of 🎲: 4"), text="luck!")
    assert texts(planned(dice)) == [["[a throw of 🎲: 4 — not copied]\nluck!"]]
    assert planned(dice, unsupported="skip") == Plan(skip="a throw of 🎲: 4 — not copied")


@pytest.mark.parametrize("kind", sorted(TOLD_KINDS))
def test_what_has_no_bytes_is_said_again(kind: str) -> None:
    draft = only(planned(message(media=media(kind)), same_account=False))
    assert draft.pieces[0].media is not None
    assert draft.pieces[0].text == ""
    assert draft.method == ("messages.sendMessage" if kind == "rich" else "messages.sendMedia")


def test_words_beside_a_poll_are_its_own() -> None:
    poll = message(media=media("poll"), text="vote!")
    assert texts(planned(poll, attribution="author")) == [["Ada\nvote!"]]
    assert texts(planned(message(media=media("poll")), attribution="author")) == [[""], ["Ada"]]
    assert texts(planned(message(media=media("venue"), text="here"))) == [[""], ["here"]]


def test_what_a_copy_lacks_is_said_beside_it() -> None:
    quiz = message(media=media("poll", note='a quiz: "Capital?"', lacks="the right answer is not shown"))
    assert texts(planned(quiz)) == [[""], ['[a quiz: "Capital?" — the right answer is not shown]']]
    assert texts(planned(quiz, unsupported="skip")) == [[""]]
    still = message(media=media("live_photo", note="a live photo", companions=True), text="sea")
    assert texts(planned(still)) == [["sea"]]
    assert texts(planned(still, same_account=False)) == [["[a live photo — without its moving part]\nsea"]]


def test_what_has_words_is_written_where_it_cannot_be_sent() -> None:
    bold = Entity(kind="bold", offset=0, length=8)
    todo = media("todo", premium=True, words="Shopping\n▫ milk", word_entities=(bold,))
    assert only(planned(message(media=todo), account=PREMIUM)).pieces[0].media == todo
    piece = only(planned(message(media=todo))).pieces[0]
    assert piece.text == "[a checklist, only Premium accounts may send it — as text]\nShopping\n▫ milk"
    assert [(e.kind, e.offset) for e in piece.entities] == [("bold", 59)]
    assert texts(planned(message(media=todo), unsupported="skip")) == [["Shopping\n▫ milk"]]
    page = media("rich", words="A page", companions=True)
    assert texts(planned(message(media=page), same_account=False)) == [
        ["[a rich message, holds files that cannot be moved — as text]\nA page"]
    ]


@pytest.mark.parametrize("kind", ["dice", "expired", "unsupported", "game", "video_stream"])
def test_every_other_kind_is_noted_in_words(kind: str) -> None:
    draft = only(planned(message(media=media(kind))))
    assert draft.pieces[0].text.startswith("[a piece" if kind == "audio" else "[")
    assert draft.pieces[0].text.endswith("— not copied]")
    assert "_" not in draft.pieces[0].text


def test_self_destructing_media_is_never_republished() -> None:
    secret = message(media=media("photo", refusal="self-destructing"))
    assert texts(planned(secret)) == [["[a photo, self-destructing — not copied]"]]
    assert planned(secret, unsupported="skip").skip == "a photo, self-destructing — not copied"


def test_a_long_text_is_split() -> None:
    long = "word " * 2000
    result = planned(message(text=long, preview=Preview(mode="auto")))
    assert len(result.drafts) == 3
    assert [d.reply_to_previous for d in result.drafts] == [False, True, True]
    assert [d.preview.mode for d in result.drafts] == ["auto", "none", "none"]
    assert " ".join(d.pieces[0].text for d in result.drafts) == long.strip()


def test_a_long_caption_goes_on_below() -> None:
    caption = "a" * 1000 + "\n" + "b" * 1000
    photo = message(text=caption, media=media(), invert=True)
    result = planned(photo)
    assert texts(result) == [["a" * 1000], ["b" * 1000]]
    first, second = result.drafts
    assert first.pieces[0].media is not None
    assert first.invert
    assert second.pieces[0].media is None
    assert not second.invert
    assert second.pieces[0].source_id == 10
    assert second.reply_to_previous
    assert len(planned(photo, account=PREMIUM).drafts) == 1


def test_an_album_is_whole() -> None:
    album = [message(id, f"caption {id}", media("photo" if id % 2 else "video"), group=1) for id in range(10)]
    draft = only(planned(*album))
    assert [piece.source_id for piece in draft.pieces] == list(range(10))
    assert [piece.text for piece in draft.pieces] == [f"caption {id}" for id in range(10)]
    assert draft.cost == 10


def test_an_illegal_mix_is_split_into_neighbours() -> None:
    kinds = ["photo", "video", "file", "file", "audio", "gif", "photo"]
    result = planned(*[message(id, media=media(kind), group=1) for id, kind in enumerate(kinds)])
    assert [[p.source_id for p in d.pieces] for d in result.drafts] == [[0, 1], [2, 3], [4], [5], [6]]


def test_captions_of_an_album_that_are_too_long() -> None:
    album = [message(id, str(id) * 1500, media(), group=1) for id in (1, 2)]
    result = planned(*album)
    assert [len(draft.pieces) for draft in result.drafts] == [2, 1, 1]
    assert [d.pieces[0].source_id for d in result.drafts[1:]] == [1, 2]


def test_an_album_item_that_cannot_be_copied() -> None:
    album = [message(1, media=media(), group=1), message(2, media=media(refusal="paid"), group=1)]
    assert texts(planned(*album)) == [[""], ["[a photo, paid — not copied]"]]
    assert [len(d.pieces) for d in planned(*album, unsupported="skip").drafts] == [1]
    middle = [message(id, media=media(refusal="gone" if id == 2 else ""), group=1) for id in (1, 2, 3)]
    result = planned(*middle)
    assert [[piece.source_id for piece in draft.pieces] for draft in result.drafts] == [[1, 3], [2]]


def test_a_reply_with_its_quote() -> None:
    kinds = ("bold", "url", "custom_emoji")
    quoted = Reply(
        id=3,
        quote="words",
        quote_offset=4,
        quote_entities=tuple(Entity(kind=k, offset=0, length=5) for k in kinds),
    )
    told = message(text="yes", reply=quoted)
    reply = only(planned(told, parent=Parent(copy=77))).reply
    assert reply == ReplyTo(
        id=77, quote="words", quote_offset=4, quote_entities=(Entity(kind="bold", offset=0, length=5),)
    )
    assert only(planned(told, parent=Parent(copy=77, quote_ok=False))).reply == ReplyTo(id=77)
    moved = only(planned(told, parent=Parent(copy=77), attribution="author")).reply
    assert moved is not None
    assert moved.quote_offset is None
    assert only(planned(told)).reply is None


def test_a_reply_of_a_split_text_is_at_its_head() -> None:
    result = planned(message(text="x" * 5000, reply=Reply(id=3)), parent=Parent(copy=77))
    assert [d.reply for d in result.drafts] == [ReplyTo(id=77), None]


def test_a_lost_parent_becomes_a_quoted_line() -> None:
    parent = Parent(lost="not mirrored", link="https://t.me/c/1234/3")
    draft = only(planned(message(text="yes", reply=Reply(id=3)), parent=parent))
    assert draft.reply is None
    assert draft.pieces[0].text == "↪ not mirrored\nyes"
    assert [e.kind for e in draft.pieces[0].entities] == ["blockquote", "text_url"]
    said = only(planned(message(text="yes", reply=Reply(id=3, quote="what\nhe said")), parent=parent))
    assert said.pieces[0].text == "↪ what he said\nyes"


def test_attribution_and_dates() -> None:
    bold = Entity(kind="bold", offset=0, length=2)
    told = message(text="hi", entities=(bold,))
    assert only(planned(told, attribution="author")).pieces[0].text == "Ada\nhi"
    piece = only(planned(told, attribution="author-link", dates="always")).pieces[0]
    assert piece.text == "Ada · 2019-03-04 12:30\nhi"
    assert [(e.kind, e.offset) for e in piece.entities] == [("bold", 0), ("text_url", 0), ("bold", 23)]
    assert piece.entities[1].args == {"url": "https://t.me/c/1234/10"}
    assert only(planned(told, dates="backlog")).pieces[0].text == "hi"
    assert only(planned(told, dates="backlog", backlog=True)).pieces[0].text == "2019-03-04 12:30\nhi"


def test_an_attribution_stands_where_the_caption_is() -> None:
    album = [message(1, media=media(), group=1), message(2, "text", media(), group=1)]
    assert texts(planned(*album, attribution="author")) == [["", "Ada\ntext"]]
    bare = [message(id, media=media(), group=1) for id in (1, 2)]
    assert texts(planned(*bare, attribution="author")) == [["Ada", ""]]


def test_what_takes_no_caption_is_followed_by_the_line() -> None:
    result = planned(message(media=media("sticker")), attribution="author")
    assert texts(result) == [[""], ["Ada"]]
    assert result.drafts[1].reply_to_previous
    assert texts(planned(message(media=media("sticker")))) == [[""]]


def test_our_own_link_gets_no_preview() -> None:
    url = Entity(kind="url", offset=4, length=11)
    linked = message(text="see example.org", entities=(url,))
    draft = only(planned(linked, attribution="author-link"))
    assert draft.preview == Preview(mode="forced", url="example.org")
    assert only(planned(message(text="hi"), attribution="author-link")).preview.mode == "none"
    assert only(planned(linked)).preview.mode == "auto"


@pytest.mark.parametrize(
    ("what", "transfer", "same", "account", "expected"),
    [
        (media(), "stream", True, FREE, "stream"),
        (media(), "reference", True, FREE, "reference"),
        (media(), "reference-only", True, FREE, "reference"),
        (media(), "reference", False, FREE, "stream"),
        (media(), "reference-only", False, FREE, "cannot be copied by reference"),
        (media("sticker"), "stream", True, FREE, "reference"),
        (media("sticker"), "stream", False, FREE, "stream"),
        (media("file", size=0), "stream", True, FREE, "reference"),
        (media("file", size=0), "stream", False, FREE, "empty"),
        (media("file", size=4000 * PART_SIZE), "stream", False, FREE, "stream"),
        (media("file", size=4000 * PART_SIZE + 1), "stream", True, FREE, "reference"),
        (
            media("file", size=4000 * PART_SIZE + 1),
            "stream",
            False,
            FREE,
            "larger than the 2.1 GB of this account",
        ),
        (media("file", size=4000 * PART_SIZE + 1), "stream", False, PREMIUM, "stream"),
        (media("poll"), "reference-only", False, FREE, "told"),
        (media("dice"), "reference", True, FREE, ""),
        (media(refusal="paid"), "reference", True, FREE, "paid"),
    ],
)
def test_the_way(what: Media, transfer: str, same: bool, account: Account, expected: str) -> None:
    mirror = msgspec.structs.replace(MIRROR, transfer=transfer)
    route = way(what, mirror=mirror, account=account, same_account=same)
    assert route == expected
    assert isinstance(route, Refusal) == (expected not in ("stream", "reference", "told"))


def test_no_way_by_reference() -> None:
    assert way(media(), mirror=msgspec.structs.replace(MIRROR, transfer="reference"), account=FREE,
               same_account=True, no_reference=True) == "stream"  # fmt: skip


ANY_MEDIA = st.one_of(
    st.none(),
    st.sampled_from([*sorted(FILE_KINDS | TOLD_KINDS), "dice", "paid"]).map(media),
)


@given(
    st.lists(st.tuples(ANY_MEDIA, st.text(st.sampled_from("ab \n😀"), max_size=60)), min_size=1, max_size=12),
    st.sampled_from(["none", "author", "author-link"]),
    st.sampled_from(["note", "skip"]),
    st.booleans(),
)
def test_every_plan_is_legal(
    items: Sequence[tuple[Media | None, str]], attribution: str, unsupported: str, orphan: bool
) -> None:
    account = msgspec.structs.replace(FREE, text_max=40, caption_max=10)
    messages = [message(id, text, what, group=1) for id, (what, text) in enumerate(items)]
    result = planned(
        *messages,
        account=account,
        parent=Parent(lost="gone") if orphan else None,
        attribution=attribution,
        unsupported=unsupported,
    )
    assert bool(result.skip) != bool(result.drafts)
    moved = []
    for index, draft in enumerate(result.drafts):
        assert draft.reply_to_previous == (index > 0)
        assert 1 <= len(draft.pieces) <= 10
        if len(draft.pieces) > 1:
            assert len({ALBUM_CLASS[p.media.kind] if p.media else "text" for p in draft.pieces}) == 1
        for piece in draft.pieces:
            assert units(piece.text) <= (account.caption_max if piece.media else account.text_max)
            assert piece.text or piece.media
            assert piece.media is None or piece.media.kind in FILE_KINDS | TOLD_KINDS
            mute = piece.media is not None and piece.media.kind in MUTE - {"poll", "todo"}
            assert not (mute and piece.text)
            assert all(0 <= e.offset < e.offset + e.length <= units(piece.text) for e in piece.entities)
            if piece.media is not None:
                moved.append(piece.source_id)
    copied = FILE_KINDS | TOLD_KINDS
    assert moved == [id for id, (what, _) in enumerate(items) if what and what.kind in copied]
    sent = "".join("".join(piece.text.split()) for draft in result.drafts for piece in draft.pieces)
    if unsupported == "note":
        assert all(sent.count(char) >= sum(t.count(char) for _, t in items) for char in "ab😀")


def draft(*pieces: Piece, **more: object) -> Draft:
    return Draft(pieces=pieces, reply=ReplyTo(id=1, quote="q"), **more)  # type: ignore[arg-type]  # same


def test_cures() -> None:
    bold = (Entity(kind="bold", offset=0, length=1),)
    album = draft(
        Piece(source_id=1, text="one", entities=bold, media=media()), Piece(source_id=2, media=media("video"))
    )
    assert degraded(album, "reply", account=FREE)[0].reply is None
    assert degraded(album, "quote", account=FREE)[0].reply == ReplyTo(id=1)
    assert degraded(album, "entities", account=FREE)[0].pieces[0].entities == ()
    text = draft(Piece(source_id=1, text="one"))
    assert degraded(text, "preview", account=FREE)[0].preview.mode == "none"
    named = Entity(kind="mention_name", offset=0, length=1, args={"user_id": 5})
    mentions = draft(Piece(source_id=1, text="one", entities=(*bold, named)))
    assert degraded(mentions, "mentions", account=FREE)[0].pieces[0].entities == bold
    files = degraded(album, "as-file", account=FREE)[0].pieces
    assert [p.media.kind for p in files if p.media] == ["file", "file"]
    assert degraded(album, "stream", account=FREE) == (album,)
    singles = degraded(album, "singles", account=FREE)
    assert [d.pieces for d in singles] == [(album.pieces[0],), (album.pieces[1],)]
    assert [(d.reply is not None, d.reply_to_previous) for d in singles] == [(True, False), (False, True)]
    notes = degraded(album, "note", account=FREE, reason="forbidden here")
    assert [d.pieces[0].text for d in notes] == [
        "[a photo, forbidden here — not copied]\none",
        "[a video, forbidden here — not copied]",
    ]
    assert notes[0].pieces[0].entities[0].offset == 39
    assert [d.pieces[0].source_id for d in notes] == [1, 2]
