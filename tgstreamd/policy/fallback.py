"""Changes a draft that Telegram has definitely refused, by the cures that `refusals` names for it.

Pure. Promises that nothing disappears silently: what cannot be sent is replaced by a note. Where a file's
bytes are to be transferred instead of its reference, the draft stays unchanged (`moves`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import get_args

import msgspec

from ..domain.messages import FILE_KINDS, TOLD_KINDS, Account, Draft, Entity, Media, Piece, Preview, Value
from ..domain.refusals import Cure
from .captions import in_words
from .text import Text, join, split, units, without

CURES: tuple[Cure, ...] = get_args(Cure)
#: Shortest length (UTF-16 code units) to which a text is cut to be accepted.
SHORT = 256


class Files(Value, frozen=True, kw_only=True):
    """The way each file of a draft is sent, by the source ids of its pieces."""

    #: Sent by reference; the others were uploaded.
    referred: frozenset[int] = frozenset()
    #: Files whose bytes could be transferred instead.
    movable: frozenset[int] = frozenset()


NO_FILES = Files()


def possible(draft: Draft, files: Files, account: Account) -> frozenset[Cure]:
    """Return the cures that would change something about this draft."""
    return frozenset(
        cure
        for cure in CURES
        if moves(draft, cure, files) or degraded(draft, cure, files=files, account=account) != (draft,)
    )


def moves(draft: Draft, what: Cure, files: Files) -> bool:
    """Return whether the cure is to transfer bytes from now on, where a reference was refused."""
    about: dict[Cure, Callable[[Media], bool]] = {
        "stream": lambda media: True,
        "sticker": lambda media: media.kind == "sticker",
        "attachment": lambda media: media.kind != "sticker",
        "as-file": lambda media: _as_file(media) != media,
    }
    chosen = about.get(what)
    return chosen is not None and any(
        piece.media is not None and piece.source_id in files.referred & files.movable and chosen(piece.media)
        for piece in draft.pieces
    )


def degraded(
    draft: Draft, what: Cure, *, account: Account, files: Files = NO_FILES, reason: str = ""
) -> tuple[Draft, ...]:
    """Return the drafts to send instead, each for pieces of the old one. `reason` goes into a note."""
    change = msgspec.structs.replace
    match what:
        case "reply":
            return (change(draft, reply=None, reply_to_previous=False),)
        case "quote":
            reply = draft.reply
            bare = None if reply is None else type(reply)(id=reply.id)
            return (change(draft, reply=bare),)
        case "mentions" | "dates" | "emoji" | "entities":
            return (change(draft, pieces=tuple(_strip_entities(piece, what) for piece in draft.pieces)),)
        case "preview" if draft.pieces[0].media is None:
            return (change(draft, preview=Preview(mode="none")),)
        case "cover":
            return (
                change(draft, pieces=tuple(_without_companions(piece, FILE_KINDS) for piece in draft.pieces)),
            )
        case "as-file":
            changed = [
                piece
                if piece.media is None or piece.source_id in files.referred - files.movable
                else change(piece, media=_as_file(piece.media))
                for piece in draft.pieces
            ]
            return (change(draft, pieces=tuple(changed)),)
        case "singles":
            return _split_into(draft, [(piece,) for piece in draft.pieces])
        case "limits":
            return _shorten(draft, account)
        case "sticker" | "attachment" | "told" | "note":
            return _in_words(draft, what, files, account, reason)
    return (draft,)


def without_media_of(
    draft: Draft, source_id: int, what: Cure, *, account: Account, reason: str
) -> tuple[Draft, ...]:
    """Return the drafts to send instead, where the media of one message cannot be copied as it is."""
    about = [piece for piece in draft.pieces if piece.source_id == source_id and piece.media is not None]
    if not about:
        return (draft,)
    if what == "note":
        return _replace_by_notes(draft, about, account, reason)
    change = msgspec.structs.replace
    pieces = [
        _without_companions(piece, FILE_KINDS)
        if piece in about and what == "cover"
        else change(piece, media=_as_file(piece.media))
        if piece.media is not None and piece in about and what == "as-file"
        else piece
        for piece in draft.pieces
    ]
    return (change(draft, pieces=tuple(pieces)),)


def in_order(drafts: Sequence[Draft]) -> list[Draft]:
    """Return the drafts, with consecutive texts in the order of their originals.

    Items of an album become notes one by one, in the order in which they are found to be lost.
    """
    change = msgspec.structs.replace
    ordered: list[Draft] = []
    for has_media, run in groupby(drafts, lambda draft: any(piece.media for piece in draft.pieces)):
        places = list(run)
        texts = places if has_media else sorted(places, key=lambda draft: draft.pieces[0].source_id)
        ordered += [
            change(text, reply=place.reply, reply_to_previous=place.reply_to_previous)
            for place, text in zip(places, texts, strict=True)
        ]
    return ordered


def _strip_entities(piece: Piece, what: Cure) -> Piece:
    kinds = {"mentions": {"mention_name"}, "dates": {"formatted_date"}, "emoji": {"custom_emoji"}}
    left: tuple[Entity, ...] = without(piece.entities, kinds[what]) if what in kinds else ()
    return msgspec.structs.replace(piece, entities=left)


def _without_companions(piece: Piece, kinds: frozenset[str]) -> Piece:
    """Remove the companion files of its media: a cover, the moving part of a live photo, those of a poll."""
    media = piece.media
    if media is None or media.kind not in kinds or not media.companions:
        return piece
    return msgspec.structs.replace(piece, media=msgspec.structs.replace(media, alone=True))


def _as_file(media: Media) -> Media:
    if media.kind not in FILE_KINDS - {"sticker"}:
        return media
    return msgspec.structs.replace(media, kind="file")


def _in_words(draft: Draft, what: Cure, files: Files, account: Account, reason: str) -> tuple[Draft, ...]:
    """Remove the media that the cure concerns; their replacement follows as a reply to the rest."""
    if what == "attachment":
        pieces = tuple(_without_companions(piece, frozenset({"poll"})) for piece in draft.pieces)
        draft = msgspec.structs.replace(draft, pieces=pieces)
    stuck = files.referred - files.movable

    def goes(piece: Piece) -> bool:
        media = piece.media
        if media is None:
            return False
        told, here = media.kind in TOLD_KINDS, piece.source_id in stuck
        match what:
            case "sticker":
                return here and media.kind == "sticker"
            case "attachment":
                return (media.kind == "rich" and media.companions) or (
                    here and not told and media.kind != "sticker"
                )
            case "told":
                return told
        return True

    gone = [piece for piece in draft.pieces if goes(piece)]
    return _replace_by_notes(draft, gone, account, reason) if gone else (draft,)


def _replace_by_notes(draft: Draft, gone: list[Piece], account: Account, reason: str) -> tuple[Draft, ...]:
    """Remove these pieces; their replacement text follows."""
    left = tuple(piece for piece in draft.pieces if piece not in gone)
    texts = [text for piece in gone for text in _note_pieces(piece, account, reason)]
    return _split_into(draft, [*([left] if left else []), *[(text,) for text in texts]])


def _shorten(draft: Draft, account: Account) -> tuple[Draft, ...]:
    """Cut its texts in halves, regardless of the account's usual limits."""
    longest = max(units(piece.text) for piece in draft.pieces)
    most = max(SHORT, -(-longest // 2))
    first: list[Piece] = []
    rest: list[tuple[Piece, ...]] = []
    for piece in draft.pieces:
        parts = split(Text(text=piece.text, entities=piece.entities), most, most)
        head, *more = parts or [Text()]
        first.append(msgspec.structs.replace(piece, text=head.text, entities=head.entities))
        rest += [(Piece(source_id=piece.source_id, text=t.text, entities=t.entities),) for t in more]
    return _split_into(draft, [tuple(first), *rest])


def _note_pieces(piece: Piece, account: Account, reason: str) -> list[Piece]:
    body = Text(text=piece.text, entities=piece.entities)
    if piece.media is not None:
        body = join((in_words(piece.media, reason), body))
    return [
        Piece(source_id=piece.source_id, text=text.text, entities=text.entities)
        for text in split(body, account.text_max, account.text_max)
    ]


def _split_into(draft: Draft, groups: list[tuple[Piece, ...]]) -> tuple[Draft, ...]:
    """Return one draft for each group: the first keeps the reply, the others answer the one before."""
    change = msgspec.structs.replace
    return tuple(
        change(draft, pieces=group)
        if index == 0
        else change(draft, pieces=group, reply=None, reply_to_previous=True, preview=Preview(mode="none"))
        for index, group in enumerate(groups)
    )
