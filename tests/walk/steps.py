"""The walk, step by step: what a person types, and what has to stand on the screen before they go on."""

from __future__ import annotations

import asyncio

from tests.telegram.harbour import CODE, PASSWORD

from .album import Album
from .stage import Stage
from .terminal import Terminal

HERE = "--config my.toml"
PHONE = "+4915112345678"
API_ID, API_HASH = "12345", "0123456789abcdef0123456789abcdef"


class Walk:
    """`person` is the terminal that is looked at, `daemon` a second one in which `run` runs."""

    def __init__(self, stage: Stage, person: Terminal, daemon: Terminal, album: Album) -> None:
        self.stage, self.person, self.daemon, self.album = stage, person, daemon, album

    async def go(self) -> None:
        await self.init()
        await self.login()
        await self.check()
        await self.run()
        await self.parked()
        await self.verify()

    async def shot(self, name: str, caption: str, pattern: str, *, within: float = 30.0) -> str:
        """Wait for a screen, and keep it."""
        text = await self.person.until(pattern, within=within)
        self.album.take(name, caption, self.stage.shown(text))
        return text

    async def scanned(self) -> None:
        """A phone scans the QR code on the screen."""
        await self.stage.tg.control("scenario", name="harbour_scan", account=self.stage.tg.found["account"])

    async def init(self) -> None:
        type_ = self.person.type
        await self.person.clear()
        await type_(f"tgstreamd init {HERE} --force", "Enter")
        await self.shot("init", "`init` asks, and says where to find it", r"^api_id:$")
        await type_(API_ID, "Enter")
        await self.person.until(r"^api_hash:")
        await type_(API_HASH, "Enter")
        await self.shot("init-login", "It can log in there and then", r"by QR code")
        await type_("1")
        await self.person.until(r"^phone number")
        await type_(PHONE, "Enter")
        await self.person.until(r"^code:")
        await type_(CODE, "Enter")
        await self.person.until(r"password")
        await type_(PASSWORD, "Enter")
        await self.shot("init-source", "The source is picked, not typed", r"source: the chat that is copied")
        await type_("news", "Down")
        await self.shot("init-search", "A few letters find it", r"^> Harbour News ")
        await type_("Enter")
        await self.shot(
            "init-target", "So is the target; what cannot serve says why", r"target: the chat that"
        )
        await type_("news, a", "Enter")
        await self.shot(
            "init-history", "Each choice says what it costs on this chat", r"history: how far back"
        )
        await type_("Enter")
        for key, how in (
            ("order", "Enter"),
            ("deletes", "Enter"),
            ("transfer", "2"),
            ("attribution", "Enter"),
        ):
            await self.shot(f"init-{key}", f"`{key}`", rf"^{key}: .*\n[> ]")
            await type_(how)
        await self.shot("init-end", "It ends with the next command", r"^next: ")
        self.album.keys["`init`: account, login by phone with a password, chats, choices"] = self.person.keys

    async def login(self) -> None:
        """A detour, whose keys do not count: the mistakes of a tired person, and the code for a phone."""
        before = self.person.keys
        await self.person.command(f"tgstreamd login {HERE}")
        await self.shot("login-there", "`login`, where there is one", r"^\$\Z")
        await self.person.clear()
        await self.person.type(f"tgstreamd login {HERE} --again", "Enter")
        await self.person.until(r"^phone number")
        await self.person.type(PHONE, "Enter")
        await self.person.until(r"code:")
        await self.person.type("54321", "Enter")
        await self.person.until(r"not the code")
        await self.person.type(CODE, "Enter")
        await self.person.until(r"password")
        await self.person.type("foul winds", "Enter")
        await self.person.until(r"not the password")
        await self.person.type(PASSWORD, "Enter")
        await self.shot("login-phone", "By phone: a wrong code and a wrong password", r"^\$\Z")
        await self.person.clear()
        await self.person.type(f"tgstreamd login {HERE} --again --qr", "Enter")
        await self.shot("login-qr", "By QR code", r"▀▀▀▀▀▀▀▀")
        await self.scanned()
        await self.person.until(r"password")
        await self.person.type(PASSWORD, "Enter")
        await self.shot("login-scanned", "Scanned", r"^\$\Z")
        self.person.keys = before

    async def check(self) -> None:
        await self.person.command(f"tgstreamd check {HERE}")
        await self.shot("check", "`check`: would a start succeed?", r"^\$\Z")
        before = self.person.keys
        for name, verb, caption in (
            ("chats", "chats", "`chats`: what there is to mirror"),
            ("config", "config show", "`config show`: what is in force, and why"),
            ("plan", "plan --limit 6", "`plan`: what would be sent"),
        ):
            await self.person.command(f"tgstreamd {verb} {HERE}")
            await self.shot(name, caption, r"^\$\Z")
        self.person.keys = before

    async def run(self) -> None:
        await self.stage.tg.control("network", upload=1_500_000.0)
        await self.stage.tg.control(
            "fault", method="messages.sendMessage", code=400, message="BUTTON_DATA_INVALID", skip=2
        )
        await self.daemon.clear()
        before = self.daemon.keys
        await self.daemon.type(f"tgstreamd run {HERE}", "Enter")
        self.album.keys["from nothing to running, `check` included"] = (
            self.person.keys + self.daemon.keys - before
        )
        await self.daemon.until(r"tgstreamd started")
        await self.person.clear()
        await self.person.type(f"tgstreamd status --watch {HERE}", "Enter")
        await self.person.until(r"the new ferry", within=60)
        await asyncio.sleep(8)
        await self.shot("watch", "`status --watch`, a minute later", r"the new ferry", within=60)
        self.watch_colours = await self.person.screen(colours=True)
        await self.person.type("C-c")
        await self.person.until(r"^\$\Z")
        text = await self.daemon.screen()
        self.album.take("run", "Meanwhile, in the other window: `run`", self.stage.shown(text))

    async def parked(self) -> None:
        await self.person.clear()
        for _ in range(120):
            seen = await self.person.command(f"tgstreamd parked {HERE}")
            if "nothing is parked" not in seen:
                break
            await asyncio.sleep(2)
        await self.shot("parked", "`parked`: what waits for a person", r"^\$\Z")
        number = next(
            line.split()[0] for line in seen.split("\n") if line.split()[:1] and line.split()[0].isdigit()
        )
        await self.person.command(f"tgstreamd parked retry {number} {HERE}")
        await self.shot("parked-retry", "`parked retry`", r"^\$\Z")
        for _ in range(120):
            seen = await self.person.command(f"tgstreamd status {HERE}")
            if "nothing waits" in seen:
                break
            await asyncio.sleep(2)
        await self.shot("status", "`status`, when nothing waits any more", r"^\$\Z")

    async def verify(self) -> None:
        await self.stage.tg.control(
            "scenario", name="harbour_hole", target=self.stage.tg.found["target"], place=3
        )
        await self.person.command(f"tgstreamd verify main {HERE}")
        await self.shot("verify", "`verify`, after somebody deleted a copy", r"^\$\Z")
        await self.person.command(f"tgstreamd verify main --repair {HERE}")
        await self.shot("verify-repair", "`verify --repair`", r"^\$\Z")
        await asyncio.sleep(10)
        await self.person.command(f"tgstreamd verify main {HERE}")
        await self.shot("verify-again", "`verify` again: equal", r"^\$\Z")
