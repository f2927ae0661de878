"""Describes each media kind that is not copied in a phrase for readers: `a poll: "Lunch?"`.

Only texts, from the fields of the TL object; decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from telethon.tl import types


def note_for(media: Any) -> str:
    """Return a description of the media; never empty."""
    write = _NOTES.get(type(media))
    return write(media) if write else "something that this version does not know"


def _quoted(what: str, text: str) -> str:
    text = " ".join(text.split())
    return f'{what}: "{text[:60]}{"…" if len(text) > 60 else ""}"' if text else what


def _place(media: Any) -> str:
    geo = media.geo
    return f": {geo.lat:.5f}, {geo.long:.5f}" if on_earth(geo) else ""


def on_earth(geo: Any) -> bool:
    """Return whether a place has valid coordinates."""
    return isinstance(geo, types.GeoPoint) and abs(geo.lat) <= 90 and abs(geo.long) <= 180


def _contact(media: Any) -> str:
    return _quoted("a contact", f"{media.first_name} {media.last_name}")


_NOTES: Final[dict[type, Callable[[Any], str]]] = {
    types.MessageMediaGeo: lambda m: f"a place{_place(m)}",
    # A live location moves, and a copy would not, so its position is left out.
    types.MessageMediaGeoLive: lambda _m: "a live location",
    types.MessageMediaVenue: lambda m: _quoted("a venue", m.title),
    types.MessageMediaContact: _contact,
    types.MessageMediaPoll: lambda m: _quoted("a quiz" if m.poll.quiz else "a poll", m.poll.question.text),
    types.MessageMediaDice: lambda m: f"a throw of {m.emoticon}: {m.value}",
    types.MessageMediaToDo: lambda m: _quoted("a checklist", m.todo.title.text),
    types.MessageMediaGame: lambda m: _quoted("a game", m.game.title),
    types.MessageMediaInvoice: lambda m: _quoted("an invoice", m.title),
    types.MessageMediaStory: lambda _m: "a story",
    types.MessageMediaGiveaway: lambda m: f"a giveaway of {m.quantity}",
    types.MessageMediaGiveawayResults: lambda m: f"results of a giveaway: {m.winners_count} winners",
    types.MessageMediaPaidMedia: lambda m: f"paid media for {m.stars_amount} stars",
    types.MessageMediaVideoStream: lambda _m: "a live stream",
    types.MessageMediaUnsupported: lambda _m: "something newer than this version",
}
