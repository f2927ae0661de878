"""How Telegram cuts a page out of a list of messages.

First a window is laid by `offset_id` (exclusive) or `offset_date`, `add_offset` and `limit`; only then
`min_id` and `max_id` (both exclusive) take away. So a page may hold less than `limit` before the end, and
low `max_id`s answer nothing: clients must page by `offset_id`.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Sequence

MAX_PAGE = 100


def page(
    ids: Sequence[int],
    *,
    offset_id: int = 0,
    offset_date: int = 0,
    add_offset: int = 0,
    limit: int = MAX_PAGE,
    min_id: int = 0,
    max_id: int = 0,
    date_of: Callable[[int], int] | None = None,
) -> list[int]:
    """`ids` ascending; the page descending. A negative `add_offset` reaches towards the newer ones."""
    limit = max(0, min(limit, MAX_PAGE))
    total = len(ids)
    older = total
    if offset_id > 0:
        older = bisect.bisect_left(ids, offset_id)
    elif offset_date and date_of is not None:
        while older and date_of(ids[older - 1]) >= offset_date:
            older -= 1
    start = total - older + add_offset
    stop = start + limit
    start = max(0, start)
    chosen = [ids[total - 1 - at] for at in range(start, min(stop, total))]
    return [i for i in chosen if (not min_id or i > min_id) and (not max_id or i < max_id)]
