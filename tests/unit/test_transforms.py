"""Transforms: words change, formatting stays where it was, and copies are still known again."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.test_text import check, formatted
from tgstreamd.domain.messages import (
    Account,
    Chat,
    Draft,
    Entity,
    LastAuthor,
    Media,
    Message,
    Mirror,
    Preview,
    Reply,
)
from tgstreamd.policy.matching import known_copies
from tgstreamd.policy.plan import plan
from tgstreamd.policy.text import Text, cut, units
from tgstreamd.policy.transforms import replaced, transformed

SOURCE = Chat(id=-1001234, title="News  of the day", kind="supergroup", username="news")
MIRROR = Mirror(id=1, name="m", source=-1001234, target=-1002)
ACCOUNT = Account(id=1, name="me")
DATE = 1551723720  # 2019-03-04 18:22 UTC


def message(text: str = "", id: int = 10, **more: Any) -> Message:
    return Message(chat=-1001234, id=id, date=DATE, text=text, **{"sender": "Ana", **more})


def planned(*messages: Message, before: LastAuthor | None = None, **options: Any) -> tuple[Draft, ...]:
    return plan(
        messages,
        mirror=msgspec.structs.replace(MIRROR, **options),
        account=ACCOUNT,
        source=SOURCE,
        parent=None,
        backlog=False,
        same_account=True,
        before=before,
    ).drafts


def texts(drafts: tuple[Draft, ...]) -> list[str]:
    return [piece.text for draft in drafts for piece in draft.pieces]


def mark(kind: str, offset: int, length: int, **args: str) -> Entity:
    return Entity(kind=kind, offset=offset, length=length, args=dict(args))


@pytest.mark.parametrize(
    ("text", "pairs", "expected"),
    [
        ("the cat sat", {"cat": "dog"}, "the dog sat"),
        ("The CAT. concat cats", {"cat": "dog"}, "The dog. concat cats"),
        ("see https://old.example/a?b", {"https://old.example/": "https://new.example/"}, "see https://new.example/a?b"),
        ("@old_name, @old_names", {"@old_name": "@new"}, "@new, @old_names"),
        ("a b a", {"a": "b", "b": "a"}, "b a b"),
        ("one two three", {"one": "1", "one two": "12"}, "12 three"),
        ("50 € (net)", {"(net)": "", "€": "$"}, "50 $ "),
        ("İ i ſ s", {"i": "x", "s": "y"}, "İ x y y"),
    ],
)  # fmt: skip
def test_words_are_replaced_once_and_whole(text: str, pairs: dict[str, str], expected: str) -> None:
    assert replaced(Text(text=text), pairs).text == expected


def test_formatting_moves_along() -> None:
    marks = [("bold", 3, 3), ("italic", 4, 6), ("code", 7, 4), ("bold", 16, 3), ("spoiler", 0, 19)]
    whole = Text(text="😀 old word and old", entities=tuple(mark(*each) for each in marks))
    new = replaced(whole, {"old": "🎉🎉"})
    assert new.text == "😀 🎉🎉 word and 🎉🎉"
    said = [(e.kind, cut(new, e.offset, e.offset + e.length).text) for e in new.entities]
    assert said == [
        ("bold", "🎉🎉"),
        ("italic", "🎉🎉 wor"),  # it began inside the word that was replaced
        ("code", "word"),
        ("bold", "🎉🎉"),
        ("spoiler", "😀 🎉🎉 word and 🎉🎉"),
    ]


def test_what_formatted_only_a_removed_word_goes_with_it() -> None:
    whole = Text(
        text="a 😀 b", entities=(mark("bold", 2, 2), mark("custom_emoji", 2, 2), mark("italic", 5, 1))
    )
    gone = replaced(whole, {"😀": ""})
    assert (gone.text, gone.entities) == ("a  b", (mark("italic", 3, 1),))
    assert [e.kind for e in replaced(whole, {"😀": "🎉"}).entities] == ["bold", "italic"]


def test_links_under_words_are_replaced_too() -> None:
    shop = mark("text_url", 0, 4, url="https://old.example/x")
    new = replaced(Text(text="shop", entities=(shop,)), {"https://old.example": "https://new.example"})
    assert new.entities == (mark("text_url", 0, 4, url="https://new.example/x"),)
    assert replaced(Text(text="shop", entities=(shop,)), {"https://old.example/x": ""}).entities == ()
    shown = message("x", preview=Preview(mode="forced", url="https://old.example/"))
    assert transformed(
        shown, msgspec.structs.replace(MIRROR, replace={"old.example": "b.example"})
    ).preview.url == ("https://b.example/")


@given(
    formatted(), st.text(st.sampled_from("abé日😀 "), min_size=1, max_size=3), st.text("ab😀 ", max_size=4)
)
def test_formatting_keeps_to_the_characters_that_were_not_replaced(whole: Text, word: str, put: str) -> None:
    check(replaced(whole, {word: put}))
    # A marker that nothing else holds shows which characters stayed.
    new = replaced(whole, {word: "\ue000"})
    assert new.text.replace("\ue000", word) == whole.text
    kinds = ("bold", "text_url", "pre")
    old_at = new_at = 0
    for char in new.text:
        width = units(char)
        if char == "\ue000":
            old_at, new_at = old_at + units(word), new_at + 1
            continue
        for kind in kinds:
            assert _covering(new, kind, new_at) == _covering(whole, kind, old_at)
        old_at, new_at = old_at + width, new_at + width


def _covering(whole: Text, kind: str, at: int) -> int:
    return sum(1 for e in whole.entities if e.kind == kind and e.offset <= at < e.offset + e.length)


def test_nothing_asked_for_changes_nothing() -> None:
    plain = message("old", media=Media(kind="photo", id=1, size=1))
    assert transformed(plain, MIRROR) is plain


def test_captions_are_dropped_and_texts_are_not() -> None:
    photo = Media(kind="photo", id=1, size=1)
    assert texts(planned(message("cap", media=photo), drop_captions=True)) == [""]
    assert texts(planned(message("text"), drop_captions=True)) == ["text"]
    album = [message("a", 1, media=photo, group=1), message("b", 2, media=photo, group=1)]
    assert texts(planned(*album, drop_captions=True, footer="end")) == ["end", ""]


def test_header_and_footer() -> None:
    lines: dict[str, Any] = {"header": "{source} | {author} {date}", "footer": "{link} {unknown}"}
    (draft,) = planned(message("hi", entities=(mark("bold", 0, 2),)), **lines)
    assert texts((draft,)) == ["News of the day | Ana 2019-03-04 18:22\nhi\nhttps://t.me/news/10 {unknown}"]
    assert draft.pieces[0].entities == (mark("bold", 39, 2),)
    assert draft.preview.mode == "none"  # of our own link
    # A sticker carries no words, and lines alone are not worth a message.
    assert texts(planned(message(media=Media(kind="sticker", id=1, size=1)), **lines)) == [""]
    # Above everything else of ours, and before a long text is split.
    (first, *_, last) = texts(
        planned(message("word " * 1500), header="top", footer="end", attribution="author")
    )
    assert first.startswith("top\nAna\nword ")
    assert last.endswith("word \nend")


def test_previews_of_the_author_s_own_links_stay() -> None:
    linked = message("see example.org", entities=(mark("url", 4, 11),))
    assert planned(linked, footer="t.me/us")[0].preview.mode == "auto"
    assert planned(linked, header="t.me/us")[0].preview == Preview(mode="forced", url="example.org")
    assert planned(message("hi"), header="plain words")[0].preview.mode == "auto"


def test_a_quote_changes_with_what_it_quotes() -> None:
    said = message("yes", reply=Reply(id=3, quote="the old name", quote_offset=4))
    reply = transformed(said, msgspec.structs.replace(MIRROR, replace={"old": "new"})).reply
    assert reply is not None
    assert reply.quote == "the new name"


def test_copies_are_known_again_whether_made_before_or_after_words_were_replaced() -> None:
    mirror = msgspec.structs.replace(MIRROR, replace={"cat": "dog"})
    jobs = [[message("a cat", 1)], [message("two cats and a cat", 2)], [message("no pet", 3)]]
    copies = [message("top\na dog", 50), message("two cats and a cat", 51), message("no pet", 52)]
    assert known_copies(jobs, copies, lambda one: transformed(one, mirror)) == [(0, 50), (1, 51), (2, 52)]
    assert known_copies(jobs, copies) == [(1, 51), (2, 52)]


# -- who wrote it ------------------------------------------------------------------------------------------


def said(name: str, at: int, **more: Any) -> Message:
    return Message(chat=-1001234, id=1, date=at, sender=name, **{"text": "x", **more})


def test_one_line_speaks_for_several_posts_of_one_author() -> None:
    sticker, photo = Media(kind="sticker", id=1, size=1), Media(kind="photo", id=1, size=1)
    story: list[tuple[Message, list[str]]] = [
        (said("Ana", 0), ["Ana\nx"]),
        (said("Ana", 300), ["x"]),
        (said("Ana", 600, media=photo, text=""), [""]),  # five minutes after the one before it
        (said("Ana", 901), ["Ana\nx"]),
        (said("Bo", 902), ["Bo\nx"]),
        (said("Ana", 903, forwarded="Bo"), ["Ana · forwarded from Bo\nx"]),
        (said("Ana", 904), ["Ana\nx"]),
        (said("Ana", 9000, media=sticker, text=""), [""]),  # the author has not changed
        (said("Bo", 9001, media=sticker, text=""), ["", "Bo"]),
        (said("Bo", 9002), ["x"]),
        (said("Bo", 5), ["Bo\nx"]),  # a parent that was lifted, from long ago
        (said("", 6), ["x"]),
        (said("", 7, forwarded="Cy"), ["forwarded from Cy\nx"]),
    ]
    before: LastAuthor | None = None
    for post, expected in story:
        drafts = planned(post, before=before, attribution="author")
        assert texts(drafts) == expected
        before = drafts[-1].voice
    assert planned(said("Ana", 0))[0].voice is None


def test_links_of_nameless_posts_are_not_grouped() -> None:
    before = LastAuthor(author="", at=0)
    assert texts(planned(said("", 1), before=before, attribution="author-link")) == ["original\nx"]
