"""The operator of a world: types verbs at the daemon's desk, some of them at the worst of moments.

What an operator would see is all that is known here: a verb whose answer never came may have done its work.
At the end the operator is given time, and puts everything right that can be.
"""

from __future__ import annotations

from typing import Any

from tests.chaos.kinds import Kind
from tests.chaos.rare import RARE
from tests.chaos.said import word
from tests.chaos.weather import Weather
from tests.telegram.world.chats import Chat
from tgstreamd.domain.errors import TgstreamdError

#: What has just happened is not judged yet by `verify`.
LATER = 120.0
LOST = "already holds copies"


class Operator:
    """One who runs the mirror of a world."""

    def __init__(self, weather: Weather, kind: Kind) -> None:
        self._weather = weather
        self._house = weather.house
        self._verbs = {"pause": 1, **kind.verbs}
        self._eager = bool(kind.verbs)
        self._beside: tuple[Chat, Chat] | None = None

    async def turn(self) -> None:
        """Now and then something is typed; `resume` a little after each `pause`."""
        weather = self._weather
        if weather.paused:
            await self._tried("resume")
        elif weather.chance.random() < (0.5 if self._eager else 0.1):
            await self._tried(weather.chance.choices(list(self._verbs), list(self._verbs.values()))[0])

    async def calm(self) -> list[str]:
        """Everything that waits for a person is let go, and what is missing is mended; what is not equal
        after that."""
        for _ in range(3):
            for _ in range(len(self._weather.target.scheduled)):
                RARE["video published"](self._weather)
                await self._house.run()
            await self._house.run()
            mirror = await self.status()
            if LOST in mirror["paused"]:
                try:
                    await self._rebuild()
                except TgstreamdError:
                    # What others put there looks like copies of what waits; then those are left to them.
                    there = {word(copy) for copy in self._weather.copies()}
                    waits = {word(message) for message in self._weather.posted}
                    self._weather.given_up |= waits - there
                    await self._resume()
            elif mirror["paused"] or self._weather.paused or mirror["held_deletions"]:
                await self._resume()
            await self._retry()
            await self._house.run()
            self._house.clock.advance(700)
            await self._house.ask_again()
            await self._house.run()
            await self._repair()
        await self._house.run()
        return [str(one) for one in await self._differences() or [] if not self._is_expected(one)]

    def _is_expected(self, one: dict[str, Any]) -> bool:
        """Whether `verify` may list it at the end: also a copy that Telegram would not let us delete."""
        if one["kind"] == "undeleted":
            return bool(self._weather.undeletable & self._weather.words_of(one["chat"], one["source_id"]))
        return one["kind"] in ("extra", "order")

    async def status(self) -> dict[str, Any]:
        """Of the mirror; another may stand beside it for a while."""
        mirrors = (await self._house.status())["mirrors"]
        return next(mirror for mirror in mirrors if mirror["name"] == "m1")

    async def _tried(self, verb: str) -> None:
        self._weather.deeds[f"typed: {verb}"] += 1
        self._weather.say("---- typed:", verb)
        try:
            await getattr(self, "_" + verb.replace(" ", "_"))()
        except TgstreamdError as error:
            self._weather.say("---- answered:", error)

    async def _pause(self) -> None:
        self._weather.paused = True
        await self._house.verb("pause", mirror="m1")

    async def _resume(self) -> None:
        await self._house.verb("resume", mirror="m1")
        self._weather.paused = False

    async def _look(self) -> None:
        for verb in ("status", "parked", "chats", "check"):
            await self._house.verb(verb)
        await self._house.verb("plan", mirror="m1")
        await self._house.step_watch()

    async def _parked(self) -> list[dict[str, Any]]:
        """What is parked, but for what waits only to be deleted: `resume` is for that."""
        parked = (await self._house.verb("parked"))["parked"]
        return [one for one in parked if one["reason"] != "deletion held"]

    async def _retry(self) -> None:
        if parked := await self._parked():
            for one in parked:
                self._weather.moved |= self._weather.words_of(one["source"], one["source_id"])
            await self._house.verb("retry", ids=[one["id"] for one in parked])

    async def _skip(self) -> None:
        for one in (await self._parked())[:1]:
            self._weather.given_up |= self._weather.words_of(one["source"], one["source_id"])
            await self._house.verb("skip", ids=[one["id"]])

    async def _resend(self) -> None:
        if alive := self._weather.alive():
            message = self._weather.chance.choice(alive)
            self._weather.moved |= self._weather.words_of(self._weather.source.marked_id, message.id)
            await self._house.verb("resend", mirror="m1", ids=[message.id], write=True)

    async def _left_out(self) -> None:
        """The mirror is taken out of the configuration, and put back; meanwhile there is another one."""
        self._beside = self._beside or (self._house.supergroup("Beside"), self._house.own_supergroup("It"))
        mirrors, self._house.mirrors = self._house.mirrors, []
        self._house.mirror(*self._beside, name="beside")
        try:
            await self._house.reload()
        finally:
            self._house.mirrors = mirrors
        await self._house.reload()

    async def _rebuild(self) -> None:
        if LOST in (await self.status())["paused"]:
            await self._house.verb("rebuild", mirror="m1", write=False)
            await self._house.verb("rebuild", mirror="m1", write=True)
            self._weather.paused = self._weather.ledger_lost = False

    async def _repair(self) -> None:
        found = await self._differences()
        if not found:
            return
        for one in found:
            self._weather.moved |= self._weather.words_of(one["chat"], one["source_id"])
        strangers = [one["target_id"] for one in found if one["kind"] == "extra"]
        for start in range(0, len(found), 50):
            some = found[start : start + 50]
            await self._house.verb("mend", mirror="m1", findings=some, strangers=strangers)

    async def _differences(self) -> list[dict[str, Any]] | None:
        """What `verify` lists; None where Telegram does not answer now."""
        self._house.clock.advance(LATER)
        found: list[dict[str, Any]] = []
        request: dict[str, Any] | None = {"mirror": "m1"}
        while request is not None:
            answer = await self._house.daemon.desk.answer({**request, "verb": "verify"})
            if answer["trouble"] or answer["wait"]:
                return None
            found += answer["differences"]
            request = answer["next"]
        return found
