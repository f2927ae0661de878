"""The status page as a person sees it: a real browser, the real program, a local Telegram.

`make pictures` runs the same test with names that look well, and keeps what was seen in docs/pictures.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes import HANG
from tests.process.program import Home
from tests.telegram.server import TelegramServer
from tests.telegram.world.peers import Account

from .browser import Browser
from .health import healthz
from .stage import HOSTILE, NICE, set_up

pytestmark = pytest.mark.thorough

#: Where pictures are kept; none are where it is not set.
PICTURES = os.environ.get("TGSTREAMD_PICTURES", "")

#: The texts whose contrast is less than what WCAG AA asks for.
FAINT = Path(__file__).with_name("faint.js").read_text()
#: Parts of the page that stick out of the window.
WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


async def test_a_page_that_lives_and_says_so_when_it_does_not(
    home: Home, tg: TelegramServer, me: Account, other: Account, browser: Browser, port: int
) -> None:
    names = NICE if PICTURES else HOSTILE
    stage = set_up(home, tg, me, other, names, f'listen = "127.0.0.1:{port}"\npage = true')
    place = f"http://127.0.0.1:{port}/"
    async with running(home, port):
        await browser.screen(1100, 900)
        await browser.open(place)
        await browser.shows("document.querySelectorAll('article').length == 4")
        await browser.get("window.born = 1")
        await browser.shows("[...document.querySelectorAll('.badge')].some(b => b.textContent == 'paused')")
        await browser.shows("document.querySelector('article:nth-child(2) li progress')?.value > 0.05")
        await browser.shows("document.body.innerText.includes('2 parked; to see why: tgstreamd parked')")
        await pictures(browser)
        shown = await browser.text()
        for name in names.mirrors:
            assert name in shown
        assert names.file in shown
        # What strangers wrote is shown as they wrote it, and does nothing.
        assert all(title in shown for title in names.titles[:2])
        assert not set("\u202e\u0000\u001b") & set(shown)
        assert await browser.get("document.querySelectorAll('img, iframe, svg, b[onclick]').length") == 0
        assert "owned" not in await browser.get("document.title")
        # Nothing secret, and nobody else's number.
        secret = (str(me.id), "10000000001", "0123456789abcdef0123456789abcdef")
        seen = await browser.get("fetch('status.json').then(answer => answer.text())")
        assert [word for word in secret if word in shown + seen] == []
        for width, dark in ((320, False), (390, True), (1100, True), (1100, False)):
            await browser.screen(width, 844, dark=dark, phone=width < 500)
            assert await browser.get(WIDE) <= 0, width
            assert await browser.get(FAINT) == [], dark
        # It lives without being loaded again.
        copied = "Number(document.querySelector('article dl dd').textContent)"
        before = await browser.get(copied)
        stage.say("and one more")
        await browser.shows(f"{copied} > {before}")
        assert await browser.get("window.born") == 1
        assert browser.complaints == []
        assert {address for address in browser.asked if not address.startswith("data:")} == {
            place,
            f"{place}status.json",
        }
    await browser.shows(
        "document.getElementById('lost').innerText.startsWith('No answer from the daemon since')"
    )
    assert await browser.get("document.title") == "lost · tgstreamd"
    await picture(browser, "page-lost.png")
    async with running(home, port):
        await browser.shows("document.getElementById('lost').hidden && document.body.className == ''")
        assert await browser.get("window.born") == 1


@contextlib.asynccontextmanager
async def running(home: Home, port: int) -> AsyncIterator[None]:
    """The daemon, once it is well; ended with SIGTERM."""
    process = await home.start("run")
    try:
        await healthz(port, lambda status, reason: status == 200)
        yield
    finally:
        process.terminate()
        async with asyncio.timeout(HANG):
            await process.communicate()


async def pictures(browser: Browser) -> None:
    """The page on a desk, on a phone and in the dark; the window is as it was afterwards."""
    for name, width, dark, phone in (
        ("page-phone.png", 390, False, True),
        ("page-dark.png", 1100, True, False),
        ("page.png", 1100, False, False),
    ):
        await browser.screen(width, 844, dark=dark, phone=phone)
        await picture(browser, name, whole=not phone)


async def picture(browser: Browser, name: str, *, whole: bool = True) -> None:
    png = await browser.picture(whole=whole)
    assert png.startswith(b"\x89PNG")
    if PICTURES:
        Path(PICTURES, name).write_bytes(png)
