"""Changes a draft that Telegram has definitely refused, by the cure that `retry` names.

Pure. Promises that nothing disappears silently: what cannot be sent becomes a note in its place. Two cures
are not a change of the draft and leave it as it is: `stream` (move the bytes) and `limits` (plan again).
"""

from __future__ import annotations

import msgspec

from ..model import FILE_KINDS, Account, Draft, Piece, Preview
from .lines import in_words
from .retry import Cure
from .text import Text, join, split, without


def degraded(draft: Draft, what: Cure, *, account: Account, reason: str = "") -> tuple[Draft, ...]:
    """The drafts to send instead, each for pieces of the old one. `reason` goes into a note."""
    change = msgspec.structs.replace
    match what:
        case "reply":
            return (change(draft, reply=None, reply_to_previous=False),)
        case "quote":
            reply = draft.reply
            bare = None if reply is None else type(reply)(id=reply.id)
            return (change(draft, reply=bare),)
        case "entities":
            return (change(draft, pieces=tuple(change(piece, entities=()) for piece in draft.pieces)),)
        case "mentions":
            pieces = tuple(
                change(piece, entities=without(piece.entities, {"mention_name"})) for piece in draft.pieces
            )
            return (change(draft, pieces=pieces),)
        case "preview":
            return (change(draft, preview=Preview(mode="none")),)
        case "as-file":
            return (change(draft, pieces=tuple(_as_file(piece) for piece in draft.pieces)),)
        case "singles":
            return _following(draft, [(piece,) for piece in draft.pieces])
        case "note":
            texts = [text for piece in draft.pieces for text in _noted(piece, account, reason)]
            return _following(draft, [(text,) for text in texts])
        case "stream" | "limits":
            return (draft,)


def _as_file(piece: Piece) -> Piece:
    if piece.media is None or piece.media.kind not in FILE_KINDS - {"sticker"}:
        return piece
    return msgspec.structs.replace(piece, media=msgspec.structs.replace(piece.media, kind="file"))


def _noted(piece: Piece, account: Account, reason: str) -> list[Piece]:
    body = Text(text=piece.text, entities=piece.entities)
    if piece.media is not None:
        body = join((in_words(piece.media, reason), body))
    return [
        Piece(source_id=piece.source_id, text=text.text, entities=text.entities)
        for text in split(body, account.text_max, account.text_max)
    ]


def _following(draft: Draft, groups: list[tuple[Piece, ...]]) -> tuple[Draft, ...]:
    """One draft for each group: the first keeps the reply, the others answer the one before."""
    change = msgspec.structs.replace
    return tuple(
        change(draft, pieces=group)
        if index == 0
        else change(draft, pieces=group, reply=None, reply_to_previous=True, preview=Preview(mode="none"))
        for index, group in enumerate(groups)
    )
