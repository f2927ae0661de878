"""Every error of the calls with which a connection begins, and of those beside it: the daemon goes on.

No start and no new connection ends the daemon for a refusal, unless the configuration or the login is wrong;
no login is forgotten for one. A verb says in one line what Telegram says.
"""

from __future__ import annotations

import asyncio
import re
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from telethon.tl import types

from tests.behaviour.test_refusals import ENDS
from tests.behaviour.test_refusals_logins import complaints, configured
from tests.contract.conftest import log_in
from tests.contract.test_login_unknown import Daemon
from tests.harness import House
from tests.refusals import Refusal, on, unheard
from tests.telegram.faults import Fault
from tests.telegram.server import TelegramServer
from tests.telegram.world import World
from tests.telegram.world.media import Page
from tgstreamd.cli import remote
from tgstreamd.domain.errors import ConfigError, LoginUnknown, TgstreamdError
from tgstreamd.telegram.session import StoredSession

pytestmark = pytest.mark.thorough

GREETING, WHO = "help.getConfig", "users.getUsers"
STATE, LIMITS, PAGE = "updates.getState", "help.getAppConfig", "messages.getRichMessage"
EXPORT, IMPORT = "auth.exportAuthorization", "auth.importAuthorization"
AROUND = ("initConnection", "invokeWithLayer")
WALKED = {GREETING, WHO, STATE, LIMITS, PAGE, EXPORT, IMPORT, *AROUND}
#: What the first request is wrapped in answers in its place.
FIRST = [Refusal(GREETING, one.code, one.name) for one in on(GREETING, *AROUND)]


def walkable(method: str) -> list[Refusal]:
    """Each name once."""
    found = [*(FIRST if method == GREETING else on(method)), *unheard(method)]
    return [one for one in dict.fromkeys(found) if not one.name.endswith("API_ID_INVALID")]


def refuse(house: House | TelegramServer, refusal: Refusal, **how: Any) -> Fault:
    tg = house.tg if isinstance(house, House) else house
    return tg.faults.add(Fault(refusal.method, code=refusal.code, message=refusal.name, **how))


@pytest.mark.parametrize("method", [GREETING, WHO])
async def test_a_start_goes_on(tmp_path: Path, method: str) -> None:
    """Refused twice, at start after start: each comes about, and with the same login."""
    async with TelegramServer(World()) as tg:
        daemon = Daemon(tg, tg.world.peers.add_account("Mia"), tmp_path)
        await daemon.open()
        login = StoredSession.load(tmp_path / "session")
        for refusal in walkable(method):
            fault = refuse(tg, refusal, times=2)
            starting = asyncio.ensure_future(daemon.connect())
            took = await daemon.until_it_ends(starting)
            assert (str(refusal), fault.hits, took < 900) == (str(refusal), 2, True)
            await (await starting).close()
            kept = StoredSession.load(tmp_path / "session")
            assert (str(refusal), kept.dc_id, kept.key_id) == (str(refusal), login.dc_id, login.key_id)
        await daemon.store.close()


LASTING = [
    Refusal(GREETING, 403, "CHAT_WRITE_FORBIDDEN"), Refusal(GREETING, 400, "CONNECTION_LAYER_INVALID"),
    Refusal(WHO, 400, "CHANNEL_PRIVATE"), Refusal(WHO, 303, "FILE_MIGRATE_7"),
    Refusal(WHO, 400, "NEVER_HEARD_OF_IT"),
]  # fmt: skip


async def test_a_new_connection_comes_about(tmp_path: Path) -> None:
    """The same of a running daemon whose connection was cut."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.mirror(source, target)
        await house.start()
        for refusal in LASTING:
            fault = refuse(house, refusal)
            house.tg.faults.add(Fault("messages.sendMessage", "cut"))
            house.post(source, refusal.name)
            await house.run()
            assert (str(refusal), fault.hits) == (str(refusal), 1)
            assert (str(refusal), house.daemon.connection.trouble) == (str(refusal), None)
        assert house.texts(target) == [refusal.name for refusal in LASTING]


@pytest.mark.parametrize("refusal", LASTING, ids=str)
async def test_one_that_lasts_is_waited_out(tmp_path: Path, refusal: Refusal) -> None:
    """An hour of it: asked twice a minute at most, and told each time, so that systemd waits too."""
    async with TelegramServer(World()) as tg:
        daemon = Daemon(tg, tg.world.peers.add_account("Mia"), tmp_path)
        await daemon.open()
        fault = refuse(tg, refusal, times=None)
        starting = asyncio.ensure_future(daemon.connect())
        await daemon.until_it_ends(starting, within=3600)
        assert not starting.done()
        assert 10 <= fault.hits <= 150
        assert len(daemon.waits) >= 120
        assert refusal.name in daemon.waits[-1][1]
        tg.faults.remove(fault)
        await daemon.until_it_ends(starting)
        await (await starting).close()
        await daemon.store.close()


async def test_a_wrong_api_id_is_the_configurations(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        house.mirror(house.supergroup("Source"), house.own_supergroup("Target"))
        refuse(house, Refusal(GREETING, 400, "CONNECTION_API_ID_INVALID"), times=None)
        with pytest.raises(ConfigError, match="not valid") as error:
            await house.start()
        assert error.value.exit_status == 78


@pytest.mark.parametrize("method", [GREETING, WHO])
async def test_what_a_verb_says(tmp_path: Path, method: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`chats`, `check` and the others: one line, and 77 only where the login may be at an end."""

    async def reach(refusal: Refusal, folder: Path) -> tuple[Refusal, TgstreamdError | None, int]:
        async with TelegramServer(World()) as tg:
            config = configured(folder, tg)
            log_in(tg, tg.world.peers.add_account("Mia"), config.paths.session)
            fault = refuse(tg, refusal, times=None)
            try:
                async with remote.connected(config):
                    return refusal, None, fault.hits
            except TgstreamdError as error:
                return refusal, error, fault.hits

    places = [(refusal, tmp_path / str(number)) for number, refusal in enumerate(walkable(method))]
    ended = await asyncio.gather(*(reach(*place) for place in places))
    assert complaints(ended, capsys) == []


async def test_the_question_whether_a_quiet_connection_lives(tmp_path: Path) -> None:
    """Only a login that Telegram does not know is doubted for its answer; the rest is not asked again."""
    async with House(tmp_path) as house:
        house.mirror(house.supergroup("Source"), house.own_supergroup("Target"))
        await house.start()
        for refusal in [*on(STATE), *unheard(STATE)]:
            client = house.daemon.connection._client
            client._liveness._ping_until = 0.0
            fault = refuse(house, refusal)
            why = await client._liveness.examine(client._wire, 5.0)
            assert (str(refusal), fault.hits) == (str(refusal), 1)
            doubted = refusal.code == 401 or re.fullmatch(r"(USER|PHONE|NETWORK)_MIGRATE_7", refusal.name)
            assert (str(refusal), isinstance(why, LoginUnknown)) == (str(refusal), bool(doubted))
            assert (str(refusal), why is None) == (str(refusal), not doubted)


async def test_limits_that_are_not_told_are_the_documented_ones(tmp_path: Path) -> None:
    """A refusal for good costs nothing; trouble that passes is waited out."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.mirror(source, target)
        for number, refusal in enumerate([*on(LIMITS), *unheard(LIMITS)]):
            fault = refuse(house, refusal, times=2)
            await house.start()
            house.post(source, f"m{number}")
            await house.run()
            await house.stop()
            assert (str(refusal), fault.hits >= 1) == (str(refusal), True)
            house.tg.faults.remove(fault)
        assert len(house.texts(target)) == len([*on(LIMITS), *unheard(LIMITS)])


@pytest.mark.parametrize("method", [EXPORT, IMPORT])
async def test_the_way_to_another_data_centre(tmp_path: Path, method: str) -> None:
    """Refused twice, its files come all the same."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.mirror(source, target)
        await house.start()
        refusals = [*on(method), *unheard(method)[::4]]
        for number, refusal in enumerate(refusals):
            fault = refuse(house, refusal, times=2)
            house.tg.forget_keys(dc_id=4)
            house.post(source, f"m{number}", media=house.world.media.document(5000, dc_id=4, seed=number))
            await house.run()
            assert (str(refusal), fault.hits) == (str(refusal), 2)
            [mirror] = (await house.status())["mirrors"]
            assert (str(refusal), mirror["parked"], mirror["backlog"], mirror["paused"]) == (
                str(refusal), 0, 0, "",
            )  # fmt: skip
        assert all(message.media for message in house.messages(target))


def is_page(mark: str, call: Any, request: Any) -> bool:
    return bool(request.id == int(mark))


async def test_a_page_that_is_not_told_whole(tmp_path: Path) -> None:
    """It is asked for until it comes, for half an hour; no other post waits for it."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.mirror(source, target)
        await house.start()
        refusals = [one for one in [*on(PAGE), *unheard(PAGE)] if not ENDS.fullmatch(one.name)]
        faults = []
        for number, refusal in enumerate(refusals):
            page = Page([types.PageBlockParagraph(types.TextPlain(f"w{number}"))])
            post = house.post(source, "", page=page, in_part=True)
            faults.append((refusal, refuse(house, refusal, times=2, when=partial(is_page, str(post.id)))))
        house.post(source, "last")
        await house.run()
        assert house.texts(target)[-1] == "last"
        [mirror] = (await house.status())["mirrors"]
        assert (mirror["parked"], mirror["backlog"], mirror["paused"]) == (0, 0, "")
        assert [str(refusal) for refusal, fault in faults if fault.hits != 2] == []
