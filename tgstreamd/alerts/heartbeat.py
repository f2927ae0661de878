"""Requests the heartbeat URL; the monitor behind it raises an alarm when the requests stop.

Runs in a thread of its own, for which nothing waits at the end: an unresponsive name server delays neither
the daemon nor its stop. Reads only the status of the answer. Never logs the URL, which is a secret.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import IO, Any

from .. import __version__

#: Seconds for one answer, and redirections followed.
TIMEOUT, REDIRECTIONS = 20.0, 3

#: Requests a URL; returns why that failed, empty if it did not.
Fetch = Callable[[str], str]


class Heartbeat:
    """Sends heartbeats, one at a time."""

    def __init__(self, fetch: Fetch | None = None, *, timeout: float = TIMEOUT) -> None:
        self._fetch = fetch
        self._timeout = timeout
        self._under_way = False

    async def beat(self, url: str) -> str:
        """Request the URL; return why that failed, empty if it did not."""
        if self._under_way:
            return "the last one has not come back yet"
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[str] = loop.create_future()
        fetch = self._fetch or fetched

        def answered(why: str) -> None:
            if not answer.done():
                answer.set_result(why)

        def work() -> None:
            why = fetch(url)
            self._under_way = False
            with contextlib.suppress(RuntimeError):  # the loop is closed, and with it the caller
                loop.call_soon_threadsafe(answered, why)

        self._under_way = True
        threading.Thread(target=work, name="heartbeat", daemon=True).start()
        try:
            async with asyncio.timeout(self._timeout):
                return await answer
        except TimeoutError:
            return f"no answer within {self._timeout:g} s"


def fetched(url: str, timeout: float = TIMEOUT) -> str:
    """Request `url` by GET, blocking; return why that failed, empty if the answer was a success."""
    # Imported only if a heartbeat is configured, to save its memory otherwise.
    import http.client
    import urllib.error
    import urllib.request

    class Redirect(urllib.request.HTTPRedirectHandler):
        max_redirections = REDIRECTIONS
        max_repeats = REDIRECTIONS

        def redirect_request(
            self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
        ) -> urllib.request.Request | None:
            if req.full_url.startswith("https:") and not newurl.startswith("https:"):
                raise urllib.error.URLError("is sent on from https to an unencrypted address")
            fp.close()  # urllib would read the whole body of a redirection, however long
            return super().redirect_request(req, fp, code, msg, headers, newurl)

    request = urllib.request.Request(url, headers={"User-Agent": f"tgstreamd/{__version__}"})
    try:
        with urllib.request.build_opener(Redirect).open(request, timeout=timeout) as answer:
            return "" if 200 <= answer.status < 300 else f"HTTP status {answer.status}"
    except urllib.error.HTTPError as error:
        error.close()
        return f"HTTP status {error.code}"
    except urllib.error.URLError as error:
        reason = error.reason
        return reason.strerror or str(reason) if isinstance(reason, OSError) else str(reason)
    except (OSError, http.client.HTTPException, ValueError) as error:
        return type(error).__name__
