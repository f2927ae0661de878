"""Every error of the calls around a CDN, its own and its data centre's: the file arrives whole.

Refused for a moment, its bytes come over the CDN or from the data centre; refused for good, it goes by
reference, or its bytes come from the data centre after all. No message is parked, and none waits long.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.behaviour.test_cdn import popular
from tests.behaviour.test_files import digest
from tests.harness import House
from tests.refusals import Refusal, on, unheard
from tests.telegram.faults import Fault
from tests.telegram.world.cdn import CDN_DC

pytestmark = pytest.mark.thorough

PART, HASHES = "upload.getCdnFile", "upload.getCdnFileHashes"
AGAIN, KEYS = "upload.reuploadCdnFile", "help.getCdnConfig"
WALKED = {PART, HASHES, AGAIN, KEYS}
#: Requests of one method that one file of two parts may cost.
TRIES = 40


def walkable(method: str, *, lasts: bool) -> list[Refusal]:
    """All that the method says, and of those that nobody has heard of some; a wait is no refusal for good,
    nor is a login that the data centre does not know."""
    found = [*on(method), *unheard(method)[:: 1 if not lasts else 3]]
    passes = lasts and method != PART
    return [one for one in found if not (passes and (one.code in (401, 420) or "_MIGRATE_" in one.name))]


@pytest.mark.parametrize("lasts", [False, True], ids=["for a moment", "for good"])
@pytest.mark.parametrize("method", sorted(WALKED))
async def test_a_file_that_lies_on_a_cdn(tmp_path: Path, method: str, lasts: bool) -> None:
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.mirror(source, target)
        if method == HASHES:
            house.world.cdn.hashes_told = 0
        await house.start()
        refusals = walkable(method, lasts=lasts)
        for number, refusal in enumerate(refusals):
            media = popular(house.world.media.document(size=800_000 + number, name="film.mkv", seed=number))
            assert media.document is not None
            if method == AGAIN:
                house.world.cdn.lose_at_once(media.document)
            if method == KEYS:
                cdn = house.daemon.connection._cdn
                cdn._named.clear()
                cdn._failed.clear()
                house.tg.forget_keys(dc_id=CDN_DC)
            fault = house.tg.faults.add(
                Fault(method, code=refusal.code, message=refusal.name, times=None if lasts else 2)
            )
            began = house.clock.now()
            original = house.post(source, f"m{number}", media=media)
            await house.run()
            house.tg.faults.remove(fault)
            assert (str(refusal), 1 <= fault.hits <= TRIES) == (str(refusal), True)
            [mirror] = (await house.status())["mirrors"]
            seen = (str(refusal), mirror["parked"], mirror["backlog"], mirror["paused"])
            assert seen == (str(refusal), 0, 0, "")
            assert (str(refusal), house.clock.now() - began < 900) == (str(refusal), True)
            assert digest(house.messages(target)[-1]) == digest(original)
            assert house.daemon.connection.trouble is None
        assert house.texts(target) == [f"m{number}" for number, _ in enumerate(refusals)]
