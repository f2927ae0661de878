"""Questions that only Telegram itself answers: what its documentation leaves open, and we rely on.

Each is asked in the author's chat by the author, costs a few calls, and answers with one sentence of its own
words. A refusal is an answer. None tells anything about a person.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from typing import Any

from telethon import errors, utils
from telethon.tl import functions, types

from tgstreamd.telegram.translate import name_of

from .files import noise, png
from .posts import Poster
from .stage import sent_ids

E = types
PART = 512 * 1024


def random_id() -> int:
    return secrets.randbits(62) + 1


async def repeat(p: Poster) -> str:
    """The same call under the same random_id; again after the message was deleted."""
    number = random_id()
    first = sent_ids(await _send(p, "said once", number))
    again = sent_ids(await _send(p, "said once", number))
    said = "the same message" if first == again else f"other ids ({len(again)} of them)"
    await p.client.delete_messages(p.group.id, first)
    try:
        answer = await _send(p, "said once", number)
    except errors.RPCError as error:
        return f"a repeat answers with {said}; after the message was deleted with {name_of(error)}"
    kinds = sorted({type(update).__name__ for update in answer.updates})
    what = "the old id" if sent_ids(answer) == first else f"{len(sent_ids(answer))} other ids"
    return f"a repeat answers with {said}; after the message was deleted with {what} in {', '.join(kinds)}"


async def _send(p: Poster, text: str, number: int) -> Any:
    peer = await p.client.get_input_entity(p.group.id)
    return await p.client(functions.messages.SendMessageRequest(peer, text, random_id=number))


async def difference(p: Poster) -> str:
    """Whether a difference brings UpdateMessageID of our own sends."""
    channel = await p.client.get_input_entity(p.group.id)
    full = await p.client(functions.channels.GetFullChannelRequest(channel))
    number = random_id()
    await _send(p, "looked for in the difference", number)
    found = await p.client(
        functions.updates.GetChannelDifferenceRequest(
            channel, E.ChannelMessagesFilterEmpty(), full.full_chat.pts, 100
        )
    )
    others = getattr(found, "other_updates", [])
    brought = any(isinstance(u, E.UpdateMessageID) and u.random_id == number for u in others)
    return (
        f"a {type(found).__name__} {'brings' if brought else 'does not bring'} the UpdateMessageID of a send"
    )


async def same_photo(p: Poster) -> str:
    """Whether a photo that is sent on by reference keeps its id."""
    made = await _message_of(p, await p.media(await p.picture(71)))
    photo = made.media.photo
    again = E.InputMediaPhoto(E.InputPhoto(photo.id, photo.access_hash, photo.file_reference))
    second = await _message_of(p, await p.media(again))
    return "a photo sent on keeps its id" if second.media.photo.id == photo.id else "its id changes"


async def _message_of(p: Poster, ids: list[int]) -> Any:
    return await p.client.get_messages(p.group.id, ids=ids[0])


async def stream_of_unknown_size(p: Poster) -> str:
    """A streamed upload that ends exactly on a part: with an empty last part, and without."""
    with_empty = await _streamed(p, close_with_empty=True)
    without = await _streamed(p, close_with_empty=False)
    return f"with an empty last part: {with_empty}; without: {without}"


async def _streamed(p: Poster, *, close_with_empty: bool) -> str:
    file_id, save = random_id(), functions.upload.SaveBigFilePartRequest
    try:
        for part in range(2):
            last = part == 1 and not close_with_empty
            await p.client(save(file_id, part, 2 if last else -1, noise(PART, part)))
        if close_with_empty:
            await p.client(save(file_id, 2, 2, b""))
        media = E.InputMediaUploadedDocument(
            E.InputFileBig(file_id, 2, "stream.bin"), "application/octet-stream", []
        )
        made = await _message_of(p, await p.media(media))
    except errors.RPCError as error:
        return name_of(error)
    return f"a file of {made.media.document.size} bytes (sent {2 * PART})"


async def caption_unit(p: Poster) -> str:
    """Whether captions are counted in characters or in UTF-16 units."""
    try:
        await p.media(await p.picture(72), "🎉" * 1000)
    except errors.RPCError as error:
        return f"a caption of 1,000 characters that are 2,000 UTF-16 units: {name_of(error)}"
    return "a caption of 1,000 characters that are 2,000 UTF-16 units is taken"


async def poll_answers(p: Poster) -> str:
    """`pollAnswer` and `inputPollAnswer` in a new poll."""
    found = []
    for made in (E.PollAnswer, E.InputPollAnswer):
        words = [E.TextWithEntities(f"answer {n}", []) for n in range(2)]
        answers = [
            made(text, b"%d" % n) if made is E.PollAnswer else made(text) for n, text in enumerate(words)
        ]
        try:
            await p.media(E.InputMediaPoll(E.Poll(0, E.TextWithEntities("Which?", []), answers, 0)))
            found.append(f"{made.__name__} is taken")
        except errors.RPCError as error:
            found.append(f"{made.__name__}: {name_of(error)}")
    return "; ".join(found)


async def page_text(p: Poster) -> str:
    """Whether a page's message has a text as well."""
    blocks = [E.PageBlockParagraph(E.TextPlain("Only in the page."))]
    ids = await p.text("", rich_message=E.InputRichMessage(blocks))
    made = await _message_of(p, ids)
    return f"a page is taken; its message's own text is {'empty' if not made.message else 'not empty'}"


async def own_name(p: Poster) -> str:
    """Whether a link under `@name` keeps Telegram from making a mention of it."""
    ids = await p.text("@telegram", E.MessageEntityTextUrl(0, 9, "https://t.me/telegram"))
    made = await _message_of(p, ids)
    kinds = [type(entity).__name__ for entity in made.entities or ()]
    return f"@name under a link carries {', '.join(kinds) or 'nothing'}"


async def migrated_group(p: Poster) -> str:
    """The error of a send to a basic group that has become a supergroup."""
    made = await p.client(functions.messages.CreateChatRequest([], "tgstreamd live group"))
    updates = getattr(made, "updates", made)
    old = next(chat for chat in updates.chats if isinstance(chat, E.Chat))
    moved = await p.client(functions.messages.MigrateChatRequest(old.id))
    channel = next(chat for chat in moved.chats if isinstance(chat, E.Channel))
    try:
        await p.client(functions.messages.SendMessageRequest(E.InputPeerChat(old.id), "to the old one"))
        said = "is taken"
    except errors.RPCError as error:
        said = f"is refused with {name_of(error)}"
    finally:
        await p.client(functions.channels.DeleteChannelRequest(utils.get_input_channel(channel)))
    return f"a send to a basic group that has moved {said}"


async def photo_from_noise(p: Poster) -> str:
    """The error for a photo that no decoder reads."""
    try:
        file = await p.upload(png(64, 64, 1)[:60] + noise(500, 1), "broken.png")
        await p.media(E.InputMediaUploadedPhoto(file))
    except errors.RPCError as error:
        return f"a broken picture as a photo: {name_of(error)}"
    return "a broken picture is taken as a photo"


PROBES: dict[str, Callable[[Poster], Awaitable[str]]] = {
    "a repeated random_id": repeat,
    "UpdateMessageID in a difference": difference,
    "the id of a photo sent on": same_photo,
    "a stream that ends on a part": stream_of_unknown_size,
    "the unit of captions": caption_unit,
    "answers of polls": poll_answers,
    "the text of a page": page_text,
    "a link under a name": own_name,
    "a group that has moved": migrated_group,
    "a picture that cannot be read": photo_from_noise,
}
#: What a run of minutes cannot find out.
NOT_ASKED = {
    "how long a file reference lives": "it takes hours",
    "files over 2,000 MiB by reference from a free account": "it takes a Premium account's upload of one",
    "what an album costs against the limits": "only a flood would tell; the waits above are all that came",
    "CDN data centres": "only files of channels with over 100,000 members lie there",
}


async def ask(poster: Poster) -> dict[str, str]:
    """All answers by question."""
    found: dict[str, str] = {}
    for question, probe in PROBES.items():
        try:
            found[question] = await probe(poster)
        except errors.RPCError as error:
            found[question] = f"refused with {name_of(error)}"
        # A server may answer with what the question did not expect: that is worth a line, not the run.
        except (AttributeError, LookupError, ValueError, StopIteration, TypeError) as error:
            found[question] = f"not understood: {type(error).__name__}"
    return found
