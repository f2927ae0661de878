"""Finds the heaviest chain of pairs in which both sides ascend, to align two sequences.

Pure. Each element of one side comes with the options to pair it; at most one is taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Option:
    """One way to pair an element: ascending places of the other side, each with its partner."""

    pairs: tuple[tuple[int, int], ...]
    weight: int

    @property
    def first(self) -> int:
        return self.pairs[0][0]

    @property
    def last(self) -> int:
        return self.pairs[-1][0]


@dataclass(frozen=True, slots=True)
class _Link:
    """The last option of a chain, and the chain before it."""

    option: Option
    score: int
    before: _Link | None


def best_chain(elements: Iterable[Sequence[Option]], places: int) -> list[Option]:
    """Return the heaviest chain; of equals, one with small places. All places are below `places`."""
    ends = _Ends(places)
    best: _Link | None = None
    for options in elements:
        links = []
        for option in options:
            before = ends.below(option.first)
            links.append(_Link(option, option.weight + (before.score if before else 0), before))
        for link in links:
            ends.put(link)
            if best is None or link.score > best.score:
                best = link
    chain: list[Option] = []
    while best is not None:
        chain.append(best.option)
        best = best.before
    return chain[::-1]


class _Ends:
    """The heaviest chain that ends below a place (a Fenwick tree of maxima)."""

    def __init__(self, places: int) -> None:
        self._tree: list[_Link | None] = [None] * (places + 1)

    def below(self, place: int) -> _Link | None:
        best: _Link | None = None
        while place > 0:
            link = self._tree[place]
            if link is not None and (best is None or link.score > best.score):
                best = link
            place -= place & -place
        return best

    def put(self, link: _Link) -> None:
        place = link.option.last + 1
        while place < len(self._tree):
            there = self._tree[place]
            if there is None or link.score > there.score:
                self._tree[place] = link
            place += place & -place
