"""A whole forum: its topics are made, named, closed and hidden in the target as they are in the source."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.behaviour.test_outcomes import TROUBLES, trouble
from tests.harness import House
from tests.telegram.faults import Fault
from tests.telegram.services.topics import DEFAULT_ICONS
from tests.telegram.world.chats import Chat
from tests.telegram.world.messages import Reply
from tests.telegram.world.topics import ICON_COLORS, Topic

CREATE = "messages.createForumTopic"
REORDER = "messages.reorderPinnedForumTopics"
RED = ICON_COLORS[5]


def topics(chat: Chat) -> dict[str, Topic]:
    """The topics of a chat that exist, by title, General first."""
    return {topic.title: topic for _, topic in sorted(chat.topics.items()) if not topic.deleted}


def filed(house: House, chat: Chat) -> dict[str, list[str]]:
    """What stands in each topic of a chat."""
    titles = {topic.id: topic.title for topic in topics(chat).values()}
    said: dict[str, list[str]] = {title: [] for title in titles.values()}
    for message in house.messages(chat):
        said[titles[message.topic or 1]].append(message.text)
    return said


async def test_each_topic_becomes_a_topic(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        source = house.supergroup("Forum", forum=True)
        target = house.own_supergroup("Copy", forum=True)
        house.post(source, "hello all")
        tea = house.world.chats.add_topic(source, house.other, "Tea", icon_color=RED)
        house.post(source, "green", topic=tea)
        coffee = house.world.chats.add_topic(source, house.other, "Coffee")
        house.post(source, "black", topic=coffee)
        asked = house.post(source, "with milk?", topic=tea)
        house.post(source, "never", topic=tea, reply_to=asked)
        house.mirror(source, target)
        await house.start()
        await house.run()
        assert filed(house, target) == {
            "General": ["hello all"],
            "Tea": ["green", "with milk?", "never"],
            "Coffee": ["black"],
        }
        assert topics(target)["Tea"].icon_color == RED
        # Live: into a known topic, into a new one, and to General.
        house.post(source, "and oolong", topic=tea)
        cake = house.world.chats.add_topic(source, house.other, "Cake")
        house.post(source, "apple", topic=cake)
        house.post(source, "good night")
        await house.run()
        assert filed(house, target)["Tea"][-1] == "and oolong"
        assert filed(house, target)["Cake"] == ["apple"]
        assert filed(house, target)["General"] == ["hello all", "good night"]
        reply = next(m for m in house.messages(target) if m.text == "never")
        assert reply.reply is not None
        assert reply.reply.to is not None
        assert reply.reply.to.text == "with milk?"


async def test_a_live_post_brings_its_topic_along(tmp_path: Path) -> None:
    """It overtakes the backlog; its topic, still in there, is made directly before it, and only once."""
    async with House(tmp_path) as house:
        source = house.supergroup("Forum", forum=True)
        target = house.own_supergroup("Copy", forum=True)
        house.options["pace"] = {"interval": 60}
        for n in range(20):
            house.post(source, f"old {n}")
        tea = house.world.chats.add_topic(source, house.other, "Tea")
        house.post(source, "old tea", topic=tea)
        house.mirror(source, target)
        await house.start()
        await house.run(90)
        house.post(source, "new tea", topic=tea)
        await house.run()
        said = house.texts(target)
        assert said.index("new tea") < said.index("old 10")
        assert filed(house, target)["Tea"] == ["new tea", "old tea"]
        assert house.tg.log.count(CREATE) == 1


@pytest.mark.parametrize("name", TROUBLES)
async def test_a_topic_whose_answer_went_wrong_is_there_once(tmp_path: Path, name: str) -> None:
    """As with messages: the same `random_id` while it is fresh, and nothing goes before it."""
    async with House(tmp_path) as house:
        _, target = _tea_party(house)
        await house.start()
        fault = house.tg.faults.add(trouble(name, CREATE))
        await house.run()
        assert fault.hits == 1
        assert filed(house, target) == {"General": ["hello"], "Tea": ["green"]}
        assert len({e.request.random_id for e in house.tg.log.of(CREATE)}) == 1


@pytest.mark.parametrize("name", TROUBLES)
async def test_so_it_is_with_a_restart_in_between(tmp_path: Path, name: str) -> None:
    """Then the topic is searched for by its title, also if Telegram has forgotten the id."""
    async with House(tmp_path) as house:
        _, target = _tea_party(house)
        await house.start()
        house.tg.faults.add(trouble(name, CREATE))
        await house.run(until=lambda: house.tg.log.count(CREATE) >= 1)
        await house.stop()
        house.world.chats.forget_random_ids()
        house.clock.advance(5000)
        await house.start()
        await house.run()
        assert filed(house, target) == {"General": ["hello"], "Tea": ["green"]}


async def test_a_topic_costs_a_message(tmp_path: Path) -> None:
    """It is charged to the pace like one."""
    async with House(tmp_path) as house:
        _, target = _tea_party(house)
        await house.start()
        began = house.clock.now()
        await house.run(until=lambda: len(house.texts(target)) == 2)
        assert house.clock.now() - began >= 7.0


async def test_what_happens_to_a_topic_happens_to_its_copy(tmp_path: Path) -> None:
    """Renamed, another icon, closed, opened again; General is renamed and hidden."""
    async with House(tmp_path) as house:
        source, target = _tea_party(house)
        chats, icon = house.world.chats, next(iter(DEFAULT_ICONS))
        await house.start()
        await house.run()
        tea = topics(source)["Tea"].id
        copied = topics(target)["Tea"]
        chats.edit_topic(source, house.other, tea, title="Green tea")
        chats.edit_topic(source, house.other, tea, icon_emoji_id=icon)
        chats.close_topic(source, tea)
        chats.edit_topic(source, house.other, 1, title="Lobby")
        chats.edit_topic(source, house.other, 1, hidden=True)
        await house.run()
        assert (copied.title, copied.icon_emoji_id, copied.closed) == ("Green tea", icon, True)
        assert (target.topics[1].title, target.topics[1].hidden) == ("Lobby", True)
        chats.close_topic(source, tea, closed=False)
        chats.edit_topic(source, house.other, 1, hidden=False)
        await house.run()
        assert (copied.closed, target.topics[1].hidden) == (False, False)
        # Nothing of it is told in the target's history by our own hand as a message.
        assert house.texts(target) == ["hello", "green"]


async def test_what_happened_while_it_was_stopped_is_made_good(tmp_path: Path) -> None:
    """A start compares all topics with what the target shows."""
    async with House(tmp_path) as house:
        source, target = _tea_party(house)
        await house.start()
        await house.run()
        await house.stop()
        tea = topics(source)["Tea"].id
        house.world.chats.edit_topic(source, house.other, tea, title="Chai")
        house.world.chats.close_topic(source, tea)
        house.world.chats.purge(source, source.box.pts)
        house.clock.advance(86400)
        await house.start()
        await house.run()
        assert topics(target)["Chai"].closed


async def test_a_closing_waits_for_the_posts_before_it(tmp_path: Path) -> None:
    """A topic closed long ago is closed in the target when its posts are there, and they go into it."""
    async with House(tmp_path) as house:
        source, target = _tea_party(house)
        tea = topics(source)["Tea"].id
        for n in range(20):
            house.post(source, f"cup {n}", topic=tea)
        house.world.chats.close_topic(source, tea)
        await house.start()
        await house.run(until=lambda: len(house.texts(target)) == 21)
        assert not topics(target)["Tea"].closed
        await house.run()
        assert topics(target)["Tea"].closed
        assert len(filed(house, target)["Tea"]) == 21
        house.post(source, "a word of the owner", topic=tea)
        await house.run()
        assert filed(house, target)["Tea"][-1] == "a word of the owner"


async def test_many_renames_are_one_change(tmp_path: Path) -> None:
    """The newest state counts; and what is changed back costs nothing."""
    async with House(tmp_path) as house:
        source, target = _tea_party(house)
        await house.start()
        await house.run()
        tea = topics(source)["Tea"].id
        for n in range(10):
            house.world.chats.edit_topic(source, house.other, tea, title=f"Tea {n}")
        await house.run()
        assert "Tea 9" in topics(target)
        assert house.tg.log.count("messages.editForumTopic") <= 2


async def test_hundreds_of_topics(tmp_path: Path) -> None:
    """More than a page of them."""
    async with House(tmp_path) as house:
        source = house.supergroup("Forum", forum=True)
        target = house.own_supergroup("Copy", forum=True)
        for n in range(104):
            topic = house.world.chats.add_topic(
                source, house.other, f"Topic {n}", icon_color=ICON_COLORS[n % 6]
            )
            house.post(source, f"in {n}", topic=topic)
        house.mirror(source, target, history="none")
        await house.start()
        await house.run()
        assert list(topics(target)) == ["General"]
        some = range(0, 104, 7)
        for n in some:
            house.post(source, f"new in {n}", topic=topics(source)[f"Topic {n}"].id)
        await house.run()
        assert filed(house, target) == {"General": []} | {f"Topic {n}": [f"new in {n}"] for n in some}
        made = list(topics(target).values())[1:7]
        assert [topic.icon_color for topic in made] == [ICON_COLORS[n % 6] for n in some][:6]


async def test_a_topic_without_posts_is_a_topic(tmp_path: Path) -> None:
    """In its place among the others."""
    async with House(tmp_path) as house:
        source = house.supergroup("Forum", forum=True)
        target = house.own_supergroup("Copy", forum=True)
        house.world.chats.add_topic(source, house.other, "Empty")
        house.mirror(source, target)
        await house.start()
        await house.run()
        assert list(topics(target)) == ["General", "Empty"]


async def test_an_icon_that_this_account_may_not_use_is_left_out(tmp_path: Path) -> None:
    """Without premium only Telegram's own set; the colour is kept."""
    async with House(tmp_path) as house:
        source = house.supergroup("Forum", forum=True)
        target = house.own_supergroup("Copy", forum=True)
        usual = next(iter(DEFAULT_ICONS))
        house.world.chats.add_topic(source, house.other, "Own", icon_color=RED, icon_emoji_id=77)
        house.world.chats.add_topic(source, house.other, "Usual", icon_emoji_id=usual)
        house.mirror(source, target)
        await house.start()
        await house.run()
        assert (topics(target)["Own"].icon_color, topics(target)["Own"].icon_emoji_id) == (RED, None)
        assert topics(target)["Usual"].icon_emoji_id == usual


async def test_a_topic_of_the_same_name_is_not_guessed(tmp_path: Path) -> None:
    """Somebody else's topic, or an older one of our own, is left alone."""
    async with House(tmp_path) as house:
        _, target = _tea_party(house)
        mine = house.world.chats.add_topic(target, house.me, "Tea")
        await house.start()
        await house.run()
        made = [topic for topic in target.topics.values() if topic.title == "Tea"]
        assert len(made) == 2
        assert [m.topic for m in house.messages(target)] == [1, next(t.id for t in made if t.id != mine)]


async def test_without_the_right_to_make_topics_it_waits(tmp_path: Path) -> None:
    """Paused with the reason; it goes on when the account was made an administrator."""
    async with House(tmp_path) as house:
        source = house.supergroup("Forum", forum=True)
        target = house.supergroup("Copy", forum=True)
        tea = house.world.chats.add_topic(source, house.other, "Tea")
        house.post(source, "green", topic=tea)
        house.mirror(source, target)
        await house.start()
        await house.run()
        assert house.texts(target) == []
        assert "create topics" in (await house.status())["mirrors"][0]["last_error"]
        house.world.chats.promote(target, house.me, manage_topics=True)
        await house.run()
        assert filed(house, target)["Tea"] == ["green"]


async def test_a_topic_deleted_in_the_target_is_made_again(tmp_path: Path) -> None:
    """Its next post has a place."""
    async with House(tmp_path) as house:
        source, target = _tea_party(house)
        await house.start()
        await house.run()
        house.world.chats.delete_topic(target, topics(target)["Tea"].id)
        house.post(source, "black", topic=topics(source)["Tea"].id)
        await house.run()
        assert filed(house, target) == {"General": ["hello"], "Tea": ["black"]}


async def test_an_answer_in_a_deleted_topic_goes_into_the_new_one(tmp_path: Path) -> None:
    """Refused for its reply first, and changed for that; then for its topic."""
    async with House(tmp_path) as house:
        source, target = _tea_party(house)
        await house.start()
        await house.run()
        tea = topics(source)["Tea"]
        green = next(message for message in house.messages(source) if message.text == "green")
        house.world.chats.delete_topic(target, topics(target)["Tea"].id)
        house.post(source, "sencha", topic=tea.id, reply_to=green)
        house.post(source, "black", topic=tea.id)
        await house.run(300)
        assert filed(house, target) == {"General": ["hello"], "Tea": ["sencha", "black"]}


async def test_the_rest_of_a_post_goes_into_the_new_topic(tmp_path: Path) -> None:
    """Its topic is deleted when its first half stands there."""
    async with House(tmp_path) as house:
        source, target = _tea_party(house)
        await house.start()
        await house.run()
        words = " ".join(f"word{n}" for n in range(240))
        house.post(source, words, media=house.world.media.photo(), topic=topics(source)["Tea"].id)
        house.tg.faults.add(Fault("messages.sendMessage", "flood", seconds=60))
        await house.run(30)
        house.world.chats.delete_topic(target, topics(target)["Tea"].id)
        await house.run(300)
        assert house.messages(target)[-1].text == words[-len(house.messages(target)[-1].text) :]
        assert len(filed(house, target)["Tea"]) == 1


async def test_a_topic_deleted_before_its_making_was_known_is_made_again(tmp_path: Path) -> None:
    """Its answer was lost, somebody deleted it, and Telegram knows the `random_id` of what is gone."""
    async with House(tmp_path) as house:
        source, target = _tea_party(house)
        await house.start()
        house.tg.faults.add(Fault(CREATE, "apply-cut"))
        house.tg.faults.add(Fault(CREATE, "cut"))
        await house.run(until=lambda: "Tea" in topics(target))
        house.world.chats.delete_topic(target, topics(target)["Tea"].id)
        await house.run()
        house.post(source, "black", topic=topics(source)["Tea"].id)
        await house.run()
        assert filed(house, target) == {"General": ["hello"], "Tea": ["green", "black"]}


async def test_a_topic_closed_in_the_target_is_opened(tmp_path: Path) -> None:
    """Where the account may not write into a closed one, and may open it."""
    async with House(tmp_path) as house:
        source, target = _tea_party(house)
        await house.start()
        await house.run()
        copied = topics(target)["Tea"]
        house.tg.faults.add(Fault("messages.sendMessage", code=406, message="TOPIC_CLOSED"))
        copied.closed = True
        house.post(source, "black", topic=topics(source)["Tea"].id)
        await house.run()
        assert filed(house, target)["Tea"] == ["green", "black"]
        assert not copied.closed


async def test_a_topic_that_cannot_be_made_does_not_block(tmp_path: Path) -> None:
    """It is parked, and its posts go to General with its name above them."""
    async with House(tmp_path) as house:
        source, target = _tea_party(house)
        await house.start()
        house.tg.faults.add(Fault(CREATE, code=400, message="TOPIC_TITLE_EMPTY", times=None))
        await house.run()
        assert filed(house, target) == {"General": ["hello", "▸ Tea\ngreen"]}
        assert (await house.status())["mirrors"][0]["parked"] == 1
        house.tg.faults.clear()
        await house.verb("retry", ids=None)
        await house.run()
        house.post(source, "black", topic=topics(source)["Tea"].id)
        await house.run()
        assert filed(house, target)["Tea"] == ["black"]


async def test_a_topic_deleted_in_the_source(tmp_path: Path) -> None:
    """What was copied stays; what was captured before still goes into it."""
    async with House(tmp_path) as house:
        source, target = _tea_party(house)
        await house.start()
        await house.run()
        tea = topics(source)["Tea"].id
        house.post(source, "last words", topic=tea)
        await house.read()
        house.world.chats.delete_topic(source, tea)
        await house.run()
        assert filed(house, target)["Tea"] == ["green", "last words"]
        await house.restart()
        await house.run()
        assert filed(house, target)["Tea"] == ["green", "last words"]


async def test_a_deleted_topic_loses_its_posts_where_deletions_are_mirrored(tmp_path: Path) -> None:
    """The posts go one by one; the topic itself stays, empty."""
    async with House(tmp_path) as house:
        source, target = _tea_party(house, deletes="mirror")
        await house.start()
        await house.run()
        house.world.chats.delete_topic(source, topics(source)["Tea"].id)
        await house.run()
        assert filed(house, target) == {"General": ["hello"], "Tea": []}


async def test_a_forum_into_a_chat_without_topics(tmp_path: Path) -> None:
    """The topic's name stands above each post; General's does not."""
    async with House(tmp_path) as house:
        source = house.supergroup("Forum", forum=True)
        target = house.own_supergroup("Flat")
        bare = house.own_supergroup("Bare")
        tea = house.world.chats.add_topic(source, house.other, "Tea")
        house.post(source, "hello")
        first = house.post(source, "green", topic=tea)
        house.post(source, "yes", topic=tea, reply_to=first)
        house.post(source, "", topic=tea, media=house.world.media.photo())
        house.mirror(source, target)
        house.mirror(source, bare, topic_names=False)
        await house.start()
        await house.run()
        assert house.texts(target) == ["hello", "▸ Tea\ngreen", "▸ Tea\nyes", "▸ Tea"]
        assert house.texts(bare) == ["hello", "green", "yes", ""]
        # An edit keeps the name, and a renamed topic has its new name from then on.
        house.world.chats.edit(first, "green!")
        house.world.chats.edit_topic(source, house.other, tea, title="Chai")
        house.post(source, "more", topic=tea)
        await house.run()
        assert house.texts(target)[1] == "▸ Chai\ngreen!"
        assert house.texts(target)[-1] == "▸ Chai\nmore"


async def test_a_forum_into_one_topic(tmp_path: Path) -> None:
    """All of it, with the names."""
    async with House(tmp_path) as house:
        source = house.supergroup("Forum", forum=True)
        target = house.own_supergroup("Copies", forum=True)
        here = house.world.chats.add_topic(target, house.me, "Here")
        tea = house.world.chats.add_topic(source, house.other, "Tea")
        house.post(source, "green", topic=tea)
        house.mirror(source, target, target_topic=here)
        await house.start()
        await house.run()
        assert filed(house, target) == {"General": [], "Here": ["▸ Tea\ngreen"]}
        assert house.tg.log.count(CREATE) == 0


async def test_a_group_into_a_forum(tmp_path: Path) -> None:
    """Goes to General."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Group"), house.own_supergroup("Copy", forum=True)
        house.post(source, "hello")
        house.mirror(source, target)
        await house.start()
        await house.run()
        assert filed(house, target) == {"General": ["hello"]}


async def test_a_group_that_becomes_a_forum(tmp_path: Path) -> None:
    """From then on its topics are made, the one that was skipped before included."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Group", forum=True), house.own_supergroup("Copy")
        tea = house.world.chats.add_topic(source, house.other, "Tea")
        house.post(source, "green", topic=tea)
        house.mirror(source, target, topic_names=False)
        await house.start()
        await house.run()
        house.world.chats.set_forum(target, True)
        await house.run()
        house.post(source, "black", topic=tea)
        await house.run()
        assert filed(house, target) == {"General": ["green"], "Tea": ["black"]}
        assert topics(target)["Tea"].title == "Tea"


def _tea_party(house: House, **options: object) -> tuple[Chat, Chat]:
    """A forum with General and one topic, mirrored as a whole."""
    source = house.supergroup("Forum", forum=True)
    target = house.own_supergroup("Copy", forum=True)
    house.post(source, "hello")
    tea = house.world.chats.add_topic(source, house.other, "Tea")
    house.post(source, "green", topic=tea)
    house.mirror(source, target, **options)
    return source, target


async def test_after_a_lost_ledger_topics_are_known_again(tmp_path: Path) -> None:
    """By what stands in them, whatever they are called now; an empty one by its title."""
    async with House(tmp_path) as house:
        source, target = _tea_party(house)
        for n in range(5):
            house.post(source, f"cup {n}", topic=topics(source)["Tea"].id)
        house.world.chats.add_topic(source, house.other, "Empty")
        await house.start()
        await house.run()
        await house.stop()
        for file in house.folder.glob("ledger.db*"):
            file.unlink()
        house.world.chats.edit_topic(source, house.other, topics(source)["Tea"].id, title="Chai")
        house.post(source, "new", topic=topics(source)["Chai"].id)
        house.post(source, "first", topic=topics(source)["Empty"].id)
        await house.start()
        await house.run()
        assert "already holds copies" in (await house.status())["mirrors"][0]["paused"]
        await house.verb("resume", mirror="m1")
        await house.run()
        assert filed(house, target) == {
            "General": ["hello"],
            "Chai": ["green", *(f"cup {n}" for n in range(5)), "new"],
            "Empty": ["first"],
        }


async def test_pinned_topics_are_pinned_in_their_order(tmp_path: Path) -> None:
    """Those of the backlog, and what is pinned, moved and unpinned later; what others pinned stays."""
    async with House(tmp_path) as house:
        source, target = _tea_party(house)
        chats, tea = house.world.chats, topics(source)["Tea"].id
        cake = chats.add_topic(source, house.other, "Cake")
        for topic in (tea, 1, cake):
            chats.pin_topic(source, topic)
        notes = chats.add_topic(target, house.me, "House rules")
        chats.pin_topic(target, notes)
        await house.start()
        await house.run()
        assert pinned(target) == ["Cake", "General", "Tea", "House rules"]
        chats.pin_topic(source, 1, pinned=False)
        chats.order_topics(source, [tea, cake])
        await house.run()
        assert pinned(target) == ["Tea", "Cake", "House rules"]
        milk = chats.add_topic(source, house.other, "Milk")
        chats.pin_topic(source, milk)
        await house.run()
        assert pinned(target) == ["Milk", "Tea", "Cake", "House rules"]
        calls = house.tg.log.count(REORDER)
        # What is told twice, and a restart, cost nothing.
        chats.pin_topic(source, milk)
        await house.restart()
        await house.run()
        assert house.tg.log.count(REORDER) == calls
        await house.stop()
        for topic in (tea, cake, milk):
            chats.pin_topic(source, topic, pinned=False)
        await house.start()
        await house.run()
        assert pinned(target) == ["House rules"]


async def test_pins_of_topics_can_be_switched_off_and_survive_trouble(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        source, target = _tea_party(house, pins=False)
        house.world.chats.pin_topic(source, topics(source)["Tea"].id)
        await house.start()
        await house.run()
        assert pinned(target) == []
        await house.stop()
        house.mirrors[0]["pins"] = True
        house.tg.faults.add(Fault(REORDER, "apply-cut"))
        house.tg.faults.add(Fault(REORDER, "flood", seconds=30))
        await house.start()
        await house.run()
        assert pinned(target) == ["Tea"]
        assert (await house.status())["mirrors"][0]["changes"] == 0


def pinned(chat: Chat) -> list[str]:
    return [chat.topics[topic].title for topic in chat.pinned_topics]


async def test_pinned_topics_that_could_not_be_asked_about_are_asked_about_later(tmp_path: Path) -> None:
    """A push tells of them once, and no difference; the question that it leads to fails."""
    async with House(tmp_path) as house:
        source, target = _tea_party(house)
        await house.start()
        await house.run()
        failed = house.tg.faults.add(Fault("channels.getFullChannel", code=503, message="TIMEOUT"))
        house.world.chats.pin_topic(source, topics(source)["Tea"].id)
        await house.run()
        assert (failed.hits, pinned(target)) == (1, [])
        await house.ask_again()
        await house.run()
        assert pinned(target) == ["Tea"]


async def test_a_pinned_topic_that_was_deleted_in_the_target_is_pinned_when_it_is_made_again(
    tmp_path: Path,
) -> None:
    """Pinned before it was deleted or after that; the others are pinned meanwhile."""
    async with House(tmp_path) as house:
        source, target = _tea_party(house)
        coffee = house.world.chats.add_topic(source, house.other, "Coffee")
        house.post(source, "ristretto", topic=coffee)
        cake = house.world.chats.add_topic(source, house.other, "Cake")
        house.post(source, "apple", topic=cake)
        await house.start()
        await house.run()
        tea = topics(source)["Tea"].id
        house.world.chats.pin_topic(source, tea)
        await house.run()
        house.world.chats.delete_topic(target, topics(target)["Coffee"].id)
        house.world.chats.pin_topic(source, topics(source)["Coffee"].id)
        house.world.chats.pin_topic(source, topics(source)["Cake"].id)
        await house.run()
        assert pinned(target) == ["Cake", "Tea"]
        house.post(source, "doppio", topic=coffee)
        await house.run()
        assert pinned(target) == ["Cake", "Coffee", "Tea"]
        house.world.chats.delete_topic(target, topics(target)["Tea"].id)
        house.post(source, "black", topic=tea)
        await house.run()
        assert pinned(target) == pinned(source) == ["Cake", "Coffee", "Tea"]


async def test_an_answer_across_topics_stays_in_its_own(tmp_path: Path) -> None:
    """Between two topics, and between General and one, either way; in one topic it is an ordinary reply."""
    async with House(tmp_path) as house:
        source = house.supergroup("Source", forum=True)
        target = house.own_supergroup("Target", forum=True)
        tea = house.world.chats.add_topic(source, house.other, "Tea")
        cake = house.world.chats.add_topic(source, house.other, "Cake")
        said = {
            "General": house.post(source, "in General"),
            "Tea": house.post(source, "in Tea", topic=tea),
            "Cake": house.post(source, "in Cake", topic=cake),
        }
        ways = [(here, there) for here in said for there in said]
        for here, there in ways:
            topic = {"General": None, "Tea": tea, "Cake": cake}[here]
            reply = Reply(to=said[there], topic=topic, external=here != there)
            house.post(source, f"{here} answers {there}", reply=reply)
        house.mirror(source, target)
        await house.start()
        await house.run()
        assert filed(house, target) == {
            here: [f"in {here}", *(f"{here} answers {there}" for there in said)] for here in said
        }
        answers = {copy.text: copy for copy in house.messages(target) if "answers" in copy.text}
        for here, there in ways:
            found = answers[f"{here} answers {there}"].reply
            assert found is not None
            assert found.to is not None
            assert (found.to.text, found.external) == (f"in {there}", here != there)


async def test_a_pin_that_waits_when_its_topic_is_found_to_be_gone(tmp_path: Path) -> None:
    """The order is carried out while the topic is made again, and then once more."""
    async with House(tmp_path) as house:
        source, target = _tea_party(house)
        await house.start()
        await house.run()
        house.world.chats.delete_topic(target, topics(target)["Tea"].id)
        # The copy of its post finds that out, and the topic's making is not answered at once.
        house.tg.faults.add(Fault("messages.createForumTopic", "flood", seconds=50))
        house.world.chats.pin_topic(source, topics(source)["Tea"].id)
        house.post(source, "more tea", topic=topics(source)["Tea"].id)
        await house.run()
        assert pinned(target) == ["Tea"]
