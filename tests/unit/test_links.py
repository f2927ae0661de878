"""Links to messages of the source lead to their copies, and nothing else of a text moves."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgstreamd.domain.messages import Account, Chat, Entity, Message, Mirror, Preview
from tgstreamd.policy.links import led, mentioned, named, rewritten
from tgstreamd.policy.media_plan import Links
from tgstreamd.policy.plan import plan
from tgstreamd.policy.text import Text, cut, units

SOURCE = Chat(id=-1001234, title="Source", kind="supergroup", username="The_Source")
TARGET = Chat(id=-1005678, title="Target", kind="supergroup")
COPIES = {7: 70, 8: 800_000}


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("https://t.me/c/1234/7", 7),
        ("t.me/c/1234/7", 7),
        ("http://telegram.me/c/1234/55/7", 7),
        ("https://t.me/the_source/7", 7),
        ("https://t.me/The_Source/55/7?single", 7),
        ("https://www.t.me/c/1234/7/", 7),
        ("tg://privatepost?channel=1234&post=7", 7),
        ("tg://resolve?domain=the_source&post=7&single", 7),
        ("https://t.me/c/12345/7", None),
        ("https://t.me/other_name/7", None),
        ("https://t.me/the_source", None),
        ("https://t.me/the_source/7?comment=9", None),
        ("https://t.me/s/the_source/7", None),
        ("https://example.org/t.me/c/1234/7", None),
        ("https://t.me/c/1234/7x", None),
        ("https://t.me/+1234", None),
    ],
)
def test_which_links_mean_a_message_of_the_source(url: str, message: int | None) -> None:
    assert named(url, SOURCE) == message


def test_a_link_leads_to_the_copy_or_stays() -> None:
    assert led("https://t.me/c/1234/7", SOURCE, TARGET, COPIES.get) == "https://t.me/c/5678/70"
    assert led("https://t.me/c/1234/9", SOURCE, TARGET, COPIES.get) == "https://t.me/c/1234/9"
    group = Chat(id=-77, title="Basic", kind="group")
    assert led("https://t.me/c/1234/7", SOURCE, group, COPIES.get) == "https://t.me/c/1234/7"
    public = msgspec.structs.replace(TARGET, username="copies")
    assert led("https://t.me/c/1234/7", SOURCE, public, COPIES.get) == "https://t.me/copies/70"


def test_a_seen_link_grows_and_what_follows_moves() -> None:
    link, after = "t.me/c/1234/8", "bold 😀"
    text = f"😀 see {link} and {after}"
    at, then = units("😀 see "), units(f"😀 see {link} and ")
    whole = Text(
        text=text,
        entities=(
            Entity(kind="italic", offset=0, length=units(text)),
            Entity(kind="url", offset=at, length=units(link)),
            Entity(kind="bold", offset=then, length=units(after)),
        ),
    )
    made = rewritten(whole, SOURCE, TARGET, COPIES.get)
    assert made.text == f"😀 see https://t.me/c/5678/800000 and {after}"
    said = {e.kind: cut(made, e.offset, e.offset + e.length).text for e in made.entities}
    assert said == {"italic": made.text, "url": "https://t.me/c/5678/800000", "bold": after}


def test_links_under_words_and_of_previews_are_found() -> None:
    entity = Entity(kind="text_url", offset=0, length=4, args={"url": "https://t.me/c/1234/7"})
    code = Entity(kind="code", offset=5, length=13)
    message = Message(
        chat=SOURCE.id, id=9, date=1, text="this t.me/c/1234/8", entities=(entity, code),
        preview=Preview(mode="forced", url="https://t.me/the_source/8", large=True),
    )  # fmt: skip
    assert mentioned([message], SOURCE) == {7, 8}
    [draft] = plan(
        [message], mirror=Mirror(id=1, name="m", source=SOURCE.id, target=TARGET.id),
        account=Account(id=1, name="Me"), source=SOURCE, parent=None, backlog=False, same_account=True,
        links=Links(source=SOURCE, target=TARGET, copies=COPIES),
    ).drafts  # fmt: skip
    assert draft.pieces[0].entities[0].args == {"url": "https://t.me/c/5678/70"}
    assert draft.pieces[0].text == message.text
    assert draft.preview.url == "https://t.me/c/5678/800000"


WORDS = st.lists(
    st.sampled_from(["a", "😀", " ", "t.me/c/1234/7", "https://t.me/the_source/8", "t.me/x_yz/7"]),
    max_size=12,
)


@given(WORDS, st.lists(st.tuples(st.integers(0, 40), st.integers(1, 40)), max_size=5))
def test_entities_stay_around_what_they_marked(words: list[str], spans: list[tuple[int, int]]) -> None:
    text, entities, at = "", [], 0
    for word in words:
        if "t.me" in word:
            text, at = text + " ", at + 1
            entities.append(Entity(kind="url", offset=at, length=units(word)))
        text, at = text + word, at + units(word)
    long = units(text)
    entities += [
        Entity(kind="bold", offset=start, length=min(length, long - start))
        for start, length in spans
        if start < long
    ]
    made = rewritten(Text(text=text, entities=tuple(entities)), SOURCE, TARGET, COPIES.get)
    assert len(made.entities) == len(entities)
    assert all(e.offset >= 0 and e.length > 0 and e.offset + e.length <= made.units for e in made.entities)
    seen = [cut(made, e.offset, e.offset + e.length).text for e in made.entities if e.kind == "url"]
    old = [word for word in words if "t.me" in word]
    assert seen == [led(url, SOURCE, TARGET, COPIES.get) for url in old]
