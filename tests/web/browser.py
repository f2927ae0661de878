"""Debian's chromium without a screen, driven over its DevTools socket: what a person would see of a page.

Promises to wait for what the page shows without polling it, to remember every address that was asked for and
every word on the console, and to end the browser by its id. Knows nothing of tgstreamd.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import json
import os
import shutil
import signal
from pathlib import Path
from typing import Any, Self

from websockets.asyncio.client import ClientConnection, connect

from tests.fakes import HANG

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""


class Browser:
    """`async with Browser(tmp_path) as browser:`; one page."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "chromium"
        self._ids = itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        #: Addresses that the page asked for.
        self.asked: list[str] = []
        #: Errors and warnings of the page's.
        self.complaints: list[str] = []

    async def __aenter__(self) -> Self:
        self._folder.mkdir()
        self._process = await asyncio.create_subprocess_exec(
            CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
            "--no-first-run", "--no-default-browser-check", "--disable-extensions", "--disable-sync",
            "--disable-background-networking", "--disable-component-update", "--mute-audio",
            "--hide-scrollbars", "--remote-debugging-port=0", f"--user-data-dir={self._folder}",
            "about:blank",
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE, env={**os.environ, "HOME": str(self._folder)},
            start_new_session=True,
        )  # fmt: skip
        try:
            async with asyncio.timeout(HANG):
                self._socket = await connect(await self._address(), max_size=1 << 26, compression=None)
                self._reader = asyncio.create_task(self._read(self._socket))
                self._drain = asyncio.create_task(self._swallow())
                found = await self("Target.getTargets")
                page = next(target for target in found["targetInfos"] if target["type"] == "page")
                given = await self("Target.attachToTarget", targetId=page["targetId"], flatten=True)
                self._session = given["sessionId"]
                for domain in ("Page", "Runtime", "Network", "Log"):
                    await self(f"{domain}.enable")
        except BaseException:
            await self._end()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        with contextlib.suppress(Exception):
            async with asyncio.timeout(5):
                await self("Browser.close")
        self._reader.cancel()
        self._drain.cancel()
        await self._socket.close()
        await self._end()

    async def _end(self) -> None:
        try:
            async with asyncio.timeout(5):
                await self._process.wait()
        except TimeoutError:
            os.killpg(self._process.pid, signal.SIGKILL)
            await self._process.wait()

    _session: str | None = None

    async def _address(self) -> str:
        """Where DevTools listen: chromium says it on its standard error."""
        assert self._process.stderr is not None
        async for line in self._process.stderr:
            if (text := line.decode(errors="replace")).startswith("DevTools listening on "):
                return text.split()[-1]
        raise AssertionError(f"chromium ended: {await self._process.wait()}")

    async def _swallow(self) -> None:
        assert self._process.stderr is not None
        while await self._process.stderr.read(1 << 16):
            pass

    async def _read(self, socket: ClientConnection) -> None:
        async for text in socket:
            said = json.loads(text)
            if "id" in said:
                if (waits := self._answers.pop(said["id"], None)) and not waits.done():
                    waits.set_result(said)
                continue
            match said["method"], said["params"]:
                case "Network.requestWillBeSent", params:
                    self.asked.append(params["request"]["url"])
                case "Log.entryAdded", params:
                    self.complaints.append(f"{params['entry'].get('url', '')} {params['entry']['text']}")
                case "Runtime.exceptionThrown", params:
                    self.complaints.append(str(params["exceptionDetails"]))
                case "Runtime.consoleAPICalled", params:
                    self.complaints.append(str(params["args"]))

    async def __call__(self, method: str, **params: Any) -> dict[str, Any]:
        """One DevTools command (https://chromedevtools.github.io/devtools-protocol/)."""
        number = next(self._ids)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        message: dict[str, Any] = {"id": number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        await self._socket.send(json.dumps(message))
        said = await answer
        if "error" in said:
            raise AssertionError(f"{method}: {said['error']}")
        return dict(said["result"])

    async def open(self, address: str) -> None:
        await self("Page.navigate", url=address)

    async def get(self, expression: str) -> Any:
        """The value of a JavaScript expression (awaited) in the page."""
        async with asyncio.timeout(HANG):
            answer = await self(
                "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
            )
        if "exceptionDetails" in answer:
            raise AssertionError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    async def shows(self, condition: str) -> Any:
        """Wait until a JavaScript expression is true in the page, looking whenever the page has changed."""
        watch = (
            "new Promise(done => { const see = () => { let seen; try { seen = (CONDITION); } catch {} "
            "if (seen) { watching.disconnect(); done(seen); } }; "
            "const watching = new MutationObserver(see); watching.observe(document, {subtree: true, "
            "childList: true, characterData: true, attributes: true}); see(); })"
        )
        try:
            return await self.get(watch.replace("CONDITION", condition))
        except TimeoutError:
            seen = await self.get("document.body.innerText")
            raise AssertionError(f"never: {condition}; the page shows:\n{seen}") from None

    async def text(self) -> str:
        return str(await self.get("document.body.innerText"))

    async def screen(self, width: int, height: int, *, dark: bool = False, phone: bool = False) -> None:
        """The size of the window, and what its owner prefers."""
        await self(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=2 if phone else 1, mobile=phone,
        )  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self("Emulation.setEmulatedMedia", features=[scheme])

    async def picture(self, *, whole: bool = True) -> bytes:
        """A PNG of the page."""
        shot = await self("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        return base64.b64decode(shot["data"])
