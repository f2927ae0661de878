"""Every error that Telegram documents, walked through the delivery of messages: the table and the code agree.

The server refuses each as it would: every request that has what the error is about. No mirror is paused for
it, nothing that could be sent is parked, and nothing is asked again and again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.harness import House
from tests.refusals import Refusal, on, unheard
from tests.refusals.abouts import ABOUTS, ALBUM, MEDIA, TEXT, About, Said, abouts
from tests.telegram.faults import Fault
from tests.telegram.world.chats import Chat
from tgstreamd.domain.refusals import row

pytestmark = pytest.mark.thorough

WALKED = {TEXT, MEDIA, ALBUM}
#: Ends the process, or the account's day: `test_accounts` and `test_login_lost` walk these.
ENDS = re.compile(r"AUTH_KEY_.*|SESSION_.*|USER_DEACTIVATED.*|.*_MIGRATE_7|FROZEN_.*|API_ID_.*")
#: Passes by itself: the server says it twice.
PASSES = re.compile(
    r"FLOOD_.*|SLOWMODE_WAIT_.*|FILE_REFERENCE_.*|FILEREF_.*|FILE_PARTS?_.*|MD5_.*|RANDOM_ID_DUPLICATE|PEER_FLOOD|"
    r"(USER|PHONE|NETWORK)_MIGRATE_7"
)
#: Requests that one message may cost, all its tries, pieces and cures together.
TRIES = 25


def passes(refusal: Refusal) -> bool:
    """Whether it is no refusal for good: the server says it twice."""
    code = abs(refusal.code)
    return code in (401, 420) or code >= 500 or PASSES.fullmatch(refusal.name) is not None


class Case(NamedTuple):
    """One error, and what it is about this time."""

    refusal: Refusal
    what: str

    @property
    def about(self) -> About:
        return ABOUTS[self.refusal.method][self.what]

    @property
    def passes(self) -> bool:
        return passes(self.refusal)


def cases(method: str, *, whole: bool) -> list[Case]:
    """`whole`: each error with all that it may be about; else one of these, and each of these often."""
    found: list[Case] = []
    for number, refusal in enumerate(refusal for refusal in on(method) if not ENDS.fullmatch(refusal.name)):
        may_be = abouts(method, refusal.name)
        found += [Case(refusal, what) for what in (may_be if whole else [may_be[number % len(may_be)]])]
    return found + [Case(refusal, "nothing") for refusal in unheard(method)]


class Walked(NamedTuple):
    """What became of a case."""

    case: Case
    states: list[str]
    reasons: list[str]
    copies: list[Any]
    tries: int

    def complaint(self) -> str:
        """What is wrong with it; empty where nothing is."""
        case, name = self.case, f"{self.case.refusal} about {self.case.what}"
        if self.tries > TRIES:
            return f"{name}: tried {self.tries} times"
        if case.what == "nothing" and not case.passes:
            return self._not_cured(name)
        if set(self.states) != {"done"} or not self.copies:
            return f"{name}: {self.states} {self.reasons}"
        if case.about.keeps_media and not any(copy.media for copy in self.copies):
            return f"{name}: its media is gone"
        return ""

    def _not_cured(self, name: str) -> str:
        """What is wrong with a message that has nothing to do without: it ends as the table says, at once."""
        refusal, found = self.case.refusal, row(self.case.refusal.name, self.case.refusal.method)
        ends, why = "parked", refusal.name.upper()
        if found.then == "skip":
            ends, why = "skipped", "nothing is left"
        elif "note" in found.cures and refusal.method != TEXT:
            ends, why = "done", ""
        if self.states != [ends] * len(self.states) or not all(why in reason for reason in self.reasons):
            return f"{name}: {self.states} {self.reasons}, not {ends}: {why}"
        # What costs Stars is tried again in twelve hours, to see whether it still does.
        tried_again = self.tries > 1 and found.then != "pay"
        return f"{name}: tried {self.tries} times" if tried_again else ""


def _is_refused(said: Said, about: About, call: Any, request: Any) -> bool:
    return said.mine(request) and about.guilty(request)


async def walk(house: House, source: Chat, target: Chat, some: Sequence[Case]) -> list[Walked]:
    """Post a message for each case, and refuse it; all of them in one go."""
    first = house.post(source, "first")
    await house.run()
    posted: list[tuple[Case, list[int], Fault]] = []
    for number, case in enumerate(some, 1):
        said = case.about.say(house, first, f"w{number}")
        times = 2 if case.passes else None
        fault = Fault(case.refusal.method, code=case.refusal.code, message=case.refusal.name, times=times)
        fault.when = partial(_is_refused, said, case.about)
        house.tg.faults.add(fault)
        ids = [house.post(source, post.pop("text", ""), **post).id for post in said.posts]
        posted.append((case, ids, fault))
    house.post(source, "last")
    await house.run(30 * 86400)
    await house.run(30 * 86400)
    jobs = await house.store.run(lambda db: [tuple(each) for each in db.execute(JOBS)])
    copies = await house.store.run(lambda db: [tuple(each) for each in db.execute(COPIES)])
    there = {message.id: message for message in house.messages(target)}
    walked = []
    for case, ids, fault in posted:
        own = [(state, reason) for source_id, state, reason in jobs if source_id in ids]
        made = [there[copy] for source_id, copy in copies if source_id in ids]
        states, reasons = [state for state, _ in own], [reason for _, reason in own]
        walked.append(Walked(case, states, reasons, made, fault.hits))
    assert house.texts(target)[-1] == "last"
    return walked


JOBS = "SELECT item.source_id, job.state, job.reason FROM item JOIN job ON job.id = item.job ORDER BY 1"
COPIES = "SELECT source_id, target_id FROM copy WHERE target_id IS NOT NULL ORDER BY seq, idx"


@pytest.mark.parametrize("whole", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.parametrize("method", [TEXT, MEDIA, ALBUM])
async def test_messages(tmp_path: Path, method: str, whole: bool) -> None:
    """A message for each error: it arrives without what it was refused for, or is parked where nothing is to
    blame; the mirror is never paused, and the last message follows."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.mirror(source, target, order="source")
        await house.start()
        walked = await walk(house, source, target, cases(method, whole=whole))
        assert [each.complaint() for each in walked if each.complaint()] == []
        assert [str(each.case.refusal) for each in walked if each.tries == 0] == []
        assert (await house.status())["mirrors"][0]["paused"] == ""
