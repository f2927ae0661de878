"""What happens seldom, each in a kind of world of its own (`kinds`): to the source, the target, the line.

Each is a function of the weather. Where its time has not come yet it does nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tests.behaviour.test_kinds import poll
from tests.chaos.said import word
from tests.telegram.faults import ALBUM, Fault

if TYPE_CHECKING:
    from tests.chaos.weather import Weather

HOUR = 3600.0
#: More than may be deleted within ten minutes.
MANY = 52
#: Topics that a forum may pin (https://core.telegram.org/api/config#client-configuration).
PINNED_MAX = 5
REFUSED = "MESSAGE_NOT_WANTED"
#: What a connection asks first.
WHO = "users.getUsers"


# -- chats


def migrate_source(weather: Weather) -> None:
    if weather.source.kind == "group":
        weather.settled |= set(map(id, weather.posted))
        weather.source = weather.house.world.chats.migrate(weather.source)
        weather.sources.append(weather.source)


def migrate_target(weather: Weather) -> None:
    if weather.target.kind == "group":
        weather.settled |= set(map(id, weather.posted))
        weather.target = weather.house.world.chats.migrate(weather.target)
        weather.targets.append(weather.target)


def title(weather: Weather) -> None:
    weather.house.world.chats.set_title(weather.source, f"Source {weather.number}")


def about(weather: Weather) -> None:
    weather.house.world.chats.set_about(weather.source, f"about {weather.number}")


def photo(weather: Weather) -> None:
    size = weather.chance.choice([200, 300, 400])
    made = weather.house.world.media.photo(size, size, seed=weather.number).photo
    weather.house.world.chats.set_photo(weather.source, made if weather.chance.random() < 0.8 else None)


def lose_source(weather: Weather) -> None:
    if not weather.source_lost:
        weather.source_lost = True
        weather.house.world.chats.ban(weather.source, weather.house.me)


def source_back(weather: Weather) -> None:
    if weather.source_lost:
        weather.source_lost = False
        weather.house.world.chats.unban(weather.source, weather.house.me)
        weather.house.world.chats.join(weather.source, weather.house.me)


# -- topics


def pin_topic(weather: Weather) -> None:
    if weather.topics and len(weather.source.pinned_topics) < PINNED_MAX:
        weather.house.world.chats.pin_topic(weather.source, weather.chance.choice(weather.topics))


def unpin_topic(weather: Weather) -> None:
    if weather.source.pinned_topics:
        topic = weather.chance.choice(weather.source.pinned_topics)
        weather.house.world.chats.pin_topic(weather.source, topic, pinned=False)


def order_topics(weather: Weather) -> None:
    order = list(weather.source.pinned_topics)
    if len(order) > 1:
        weather.chance.shuffle(order)
        weather.house.world.chats.order_topics(weather.source, order)


def delete_copied_topic(weather: Weather) -> None:
    """Somebody deletes a topic of the target, with all that is in it."""
    made = [topic for topic in weather.target.topics.values() if topic.id != 1 and not topic.deleted]
    if made and not weather.once("topic deleted"):
        topic = weather.chance.choice(made)
        weather.moved |= {word(m) for m in weather.copies() if m.topic == topic.id}
        weather.house.world.chats.delete_topic(weather.target, topic.id)


def delete_unseen(weather: Weather) -> None:
    """Something is sent, its answer is lost, and before we ask again somebody deletes it."""
    method = "messages.createForumTopic" if weather.forum else "messages.sendMessage"
    chats, ours, lost = weather.house.world.chats, weather.house.me.id, set[int]()

    def is_lost(_: Any, request: Any) -> bool:
        lost.add(request.random_id)
        return True

    def is_gone(_: Any, request: Any) -> bool:
        known = chats.random_ids.recall
        sent = known(ours, weather.target, request.random_id) if request.random_id in lost else None
        if sent is None:
            return False
        if weather.forum:
            chats.delete_topic(weather.target, sent.ids[0])
        else:
            weather.moved.add(word(sent))
            chats.delete(sent)
        return True

    weather.house.tg.faults.add(Fault(method, "apply-cut", account=ours, when=is_lost))
    weather.house.tg.faults.add(Fault(method, "cut", account=ours, when=is_gone))


# -- posts


def burst(weather: Weather) -> None:
    """So many at once that the queue is long, and that they are many to delete."""
    if not weather.once("burst"):
        for _ in range(MANY + 6):
            weather.post()


def delete_many(weather: Weather) -> None:
    alive = weather.alive()
    if len(alive) > MANY and not weather.once("many deleted"):
        weather.house.world.chats.delete(*weather.chance.sample(alive, MANY))


def timer(weather: Weather) -> None:
    """From now on the source's posts have an end, which none of them lives to see here."""
    if not weather.once("timer"):
        weather.house.world.chats.set_ttl(weather.source, 30 * 86400, weather.house.other)


def answer_old(weather: Weather) -> None:
    """One that may still wait in the backlog."""
    if alive := weather.alive():
        old = alive[-1 - min(len(alive) - 1, weather.chance.randint(0, 40))]
        weather.answer(old)


def lose_part(weather: Weather) -> None:
    """Telegram forgets a part of a big file."""
    lost = Fault("upload.saveBigFilePart", "lose-part", skip=weather.chance.randint(1, 9))
    weather.house.tg.faults.add(lost)
    weather.big_file()


def post_poll(weather: Weather) -> None:
    weather.polls.append(weather.house.post(weather.source, media=poll(weather.next_word())))


def close_poll(weather: Weather) -> None:
    if weather.polls:
        weather.house.world.chats.close_poll(weather.polls.pop(), named=weather.chance.random() < 0.5)


def video(weather: Weather) -> None:
    weather.house.world.chats.process_videos(weather.target)
    weather.post(media=weather.house.world.media.video(size=50_000))


def publish(weather: Weather) -> None:
    for scheduled_id in sorted(weather.target.scheduled):
        weather.house.world.chats.publish_scheduled(weather.target, scheduled_id)


# -- the target, by other hands


def others_speak(weather: Weather) -> None:
    who = weather.chance.choice([weather.house.other, weather.house.me])
    weather.next_word()
    weather.house.world.chats.post(weather.target, who, f"by hand {weather.number}")


def delete_copy(weather: Weather) -> None:
    if copies := weather.copies():
        copy = weather.chance.choice(copies)
        weather.moved |= weather.mates(copy, copies)
        weather.house.world.chats.delete(copy)


def keep_copy(weather: Weather) -> None:
    """One that Telegram does not let us delete from now on, and sometimes does not even say so."""
    if copies := weather.copies():
        copy = weather.chance.choice(copies)
        weather.moved |= weather.mates(copy, copies)
        weather.undeletable.add(word(copy))
        action = weather.chance.choice(["error", "apply-nothing"])
        stays = copy.id
        weather.house.tg.faults.add(
            Fault(
                "channels.deleteMessages", action, 403, "MESSAGE_DELETE_FORBIDDEN", times=None,
                when=lambda call, request: stays in request.id,
            )
        )  # fmt: skip


def scrawl(weather: Weather) -> None:
    """But not on what was put there by hand: of that the ledger knows only where it stands."""
    copies = [c for c in weather.copies() if c.media is None and c.grouped_id is None]
    copies = [copy for copy in copies if word(copy) not in weather.moved]
    if copies:
        weather.house.world.chats.edit(weather.chance.choice(copies), f"by hand {weather.number}")


def replace_copied_file(weather: Weather) -> None:
    copies = [c for c in weather.copies() if c.media is not None and c.media.document and not c.grouped_id]
    if copies:
        copy, media = weather.chance.choice(copies), weather.house.world.media
        weather.house.world.chats.edit(copy, copy.text, media=media.document(size=77, seed=weather.number))


def make_copy(weather: Weather) -> None:
    """A copy deleted by hand, and put there again by hand, in our name."""
    copies = [copy for copy in weather.copies() if copy.media is None and not copy.reply]
    if copies:
        copy = weather.chance.choice(copies)
        weather.say("----", "of", word(copy), copy.id)
        weather.moved.add(word(copy))
        weather.made_by_hand.add(word(copy))
        weather.house.world.chats.delete(copy)
        weather.house.world.chats.post(
            weather.target, weather.house.me, copy.text, entities=copy.entities, topic=copy.topic
        )


# -- what is told, and when


def lose_events(weather: Weather) -> None:
    """A difference from before is too long from now on."""
    weather.source.box_for(weather.house.me.id).purge()


def tell_nothing(weather: Weather) -> None:
    """A post of which no update tells, nor any difference."""
    events = weather.source.box.events
    told = len(events)
    weather.house.world.chats.silence(weather.source, True)
    weather.post()
    weather.moved.add(word(weather.posted[-1]))
    del events[told:]
    weather.house.world.chats.silence(weather.source, False)


def set_clock(weather: Weather) -> None:
    """Telegram's own clock is right all the time."""
    weather.house.clock.step(weather.chance.choice([-HOUR, HOUR]))


def refuse_post(weather: Weather) -> None:
    """Telegram does not take the next of these, whatever it is."""
    refused = weather.chance.choice(["messages.sendMessage", "messages.sendMessage", ALBUM])
    weather.house.tg.faults.add(Fault(refused, "error", 400, REFUSED, account=weather.house.me.id))


def refuse_media(weather: Weather) -> None:
    """Nor this as the kind that it is."""
    weather.media_refused = True
    error = weather.chance.choice(
        [REFUSED, "PHOTO_INVALID_DIMENSIONS", "MEDIA_INVALID", "CHAT_SEND_DOCS_FORBIDDEN"]
    )
    method = weather.chance.choice(["messages.sendMedia", "messages.uploadMedia", ALBUM])
    weather.house.tg.faults.add(Fault(method, "error", 400, error, account=weather.house.me.id))


def refuse_edit(weather: Weather) -> None:
    """It is too late for the next edit: what stood there is sent anew."""

    def too_late(_: Any, request: Any) -> bool:
        if said := re.match(r"word \d+\.", str(request.message or "").rsplit("\n", 1)[-1]):
            weather.moved.add(said.group())
        return bool(said)

    error = "MESSAGE_EDIT_TIME_EXPIRED"
    weather.house.tg.faults.add(Fault("messages.editMessage", "error", 400, error, when=too_late))


def limit_account(weather: Weather) -> None:
    """For some hours nothing may be sent."""
    error = Fault("messages.sendMessage", "error", 400, "PEER_FLOOD", account=weather.house.me.id)
    weather.house.tg.faults.add(error)


def forget_login(weather: Weather) -> None:
    """For one request Telegram does not know this login: of a send, of a reading, or of a connection that
    begins. Once, since it ends the daemon where it is so again a quarter of an hour later."""
    if not weather.once("login unknown"):
        method = weather.chance.choice(["messages.sendMessage", "updates.getChannelDifference"] + 2 * [WHO])
        unknown = Fault(method, "error", 401, "AUTH_KEY_UNREGISTERED", account=weather.house.me.id)
        weather.house.tg.faults.add(unknown)


def let_hours_pass(weather: Weather) -> None:
    weather.house.clock.advance(2 * HOUR)


RARE: dict[str, Callable[[Weather], None]] = {
    "about": about,
    "account limited": limit_account,
    "answer to an old one": answer_old,
    "burst": burst,
    "chat photo": photo,
    "clock set": set_clock,
    "copy deleted": delete_copy,
    "copy kept": keep_copy,
    "copy made by hand": make_copy,
    "copy scrawled on": scrawl,
    "copy's file replaced": replace_copied_file,
    "deleted unseen": delete_unseen,
    "edit refused": refuse_edit,
    "events lost": lose_events,
    "hours pass": let_hours_pass,
    "login unknown": forget_login,
    "many deleted": delete_many,
    "media refused": refuse_media,
    "nothing told": tell_nothing,
    "others speak": others_speak,
    "part lost": lose_part,
    "poll": post_poll,
    "poll closed": close_poll,
    "post refused": refuse_post,
    "source back": source_back,
    "source lost": lose_source,
    "source migrated": migrate_source,
    "target migrated": migrate_target,
    "timer": timer,
    "title": title,
    "topic deleted in the target": delete_copied_topic,
    "topic pinned": pin_topic,
    "topic unpinned": unpin_topic,
    "topics ordered": order_topics,
    "video": video,
    "video published": publish,
}
