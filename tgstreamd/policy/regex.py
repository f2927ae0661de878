"""Regular expressions that cannot stall: whether one occurs in a text, in time that grows only with both.

Pure. Takes the part of Python's syntax that needs no backtracking and means what Python means by it; what
needs it (look-around, back-references) is refused. All ways through the pattern are followed at once, so
that no text can make it slow. Finds no places and captures nothing.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from functools import lru_cache

#: Characters of a text that are looked at: twice what a message can hold.
TEXT_MAX = 8192
#: Steps that a pattern may have once its repetitions are written out.
SIZE_MAX = 500
#: Of a pattern as it is written.
LENGTH_MAX = 500
DEPTH_MAX = 50
#: What was found out about steps through the pattern, until it is forgotten.
KNOWN_MAX = 5000

_ATOM = re.compile(
    r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|0[0-7]{0,2}|[^0-9]|[1-9])"
    r"|\[\^?\]?(?:\\.|[^\]\\])*\]|[^\\]",
    re.DOTALL,
)
_REPEAT = re.compile(r"(\*|\+|\?|\{\d+(?:,\d*)?\}|\{,\d*\})([?+]?)")
_FLAGS = re.compile(r"\(\?([a-zA-Z]+)\)")
_GROUP = re.compile(r"\((?:\?:|\?P<\w+>|(?!\?))")
#: A place in the text: the character before it and the one after it, "" at the ends.
_Place = Callable[[str, str], bool]
_Test = Callable[[str], bool]


class Refused(ValueError):
    """It is no pattern, or not one that can be followed without going back."""


class _Step:
    """One step: over a character (`test`), through a place (`place`), or to both ways (`ways`)."""

    __slots__ = ("place", "test", "ways")

    def __init__(self, test: _Test | None = None, place: _Place | None = None) -> None:
        self.test = test
        self.place = place
        self.ways: list[int] = []


class Regex:
    """A pattern ready to be looked for. Raises Refused."""

    def __init__(self, pattern: str) -> None:
        self._parse = _Parse(pattern)
        self._steps, self._first = self._parse.steps, self._parse.first
        self._places = any(step.place is not None for step in self._steps)
        self._known: dict[tuple[frozenset[int], str, str], frozenset[int] | None] = {}

    def occurs(self, text: str) -> bool:
        """Whether it matches anywhere in the beginning of `text`."""
        text = text[:TEXT_MAX]
        now: frozenset[int] = frozenset([self._first])
        before = ""
        for after in [*text, ""]:
            # Without conditions on places, what stood before does not matter.
            key = (now, before if self._places else "", after)
            if key not in self._known:
                if len(self._known) >= KNOWN_MAX:
                    self._known.clear()
                self._known[key] = self._over(now, before, after)
            following = self._known[key]
            if following is None:
                return True
            now, before = following, after
        return False

    def _over(self, now: frozenset[int], before: str, after: str) -> frozenset[int] | None:
        """Where one can be after `after`; None where the end of the pattern was reached before it."""
        following = {self._first}
        seen: set[int] = set()
        pending = list(now)
        while pending:
            at = pending.pop()
            if at in seen:
                continue
            seen.add(at)
            if at == len(self._steps):
                return None
            step = self._steps[at]
            if step.test is not None:
                if after and step.test(after):
                    following.update(step.ways)
            elif step.place is None or step.place(before, after):
                pending += step.ways
        return frozenset(following)


@lru_cache(maxsize=256)
def compiled(pattern: str) -> Regex:
    """The pattern, read once."""
    return Regex(pattern)


class _Parse:
    """Reads a pattern into steps. Each part is written so that it leads to the step that follows it."""

    def __init__(self, pattern: str) -> None:
        if len(pattern) > LENGTH_MAX:
            raise Refused(f"longer than {LENGTH_MAX} characters")
        _python(pattern)
        self.flags = 0
        while found := _FLAGS.match(pattern):
            if set(found[1]) - set("imsu"):
                raise Refused(f"the flag {found[1]} is not known here")
            for flag in set(found[1]) - {"u"}:
                self.flags |= re.RegexFlag[flag.upper()]
            pattern = pattern[found.end() :]
        self._pattern, self._at = pattern, 0
        tree = self._either(0)
        if self._at < len(pattern):
            raise self._cannot()
        self.steps: list[_Step] = []
        self._loose: list[_Step] = []
        self.first = self._write(tree, -1)
        # The end of the pattern stands behind its last step; until now it was called -1.
        for step in self.steps:
            step.ways = [len(self.steps) if way == -1 else way for way in step.ways]
        if self.first == -1:
            self.first = len(self.steps)

    # -- reading: a tree of tuples ------------------------------------------------------------------

    def _either(self, depth: int) -> tuple[object, ...]:
        if depth > DEPTH_MAX:
            raise Refused("too many brackets in each other")
        ways = [self._row(depth)]
        while self._next() == "|":
            self._at += 1
            ways.append(self._row(depth))
        return ("either", ways)

    def _row(self, depth: int) -> tuple[object, ...]:
        parts: list[tuple[object, ...]] = []
        while self._next() not in ("", "|", ")"):
            part = self._one(depth)
            if found := _REPEAT.match(self._pattern, self._at):
                if found[2] == "+":
                    raise self._cannot()
                self._at = found.end()
                part = ("repeat", part, *_bounds(found[1]))
            parts.append(part)
        return ("row", parts)

    def _one(self, depth: int) -> tuple[object, ...]:
        if self._next() == "(":
            if not (found := _GROUP.match(self._pattern, self._at)):
                raise self._cannot()
            self._at = found.end()
            inner = self._either(depth + 1)
            self._at += 1  # the bracket that closes it: Python has counted them
            return inner
        found = _ATOM.match(self._pattern, self._at)
        if found is None or re.fullmatch(r"\\[1-9]", found[0]):
            raise self._cannot()
        self._at = found.end()
        if found[0] in ("^", "$", r"\A", r"\Z", r"\z", r"\b", r"\B"):
            return ("place", _place(found[0], bool(self.flags & re.MULTILINE)))
        # One character: here Python's own engine cannot go astray.
        return ("test", _python(found[0], self.flags))

    def _next(self) -> str:
        return self._pattern[self._at : self._at + 1]

    def _cannot(self) -> Refused:
        return Refused(f"{self._pattern[self._at : self._at + 4]!r} at {self._at} cannot be used here")

    # -- writing: from the end to the beginning -----------------------------------------------------

    def _add(self, step: _Step, *ways: int) -> int:
        if len(self.steps) >= SIZE_MAX:
            raise Refused(f"more than {SIZE_MAX} steps once its repetitions are written out")
        step.ways = list(ways)
        self.steps.append(step)
        return len(self.steps) - 1

    def _write(self, part: tuple[object, ...], then: int) -> int:
        """Write a part that leads to `then`; where it begins."""
        match part:
            case ("either", [tuple(only)]):
                return self._write(only, then)
            case ("either", list(ways)):
                return self._add(_Step(), *(self._write(way, then) for way in ways))
            case ("row", list(parts)):
                for one in reversed(parts):
                    then = self._write(one, then)
                return then
            case ("repeat", tuple(inner), int(least), most):
                return self._repeated(inner, least, most if isinstance(most, int) else None, then)
            case ("place", place):
                return self._add(_Step(place=place), then)  # type: ignore[arg-type]  # made by _one
            case ("test", re.Pattern() as pattern):
                return self._add(_Step(test=lambda char: pattern.fullmatch(char) is not None), then)
        raise AssertionError(part)

    def _repeated(self, inner: tuple[object, ...], least: int, most: int | None, then: int) -> int:
        if max(least, most or 0) > SIZE_MAX:
            raise Refused(f"more than {SIZE_MAX} steps once its repetitions are written out")
        if most is None:
            fork = _Step()
            start = self._add(fork, then)
            fork.ways.append(self._write(inner, start))
            then = start
        else:
            end = then
            for _ in range(most - least):
                then = self._add(_Step(), end, self._write(inner, then))
        for _ in range(least):
            then = self._write(inner, then)
        return then


def _python(pattern: str, flags: int = 0) -> re.Pattern[str]:
    """What Python makes of it. Raises Refused."""
    try:
        with warnings.catch_warnings(action="ignore"):
            return re.compile(pattern, flags)
    except (re.error, OverflowError, RecursionError) as error:
        raise Refused(str(error)) from None


def _bounds(text: str) -> tuple[int, int | None]:
    if text in ("*", "+", "?"):
        return {"*": (0, None), "+": (1, None), "?": (0, 1)}[text]
    least, comma, most = text[1:-1].partition(",")
    if not comma:
        return int(least), int(least)
    return int(least or 0), int(most) if most else None


def _place(text: str, lines: bool) -> _Place:
    match text:
        case "^" if lines:
            return lambda before, after: before in ("", "\n")
        case "^" | r"\A":
            return lambda before, after: not before
        case "$" if lines:
            return lambda before, after: after in ("", "\n")
        case "$" | r"\Z" | r"\z":
            # Python's `$` also means the place before a last line's end, which no message has: they are
            # stored without white space at their ends.
            return lambda before, after: not after
        case r"\b":
            return lambda before, after: _word(before) != _word(after)
    return lambda before, after: _word(before) == _word(after)


_WORD = re.compile(r"\w")


def _word(char: str) -> bool:
    return bool(char) and _WORD.match(char) is not None
