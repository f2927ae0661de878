"""Converts media without bytes in both directions: places, contacts, polls, checklists, stories.

Reads them with the fields that decisions need, and builds the equivalent `InputMedia`. Votes, completions and
views stay with the original; a quiz whose answer is not known is described as a quiz in text.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import msgspec
from telethon.tl import types

from ..domain.errors import Rejected
from ..domain.messages import Entity, Media
from . import entities
from .files import reference
from .media_notes import note_for, on_earth
from .peer_cache import Directory, marked

#: Seconds that Telegram allows a poll to stay open (https://core.telegram.org/constructor/poll,
#: `close_period`).
POLL_OPEN_MAX: Final = 2_628_000


class Sender(NamedTuple):
    """The sending account and target, as far as they matter."""

    premium: bool
    directory: Directory
    #: Whether the target is a broadcast channel.
    broadcast: bool = False


def read(kind: str, tl: Any, directory: Directory | None = None) -> Media:
    """Convert a `MessageMedia` that holds no file of its own."""
    media = Media(kind=kind, note=note_for(tl), raw=bytes(_strip(tl)))  # type: ignore[arg-type]  # the table of kinds holds no other
    more = _READ.get(kind)
    return msgspec.structs.replace(media, **more(tl, directory)) if more else media


def as_input(media: Media, sender: Sender, tl: Any) -> Any:
    """Return the `InputMedia` equivalent to `media` (`tl` is its object). Raises Rejected."""
    make = _MAKE.get(media.kind)
    if make is None:
        raise Rejected(f"{media.kind} cannot be sent")
    return make(media, tl, sender)


def titled(text: Any, sender: Sender) -> Any:
    """Return a title with its entities, as far as this sender may set them."""
    sent = entities.to_tl(
        entities.from_tl(text.entities),
        premium=sender.premium,
        input_user=sender.directory.input_user,
        username=sender.directory.username,
    )
    return types.TextWithEntities(text.text, sent)


# -- places, contacts, stories ------------------------------------------------------------------------


def _read_place(tl: Any, _: Directory | None) -> dict[str, Any]:
    named = {"name": tl.title} if isinstance(tl, types.MessageMediaVenue) else {}
    if not on_earth(tl.geo):
        return {**named, "refusal": "without coordinates"}
    return named


def _read_contact(tl: Any, _: Directory | None) -> dict[str, Any]:
    name = f"{tl.first_name} {tl.last_name}".strip()
    words = "\n".join(line for line in (name, tl.phone_number) if line)
    return {"name": tl.phone_number, "words": words}


def _read_story(tl: Any, directory: Directory | None) -> dict[str, Any]:
    peer = marked(tl.peer)
    found: dict[str, Any] = {"name": f"{peer}/{tl.id}"}
    if directory is not None and (username := directory.username(peer)):
        found["note"] = f"a story: https://t.me/{username}/s/{tl.id}"
    if isinstance(tl.story, types.StoryItemDeleted):
        found["refusal"] = "it is gone"
    elif getattr(tl.story, "noforwards", False):
        found["refusal"] = "protected"
    return found


def _point(geo: Any) -> Any:
    return types.InputGeoPoint(geo.lat, geo.long, accuracy_radius=geo.accuracy_radius)


def _place(_: Media, tl: Any, __: Sender) -> Any:
    return types.InputMediaGeoPoint(_point(tl.geo))


def _venue(_: Media, tl: Any, __: Sender) -> Any:
    return types.InputMediaVenue(
        _point(tl.geo), tl.title, tl.address, tl.provider, tl.venue_id, tl.venue_type
    )


def _contact(_: Media, tl: Any, __: Sender) -> Any:
    return types.InputMediaContact(tl.phone_number, tl.first_name, tl.last_name, tl.vcard)


def _story(_: Media, tl: Any, sender: Sender) -> Any:
    try:
        return types.InputMediaStory(sender.directory.input_peer(marked(tl.peer)), tl.id)
    except KeyError:
        raise Rejected("the story's author is not known", error="STORY_ID_INVALID") from None


# -- polls and checklists -----------------------------------------------------------------------------


def correct_answers(tl: Any) -> list[int]:
    """Return the right answers of a quiz, as far as they are shown (they are after a vote)."""
    right = {voters.option for voters in tl.results.results or () if voters.correct}
    return [index for index, answer in enumerate(tl.poll.answers) if answer.option in right]


def _read_poll(tl: Any, _: Directory | None) -> dict[str, Any]:
    poll = tl.poll
    unknown = bool(poll.quiz) and not correct_answers(tl)
    files = [tl.attached_media, tl.results.solution_media, *(answer.media for answer in poll.answers)]
    words = "\n".join([poll.question.text, *(f"○ {answer.text.text}" for answer in poll.answers)])
    return {
        "name": poll.question.text,
        "closed": bool(poll.closed),
        "closes": int(poll.close_date.timestamp()) if poll.close_date else 0,
        "lacks": "the right answer is not shown, copied as an ordinary poll" if unknown else "",
        "partial": unknown and bool(tl.results.min),
        "companions": any(files),
        "words": words,
    }


def _poll(media: Media, tl: Any, sender: Sender) -> Any:
    poll, results = tl.poll, tl.results
    hanging = (lambda _: None) if media.alone else _attach
    right = correct_answers(tl)
    quiz = bool(poll.quiz and right)
    made = types.Poll(
        id=0,
        question=titled(poll.question, sender),
        answers=[
            types.InputPollAnswer(titled(answer.text, sender), media=hanging(answer.media))
            for answer in poll.answers
        ],
        hash=0,
        # A channel may not show who voted for what (BROADCAST_PUBLIC_VOTERS_FORBIDDEN).
        public_voters=bool(poll.public_voters and not sender.broadcast) or None,
        multiple_choice=poll.multiple_choice,
        quiz=quiz or None,
        open_answers=poll.open_answers,
        revoting_disabled=poll.revoting_disabled,
        shuffle_answers=poll.shuffle_answers,
        hide_results_until_close=poll.hide_results_until_close,
        subscribers_only=poll.subscribers_only if sender.broadcast else None,
        countries_iso2=poll.countries_iso2 if sender.broadcast else None,
        close_date=None if media.closed else poll.close_date,
    )
    solved = quiz and results.solution
    return types.InputMediaPoll(
        made,
        correct_answers=right if quiz else None,
        attached_media=hanging(tl.attached_media),
        solution=results.solution if solved else None,
        solution_entities=titled(
            types.TextWithEntities(results.solution, results.solution_entities or []), sender
        ).entities
        if solved
        else None,
        solution_media=hanging(results.solution_media) if solved else None,
    )


def _attach(tl: Any) -> Any:
    """Return the attachment of a poll or answer: a file by reference, a place as it is."""
    if isinstance(tl, types.MessageMediaGeo | types.MessageMediaVenue) and isinstance(tl.geo, types.GeoPoint):
        venue = isinstance(tl, types.MessageMediaVenue)
        return _venue(Media(kind="venue"), tl, None) if venue else types.InputMediaGeoPoint(_point(tl.geo))  # type: ignore[arg-type]  # a place needs no sender
    return reference(tl) if tl is not None else None


def closing(poll: Any) -> Any:
    """Return what closes a poll of ours, as it is in the target."""
    closed = types.Poll(
        poll.id, poll.question, poll.answers, 0, closed=True, public_voters=poll.public_voters,
        multiple_choice=poll.multiple_choice, quiz=poll.quiz,
    )  # fmt: skip
    return types.InputMediaPoll(closed)


def _read_todo(tl: Any, _: Directory | None) -> dict[str, Any]:
    todo = tl.todo
    lines, marks, at = [], [], 0
    for prefix, text in [("", todo.title), *(("▫ ", item.title) for item in todo.list)]:
        start = at + entities.units(prefix)
        marks += [
            msgspec.structs.replace(entity, offset=entity.offset + start)
            for entity in entities.from_tl(text.entities)
        ]
        if not prefix and text.text:
            marks.append(Entity(kind="bold", offset=0, length=entities.units(text.text)))
        lines.append(prefix + text.text)
        at += entities.units(lines[-1]) + 1
    return {
        "name": todo.title.text,
        "words": "\n".join(lines),
        "word_entities": tuple(marks),
        "premium": True,
    }


def _todo(_: Media, tl: Any, sender: Sender) -> Any:
    todo = tl.todo
    items = [types.TodoItem(item.id, titled(item.title, sender)) for item in todo.list]
    return types.InputMediaTodo(
        types.TodoList(
            titled(todo.title, sender), items, others_can_append=todo.others_can_append,
            others_can_complete=todo.others_can_complete,
        )
    )  # fmt: skip


def _strip(tl: Any) -> Any:
    """Remove what only grows: votes, completions, the story itself."""
    if isinstance(tl, types.MessageMediaPoll):
        right = [
            types.PollAnswerVoters(voters.option, correct=True)
            for voters in tl.results.results or ()
            if voters.correct
        ]
        results = types.PollResults(
            results=right, solution=tl.results.solution, solution_entities=tl.results.solution_entities,
            solution_media=tl.results.solution_media,
        )  # fmt: skip
        return types.MessageMediaPoll(tl.poll, results, attached_media=tl.attached_media)
    if isinstance(tl, types.MessageMediaToDo):
        return types.MessageMediaToDo(tl.todo)
    if isinstance(tl, types.MessageMediaStory):
        return types.MessageMediaStory(tl.peer, tl.id)
    return tl


_READ: Final[dict[str, Callable[[Any, Directory | None], dict[str, Any]]]] = {
    "geo": _read_place,
    "geo_live": _read_place,
    "venue": _read_place,
    "contact": _read_contact,
    "story": _read_story,
    "poll": _read_poll,
    "todo": _read_todo,
    "paid": lambda tl, _: {"refusal": "paid"},
}
_MAKE: Final[dict[str, Callable[[Media, Any, Sender], Any]]] = {
    "geo": _place,
    "geo_live": _place,
    "venue": _venue,
    "contact": _contact,
    "story": _story,
    "poll": _poll,
    "todo": _todo,
}
