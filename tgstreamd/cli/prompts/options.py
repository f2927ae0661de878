"""The mirror options with consequences: their values, what they cost, and the proposed default.

Only texts; costs are those of the chat in question where known.
"""

from __future__ import annotations

import msgspec

#: Values of `history`, widest first, and their meaning.
HISTORIES = (
    ("all", "everything that was ever posted"),
    ("365d", "the last year"),
    ("90d", "the last three months"),
    ("30d", "the last month"),
    ("none", "new posts only"),
)


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """One key, its question, and its options with their meaning; `{hours}` is the history's duration at the
    pace."""

    key: str
    question: str
    options: tuple[tuple[str, str], ...]
    #: The option proposed for sources of these kinds; otherwise the first one.
    second_for: tuple[str, ...] = ()
    #: The sentence for the file's comment.
    on_this_chat: str = ""

    def proposed(self, kind: str) -> int:
        return 1 if kind in self.second_for else 0

    def cost(self, hours: str | None) -> str:
        return self.on_this_chat.format(hours=hours) if hours and self.on_this_chat else ""


CHOICES = (
    Choice(
        key="order",
        question="order: history and new posts",
        options=(
            ("live-first", "new posts overtake a history that still takes over 15 min"),
            ("source", "strictly in order: new posts wait {hours}"),
        ),
        on_this_chat='"source" would keep new posts waiting for {hours}.',
    ),
    Choice(
        key="deletes",
        question="deletes: when the source deletes a message",
        options=(("keep", "the copy stays"), ("mirror", "the copy is deleted too")),
    ),
    Choice(
        key="transfer",
        question="transfer: how files are copied",
        options=(
            ("reference", "Telegram copies them itself where it may; streamed else"),
            ("stream", "an independent copy; slower, counts against upload limits"),
            ("reference-only", "no byte is moved; what cannot be copied so is noted"),
        ),
        on_this_chat="{hours} at the pace either way, unless files are large and streamed.",
    ),
    Choice(
        key="attribution",
        question="attribution: a line with who wrote a message",
        options=(("none", "no line"), ("author", "the name"), ("author-link", "the name, with a link")),
        second_for=("supergroup", "group"),
    ),
)
