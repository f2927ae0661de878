"""Waiting for a daemon by its `/healthz`: cheaper than asking with a verb, and from its first second."""

from __future__ import annotations

import json
from collections.abc import Callable

from tests.fakes import HANG
from tests.running import until

from .test_listener import get


async def healthz(port: int, enough: Callable[[int, str], bool]) -> str:
    """The reason, once it is `enough`; asked again as long as nobody listens or it is not."""

    async def ask() -> str | None:
        try:
            status, _, body = await get(port, "/healthz")
        except ConnectionRefusedError:
            return None
        reason = str(json.loads(body)["reason"])
        return reason if enough(status, reason) else None

    return await until(ask, within=HANG)
