"""Decides whether a message of the target is the copy of an attempt or of an unsent job.

Pure. Compares only what the server leaves unchanged: text without entities and white space, the committed id
of a media, else its kind and shape. Searches nothing itself: candidates are arguments.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Sequence

from ..domain.messages import GENERAL_TOPIC, TOLD_KINDS, Media, Message, Piece, Topic
from .text import squeeze

#: Matches in the source's order that prove a target to hold copies already.
ENOUGH = 3
#: Characters from which a copy that is only part of the source's text (a split one) is recognised.
PART_OF_TEXT = 200
#: Characters from which a text may have been split into several messages.
SPLITTABLE = 1000
#: Kinds that carry pixels; a video may come back as a GIF and the other way round.
MOVING: frozenset[str] = frozenset({"video", "gif", "round"})


def fingerprint(piece: Piece, committed_id: int = 0) -> str:
    """Return a short key that identifies a piece in the target without containing its text.

    `committed_id`: the photo's or document's id under which it is sent (by reference: its own); 0 where that
    is not known.
    """
    media = ""
    if piece.media is not None:
        media = f"{committed_id}:{shape(piece.media)}"
    return f"{_digest(piece.text)}/{media}"


def as_it_stands(copy: Message) -> str:
    """Return the fingerprint of a message of the target that is to stay as it is."""
    return fingerprint(Piece(source_id=0, text=copy.text, media=copy.media), copy.media_id)


def matches(message: Message, print_: str) -> bool:
    """Return whether `message` may be what was sent with this fingerprint."""
    text, _, media = print_.partition("/")
    if _digest(message.text) != text:
        return False
    # A link preview is no media; a sent media must be there, and no other may be.
    if not media or message.media is None:
        return not media and message.media is None
    known, _, looks = media.partition(":")
    if known != "0" and message.media.id:
        return str(message.media.id) == known
    return shape(message.media) == looks


def known_copies(
    jobs: Sequence[Sequence[Message]],
    candidates: Sequence[Message],
    also: Callable[[Message], Message] | None = None,
) -> list[tuple[int, int]]:
    """Return which candidates look like copies of which jobs: (index of the job, id in the target), in order.

    `jobs` are the source messages of unsent jobs in the source's order, `candidates` messages of the target
    that no job maps, by id. Finds the longest chain of pairs in which both ascend; an album's items, and the
    parts of a split text, share their job. `also` returns another form that a copy may have: a mirror that
    replaces words makes other copies than before. Takes seconds for a hundred thousand jobs: call it off the
    loop.
    """
    known = [[_Look(message) for message in job] for job in jobs]
    if also is not None:
        for looks, job in zip(known, jobs, strict=True):
            looks += [_Look(other) for message in job if (other := also(message)) is not message]
    exact: dict[tuple[str, int, str], list[int]] = {}
    for index, looks in enumerate(known):
        for look in looks:
            exact.setdefault(look.key, []).append(index)
    # Longest increasing subsequence: heads[n] is the smallest job that ends a chain of n + 1 pairs.
    heads: list[int] = []
    ends: list[_Link] = []
    for message in candidates:
        copy = _Look(message)
        if not copy.text and copy.media is None:
            continue
        likely = exact.get(copy.key)
        if likely is None:
            likely = [i for i, looks in enumerate(known) if any(_resembles(look, copy) for look in looks)]
        for index in sorted(set(likely), reverse=True):
            at = bisect_left(heads, index)
            again = at < len(heads) and heads[at] == index and _may_be_split(jobs[index])
            before = ends[at] if again else ends[at - 1] if at else None
            link = _Link(index, message.id, before)
            if at == len(heads):
                heads.append(index)
                ends.append(link)
            else:
                heads[at], ends[at] = index, link
    chain: list[tuple[int, int]] = []
    last = ends[-1] if ends else None
    while last is not None:
        chain.append((last.job, last.copy))
        last = last.before
    return chain[::-1]


def holds_copies(pairs: Sequence[tuple[int, int]], *, jobs: int, candidates: int) -> bool:
    """Return whether these pairs show that the target holds copies: three, or all where there are fewer."""
    return bool(pairs) and len(pairs) >= min(ENOUGH, jobs, candidates)


def of_album(job: Sequence[Message], copies: Sequence[Message]) -> dict[int, tuple[int, ...]]:
    """Return the ids of a job's copies by source id; a single message gets all of them."""
    if len(job) == 1:
        return {job[0].id: tuple(copy.id for copy in copies)}
    left = list(job)
    found: dict[int, tuple[int, ...]] = {}
    for copy in copies:
        look = _Look(copy)
        alike = next((m for m in left if _resembles(_Look(m), look)), None)
        if alike is not None:
            left.remove(alike)
            found[alike.id] = (copy.id,)
    return found


def known_topics(
    jobs: Sequence[Sequence[Message]],
    pairs: Sequence[tuple[int, int]],
    candidates: Sequence[Message],
    unmade: Sequence[Topic],
    made: Sequence[Topic],
) -> dict[int, int]:
    """Return the copies of the source's topics in the target, each found by most of the copies that it holds.

    `pairs` as `known_copies` returns them. A topic without copies is found by its title, if that is unique:
    `unmade` are topics of the source, `made` those of the target that this account has created.
    """
    stands = {message.id: message.topic for message in candidates}
    votes: Counter[tuple[int, int]] = Counter()
    for job, copy in pairs:
        there, here = jobs[job][0].topic or GENERAL_TOPIC, stands.get(copy) or GENERAL_TOPIC
        if GENERAL_TOPIC not in (there, here):
            votes[there, here] += 1
    found: dict[int, int] = {}
    for (there, here), _ in votes.most_common():
        if there not in found and here not in found.values():
            found[there] = here
    titles = Counter(topic.title for topic in unmade), Counter(topic.title for topic in made)
    by_title = {topic.title: topic.id for topic in made}
    for topic in unmade:
        alone = titles[0][topic.title] == titles[1][topic.title] == 1
        if topic.id not in found and alone and by_title[topic.title] not in found.values():
            found[topic.id] = by_title[topic.title]
    return found


class _Look:
    """A message reduced to the compared properties."""

    __slots__ = ("key", "media", "text")

    def __init__(self, message: Message) -> None:
        self.media = message.media
        self.text = squeeze(message.text)
        media = message.media
        size = 0 if media is None or media.kind == "photo" else media.size
        self.key = (self.text, size, "" if media is None else shape(media))


class _Link:
    """One pair of a chain and the pair before it."""

    __slots__ = ("before", "copy", "job")

    def __init__(self, job: int, copy: int, before: _Link | None) -> None:
        self.job = job
        self.copy = copy
        self.before = before


def _may_be_split(job: Sequence[Message]) -> bool:
    """Return whether a job becomes several messages: an album, or a text that may have been split."""
    return len(job) > 1 or len(job[0].text) > SPLITTABLE


def _resembles(original: _Look, copy: _Look) -> bool:
    ours, theirs = original.media, copy.media
    if ours is None:
        if theirs is not None or not original.text:
            return False
    elif theirs is None:
        return False
    elif ours.kind in TOLD_KINDS or theirs.kind in TOLD_KINDS:
        return shape(ours) == shape(theirs) and _is_contained(original.text, copy.text)
    elif ours.kind == "photo" or theirs.kind == "photo":
        if (ours.kind, ours.width, ours.height) != (theirs.kind, theirs.width, theirs.height):
            return False
    elif (ours.size, ours.mime) != (theirs.size, theirs.mime):
        return False
    return _is_contained(original.text, copy.text)


def _is_contained(original: str, copy: str) -> bool:
    """Return whether the source's text is in the copy, or the copy is a part of a long text.

    The copy may have added lines around it.
    """
    if f" {original} " in f" {copy} " or not original:
        return True
    return len(copy) >= PART_OF_TEXT and copy in original


def _digest(text: str) -> str:
    return hashlib.sha256(squeeze(text).encode("utf-8", "surrogatepass")).hexdigest()[:24]


def shape(media: Media) -> str:
    """Return the compared properties of a media besides its id: its kind, and what the server leaves
    unchanged.
    """
    kind = "moving" if media.kind in MOVING else media.kind
    if kind in TOLD_KINDS:
        # A live location is sent as the place where it was.
        return f"{kind.removesuffix('_live')}:{_digest(media.name)}"
    if kind in ("photo", "live_photo"):
        kind = "photo"
        return f"photo:{media.width}x{media.height}"
    return f"{kind}:{media.width}x{media.height}:{media.size}:{media.mime}"


def differs(message: Message, print_: str) -> str:
    """Return how a copy differs from what was sent with this fingerprint: `text`, `media`, or nothing."""
    if matches(message, print_):
        return ""
    return "media" if _digest(message.text) == print_.partition("/")[0] else "text"
