"""`make live`: one mirror of every kind of post that an account can make, on Telegram itself, and a report.

Without options: Telegram's test data centres, whose numbers and codes are documented, so that nobody's
account takes part. `--production`: Telegram, with two accounts of one's own. `--local`: the local Telegram.
Exit status 0 where the target equals its source but for what docs/fidelity.md says, 1 where not, 2 where
nothing could be tried.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import getpass
import logging
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from telethon.errors import RPCError
from telethon.tl import functions
from telethon.tl.alltlobjects import LAYER

from tests.compare import Reader
from tests.fidelity import by_entry, expected
from tests.running import ROOT, LocalTelegram, until
from tgstreamd import __version__

from . import afterwards, probes
from .mirroring import Mirroring
from .people import Api, LoginRefused, Person, is_premium, log_in
from .places import PRODUCTION, TEST, Place, rehearsal
from .posts import HISTORY, LIVE, Poster
from .report import Facts, config_facts, limit_facts, render
from .stage import Group, Stage, set_up


class Run:
    """One run, from the logins to the answers."""

    def __init__(self, place: Place, api: Api, facts: Facts, folder: Path) -> None:
        self.place = place
        self.api = api
        self.facts = facts
        self.folder = folder
        self.people: list[Person] = []
        self.stage: Stage | None = None

    def step(self, what: str) -> None:
        self.facts.steps.append(what)
        print(f"{what} …", flush=True)

    async def whole(self) -> None:
        """Everything; what was found lies in the facts, also where it raises."""
        try:
            self.step("logging two accounts in")
            author, mirrorer = [await self._person(role) for role in ("author", "mirrorer")]
            self.step("asking for Telegram's configuration")
            self.facts.config = config_facts(await author.client(functions.help.GetConfigRequest()))
            self.facts.limits = limit_facts(await author.client(functions.help.GetAppConfigRequest(0)))
            self.step("making the chats")
            async with set_up(author, mirrorer) as stage:
                self.stage = stage
                poster, forum = (self._poster(group) for group in (stage.source, stage.forum))
                try:
                    await self._mirror(stage, poster, forum)
                finally:
                    self.facts.posted = [*poster.ids, *forum.ids]
                    self.facts.refused = poster.refused | forum.refused
                self.step("asking what its documentation leaves open")
                self.facts.answers = await probes.ask(poster)
                self.step("deleting the chats")
        finally:
            for person in self.people:
                with contextlib.suppress(RPCError, ConnectionError):
                    await person.log_out()

    async def _person(self, role: str) -> Person:
        person = await log_in(self.place, self.api, role)
        self.people.append(person)
        kind = "Premium" if is_premium(person) else "free"
        self.facts.accounts.append(f"{role}: {kind}{', signed up now' if person.signed_up else ''}")
        return person

    def _poster(self, group: Group) -> Poster:
        author, guest = self.people
        return Poster(author, group, every=self.place.post_every, guest=guest, large=self.place.large)

    async def _mirror(self, stage: Stage, poster: Poster, forum: Poster) -> None:
        self.step("posting the history")
        for entry, make in HISTORY.items():
            await poster.post(entry, make)
        await afterwards.pin_before(poster)
        last = max((number for ids in poster.ids.values() for number in ids), default=0)
        mirroring = Mirroring(self.folder, self.place, self.api, stage, self.facts)
        self.step("logging the daemon in with its own verb")
        if await mirroring.log_in(self.place, self.people[1]):
            raise LoginRefused("tgstreamd login did not log in")
        await mirroring.verb("check", typed="")
        began = time.monotonic()
        self.step("mirroring the history, with a kill -9 in the middle")
        await mirroring.start()
        try:
            await until(partial(mirroring.copied, len(poster.ids)), within=self.place.patience)
            await mirroring.kill()
            await mirroring.start()
            self.step("posting live: files, albums, topics, edits, a deletion, pins")
            for entry, make in LIVE.items():
                await poster.post(entry, make)
            await afterwards.post_topics(forum)
            await afterwards.change(poster)
            self.step("waiting for the copies")
            settled = await mirroring.settle(self.place.patience)
            self.facts.seconds = time.monotonic() - began
            if not settled:
                self.facts.differences.append("it did not settle in time, or ended by itself")
        finally:
            await mirroring.stop()
        self.step("comparing both pairs of chats with another client")
        await self._compare(stage, last)
        self.step("logging the daemon out with its own verb")
        await mirroring.verb("logout", typed="")

    async def _compare(self, stage: Stage, last: int) -> None:
        author, mirrorer = self.people
        reader = Reader("", "", client=author.client)
        granted = expected("premium" if is_premium(mirrorer) else "free")
        source, target = await reader.read(stage.source.id), await reader.read(stage.target.id)
        for entry, aspect, line in by_entry(source, target, live_after=last):
            # What surrounds a message (dates of edits, votes, where it was from) is nobody's to copy.
            if not aspect.startswith("beside."):
                known = (entry, aspect) in granted
                (self.facts.documented if known else self.facts.differences).append(f"{entry}: {line}")
        for what, ask, pair in (
            ("pins", afterwards.pinned, (stage.source, stage.target)),
            ("topics", afterwards.topics, (stage.forum, stage.forum_copy)),
        ):
            mine, theirs = [await ask(author.client, group) for group in pair]
            if mine != theirs:
                self.facts.differences.append(f"{what}: {theirs!r} instead of {mine!r}")

    def secrets(self) -> Iterator[str]:
        """Whatever must not stand in the report."""
        yield from (str(self.api.id), self.api.hash)
        for person in self.people:
            yield from (person.phone, person.phone.lstrip("+"), person.session, str(person.me.id))
            if not self.place.has_test_numbers:
                yield from filter(None, (person.me.first_name, person.me.last_name, person.me.username))
        for group in self.stage.groups if self.stage else ():
            yield from (str(group.id), str(group.id).removeprefix("-100"))


async def live(place: Place, api: Api, report: Path) -> int:
    """Run, and write the report whatever happens."""
    facts = Facts(place=place.name, version=__version__, layer=LAYER, date=f"{datetime.now(UTC):%Y-%m-%d}")
    facts.not_asked = probes.NOT_ASKED
    with tempfile.TemporaryDirectory(prefix="tgstreamd-live-") as folder:
        run = Run(place, api, facts, Path(folder))
        try:
            await run.whole()
        except (LoginRefused, RPCError, OSError, TimeoutError) as error:
            facts.failed = (
                str(error) if isinstance(error, LoginRefused) else f"{type(error).__name__}: {error}"
            )
        text = render(facts, run.secrets())
    if leaked := sum(secret in text for secret in run.secrets()):
        print(
            f"the report is not written: {leaked} secrets would stand in it; this is a bug", file=sys.stderr
        )
        return 1
    report.parent.mkdir(parents=True, exist_ok=True)
    report.write_text(text)
    print(f"\n{text}\n\nthe report is in {report}; it holds no secret, and the project would like to have it")
    if facts.failed and not facts.posted:
        if place is TEST:
            print(
                "the test servers would not have it: `make live ARGS=--production` takes accounts of your own"
            )
        return 2
    return 0 if facts.equal else 1


def _api() -> Api:
    """From the environment, or asked for."""
    try:
        number = os.environ.get("TG_API_ID") or input("api_id (from https://my.telegram.org): ")
        secret = os.environ.get("TG_API_HASH") or getpass.getpass("api_hash: ")
        return Api(int(number), secret.strip())
    except (ValueError, EOFError):
        sys.exit("set TG_API_ID to a number and TG_API_HASH, both from https://my.telegram.org")


async def _main(options: argparse.Namespace) -> int:
    me = asyncio.current_task()
    assert me is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, me.cancel)
    if not options.local:
        place = PRODUCTION if options.production else TEST
        return await live(place, _api(), options.report)
    async with LocalTelegram("nobody") as tg:
        host, port = tg.address
        return await live(
            rehearsal(host, port, tg.public_key), Api(12345, "0123456789abcdef" * 2), options.report
        )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.live", description=__doc__.split("\n")[0])
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--production", action="store_true", help="Telegram itself, with accounts of your own")
    where.add_argument("--local", action="store_true", help="a rehearsal against the local Telegram")
    # Telethon says each refusal that it tries again; the report names them.
    logging.getLogger("telethon").setLevel(logging.CRITICAL)
    parser.add_argument("--report", type=Path, default=ROOT / "build" / "live-report.md", metavar="FILE")
    with contextlib.suppress(asyncio.CancelledError):
        sys.exit(asyncio.run(_main(parser.parse_args())))
    sys.exit("stopped; the chats are deleted, and nobody is logged in any more")


if __name__ == "__main__":
    main()
