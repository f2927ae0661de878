"""What happens to posts afterwards, and in a forum; and whether the copies show it.

Looks with the author's own client, by plain requests; shares no code with the program.
"""

from __future__ import annotations

import secrets
from functools import partial
from typing import Any

from telethon import errors
from telethon.tl import functions, types

from tgstreamd.telegram.translate import name_of

from .posts import Poster
from .stage import Group, sent_ids


async def pin_before(poster: Poster) -> None:
    """Two posts are pinned in the history; one will not stay so."""
    for entry in ("to be pinned for a while", "to be pinned"):
        await _change(poster, f"pin {entry!r}", _pin(poster, entry))


async def change(poster: Poster) -> None:
    """Edits of a text and of a caption, a deletion, a post unpinned."""
    ids, group = poster.ids, poster.group
    peer = await poster.client.get_input_entity(group.id)
    edit = functions.messages.EditMessageRequest
    if "to be edited" in ids:
        await _change(poster, "edit a text", edit(peer, ids["to be edited"][0], message="edited since"))
    if "photo to be edited" in ids:
        request = edit(peer, ids["photo to be edited"][0], message="a caption, edited since")
        await _change(poster, "edit a caption", request)
    if "to be deleted" in ids:
        request = functions.channels.DeleteMessagesRequest(peer, ids["to be deleted"])
        await _change(poster, "delete a post", request)
    await _change(poster, "unpin a post", _pin(poster, "to be pinned for a while", unpin=True))


def _pin(poster: Poster, entry: str, *, unpin: bool = False) -> Any:
    number = poster.ids.get(entry, [0])[0]
    return functions.messages.UpdatePinnedMessageRequest(
        poster.group.id, number, silent=True, unpin=unpin or None
    )


async def _change(poster: Poster, what: str, request: Any) -> Any:
    try:
        return await poster.client(request)
    except errors.RPCError as error:
        poster.refused[what] = name_of(error)
        return None


async def pinned(client: Any, group: Group) -> list[str]:
    """The texts of what is pinned, newest first."""
    found = await client(
        functions.messages.SearchRequest(
            group.id, "", types.InputMessagesFilterPinned(), None, None, 0, 0, 100, 0, 0, 0
        )
    )
    return [message.message for message in found.messages if isinstance(message, types.Message)]


async def post_topics(poster: Poster) -> None:
    """Two topics with posts of their own, one renamed, one closed, and a post in General."""
    made: dict[str, int] = {}
    for title in ("Alpha", "Beta"):
        request = functions.messages.CreateForumTopicRequest(
            poster.group.id, title, random_id=secrets.randbits(62) + 1
        )
        answer = await _change(poster, f"create topic {title}", request)
        if answer is not None:
            made[title] = sent_ids(answer)[0]
    for title, topic in made.items():
        await poster.post(f"in {title}", partial(_say, f"the first post of {title}", topic, None))
        first = poster.ids.get(f"in {title}", [topic])[0]
        await poster.post(f"reply in {title}", partial(_say, f"a reply in {title}", topic, first))
    await poster.post("in General", lambda p: p.text("a post in General"))
    edit = functions.messages.EditForumTopicRequest
    if "Alpha" in made:
        request = edit(poster.group.id, made["Alpha"], title="Alpha renamed")
        await _change(poster, "rename a topic", request)
    if "Beta" in made:
        await _change(poster, "close a topic", edit(poster.group.id, made["Beta"], closed=True))


async def _say(text: str, topic: int, to: int | None, poster: Poster) -> list[int]:
    reply = types.InputReplyToMessage(to or topic, top_msg_id=topic if to else None)
    return await poster.text(text, reply_to=reply)


async def topics(client: Any, group: Group) -> dict[str, tuple[bool, list[str]]]:
    """Each topic by its title: whether it is closed, and what is said in it, oldest first."""
    listed = await client(functions.messages.GetForumTopicsRequest(group.id, None, 0, 0, 100))
    found: dict[str, tuple[bool, list[str]]] = {}
    for topic in listed.topics:
        if isinstance(topic, types.ForumTopic):
            replies = await client(
                functions.messages.GetRepliesRequest(group.id, topic.id, 0, None, 0, 100, 0, 0, 0)
            )
            said = [m.message for m in replies.messages if isinstance(m, types.Message)]
            found[topic.title] = bool(topic.closed), said[::-1]
    return found
