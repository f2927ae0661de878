"""Converts rich messages: pages of blocks, sent again as pages, or flattened to text if Telegram refuses
that.

A page is no `MessageMedia`, and its message may have no text at all
(https://core.telegram.org/api/rich-messages). Its pictures and files go by reference. Flattening loses
layout, never text.
"""

from __future__ import annotations

import copy
from typing import Any, Final

from telethon.tl import types

from ..domain.messages import Entity, Media
from .entities import units
from .files import document_id, photo_id
from .peer_cache import Directory

#: Our entity kind by kind of formatted text.
_MARKS: Final[dict[type, str]] = {
    types.TextBold: "bold",
    types.TextItalic: "italic",
    types.TextUnderline: "underline",
    types.TextStrike: "strike",
    types.TextFixed: "code",
    types.TextSpoiler: "spoiler",
}
_HEADINGS: Final = (
    types.PageBlockTitle, types.PageBlockHeader, types.PageBlockHeading1, types.PageBlockHeading2,
    types.PageBlockHeading3, types.PageBlockHeading4, types.PageBlockHeading5, types.PageBlockHeading6,
)  # fmt: skip
_FILES: Final[dict[type, str]] = {
    types.PageBlockPhoto: "[a picture]",
    types.PageBlockVideo: "[a video]",
    types.PageBlockAudio: "[a sound]",
    types.PageBlockDocument: "[a file]",
    types.PageBlockMap: "[a map]",
    types.PageBlockEmbed: "[something embedded]",
    types.PageBlockUnsupported: "[something newer than this version]",
}


def read(page: Any, text: str) -> Media:
    """Convert the page of a message; `text` is the message's own, if it has one."""
    flat = Flat()
    flat.blocks(page.blocks)
    words, marks = flat.done()
    return Media(
        kind="rich",
        note="a rich message",
        words=words or text,
        word_entities=marks if words else (),
        companions=bool(page.photos or page.documents),
        partial=bool(page.part),
        raw=bytes(page),
    )


def as_input(page: Any, directory: Directory) -> Any:
    """Return the `InputRichMessage` of a received page."""
    people = [user for who in sorted(_people(page)) if (user := directory.input_user(who)) is not None]
    return types.InputRichMessage(
        blocks=[_sendable(block) for block in page.blocks],
        rtl=page.rtl,
        photos=[found for photo in page.photos or () if (found := photo_id(photo))] or None,
        documents=[found for file in page.documents or () if (found := document_id(file))] or None,
        users=people or None,
    )


def _people(tl: Any) -> set[int]:
    """Return the users mentioned by name anywhere in the page."""
    if isinstance(tl, types.TextMentionName):
        return {tl.user_id} | _people(tl.text)
    if isinstance(tl, list):
        return {who for each in tl for who in _people(each)}
    return {who for each in vars(tl).values() for who in _people(each)} if hasattr(tl, "to_dict") else set()


def _sendable(tl: Any) -> Any:
    """Convert a received block to its input form: only maps have a different constructor."""
    if isinstance(tl, types.PageBlockMap) and isinstance(tl.geo, types.GeoPoint):
        geo = types.InputGeoPoint(tl.geo.lat, tl.geo.long)
        return types.InputPageBlockMap(geo, tl.zoom, tl.w, tl.h, tl.caption)
    changed = {
        name: [_sendable(each) for each in value]
        for name, value in vars(tl).items()
        if name in ("items", "blocks") and isinstance(value, list)
    }
    if not changed:
        return tl
    made = copy.copy(tl)
    vars(made).update(changed)
    return made


class Flat:
    """A text built block by block."""

    def __init__(self) -> None:
        self._text: list[str] = []
        self._at = 0
        self._marks: list[Entity] = []

    def done(self) -> tuple[str, tuple[Entity, ...]]:
        whole = "".join(self._text).rstrip("\n")
        end = units(whole)
        kept = [mark for mark in self._marks if mark.length and mark.offset + mark.length <= end]
        return whole, tuple(kept)

    def blocks(self, blocks: Any, prefix: str = "") -> None:
        for block in blocks:
            self.block(block, prefix)

    def block(self, block: Any, prefix: str = "") -> None:
        """Append one block: its own text, then the text of the blocks in it."""
        start = self._at
        self._add(prefix)
        before = self._at
        match block:
            case types.PageBlockDivider():
                self._add("———")
            case types.PageBlockTable():
                self._table(block)
            case types.PageBlockList() | types.PageBlockOrderedList():
                self._list(block)
            case types.PageBlockMath():
                self._add(block.source)
            case _:
                if (what := _FILES.get(type(block))) is not None:
                    self._add(what)
                self._parts(block)
        if self._at == before:
            self._drop(start)
            return
        if isinstance(block, _HEADINGS):
            self._mark("bold", before)
        elif isinstance(block, types.PageBlockBlockquote | types.PageBlockPullquote):
            self._mark("blockquote", before)
        elif isinstance(block, types.PageBlockPreformatted):
            self._mark("pre", before, language=block.language)
        self._line()

    def _parts(self, block: Any) -> None:
        for name in ("text", "title", "author"):
            if (value := getattr(block, name, None)) is not None:
                self.text(value)
        for name in ("blocks", "items"):
            if getattr(block, name, None):
                self._line()
                self.blocks(getattr(block, name))
        if (cover := getattr(block, "cover", None)) is not None:
            self.block(cover)
        caption = getattr(block, "caption", None)
        for value in (caption,) if not isinstance(caption, types.PageCaption) else vars(caption).values():
            if value is not None and not isinstance(value, types.TextEmpty):
                self._add(" ")
                self.text(value)

    def _table(self, table: Any) -> None:
        self.text(table.title)
        self._line()
        for row in table.rows:
            for number, cell in enumerate(row.cells):
                self._add(" | " if number else "")
                if cell.text is not None:
                    self.text(cell.text)
            self._line()

    def _list(self, block: Any) -> None:
        for number, item in enumerate(block.items, getattr(block, "start", None) or 1):
            ordered = isinstance(block, types.PageBlockOrderedList)
            mark = ("☑ " if item.checked else "☐ ") if item.checkbox else "• "
            self._add(f"{getattr(item, 'num', None) or f'{number}.'} " if ordered else mark)
            if hasattr(item, "blocks"):
                self.blocks(item.blocks)
            else:
                self.text(item.text)
            self._line()

    def text(self, rich: Any) -> None:
        """Append a formatted text with the formats that we know."""
        start = self._at
        match rich:
            case str():
                self._add(rich)
            case types.TextPlain():
                self._add(rich.text)
            case types.TextConcat():
                for each in rich.texts:
                    self.text(each)
            case types.TextCustomEmoji():
                self._add(rich.alt)
                self._mark("custom_emoji", start, document_id=rich.document_id)
            case types.TextMath():
                self._add(rich.source)
            case types.TextUrl():
                self.text(rich.text)
                self._mark("text_url", start, url=rich.url)
            case types.TextMentionName():
                self.text(rich.text)
                self._mark("mention_name", start, user_id=rich.user_id)
            case _:
                if getattr(rich, "text", None) is not None:
                    self.text(rich.text)
                if (kind := _MARKS.get(type(rich))) is not None:
                    self._mark(kind, start)

    def _add(self, words: str) -> None:
        if not words:
            return
        self._text.append(words)
        self._at += units(words)

    def _mark(self, kind: str, start: int, **args: Any) -> None:
        if self._at > start:
            self._marks.append(Entity(kind=kind, offset=start, length=self._at - start, args=args))

    def _line(self) -> None:
        if self._text and not "".join(self._text[-1:]).endswith("\n"):
            self._add("\n")

    def _drop(self, start: int) -> None:
        """Remove a prefix that nothing followed."""
        while self._at > start:
            self._at -= units(self._text.pop())
