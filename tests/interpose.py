"""Something that stands before a port or a store and passes every call on, after a look at it.

Tests put it in by `House.interpose`: to count, to break, and to die at a chosen moment.
It changes nothing by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Hook = Callable[..., None]


class Death(BaseException):
    """The process ended here, as under `kill -9`: no room handles it."""


class Through:
    """`before` and `after` map names of async methods to what is called with their arguments."""

    def __init__(
        self, inner: Any, *, before: dict[str, Hook] | None = None, after: dict[str, Hook] | None = None
    ) -> None:
        self._inner = inner
        self._before = before or {}
        self._after = after or {}

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._inner, name)
        before, after = self._before.get(name), self._after.get(name)
        if before is None and after is None:
            return real

        async def call(*args: Any, **options: Any) -> Any:
            if before is not None:
                before(*args, **options)
            result = await real(*args, **options)
            if after is not None:
                after(*args, **options)
            return result

        return call


def dies(times: int = 1) -> Hook:
    """A hook that ends the process at its first `times` calls."""
    left = [times]

    def hook(*args: Any, **options: Any) -> None:
        if left[0] > 0:
            left[0] -= 1
            raise Death

    return hook
