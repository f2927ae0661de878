"""Who tells the operator at night: a fault is told once, recovery is told once, a restart repeats nothing.

The command and the monitor are real; time is moved by hand. What is looked at is what reached them.
"""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.harness import House
from tests.logged import Logs
from tests.telegram.faults import Fault
from tgstreamd.domain.errors import StoreError

SEND = "messages.sendMessage"


class Mailbox:
    """A command that keeps what it is told; while it is broken it tells nobody."""

    def __init__(self, folder: Path) -> None:
        self._got, self._broken = folder / "alerts.jsonl", folder / "broken"
        self.program = folder / "alert"
        body = f'[ -e {self._broken} ] && {{ echo "no mailer"; exit 4; }}\nexec cat >> {self._got}\n'
        self.program.write_text(f"#!/bin/sh\n{body}")
        self.program.chmod(0o755)

    def break_down(self, broken: bool = True) -> None:
        self._broken.touch() if broken else self._broken.unlink()

    @property
    def all(self) -> list[dict[str, Any]]:
        text = self._got.read_text() if self._got.exists() else ""
        return [json.loads(row) for row in text.split("\n") if row]

    @property
    def short(self) -> list[str]:
        return [f"{one['event']} {one['kind']}" for one in self.all]


@pytest.fixture
def mailbox(tmp_path: Path) -> Mailbox:
    return Mailbox(tmp_path)


@pytest.fixture
def monitor() -> Iterator[tuple[str, list[str]]]:
    """A monitor's address, and the requests that came."""
    seen: list[str] = []

    class Monitor(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Monitor) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/beat", seen
        server.shutdown()
        thread.join()


async def watch(house: House, seconds: float, *, every: float = 60.0) -> None:
    """So long nothing happens but that somebody looks."""
    end = house.clock.monotonic() + seconds
    while house.clock.monotonic() < end:
        house.clock.advance(min(every, end - house.clock.monotonic()))
        await house.step_watch()


def listening(house: House, mailbox: Mailbox, **alerts: Any) -> None:
    house.options["alerts"] = {"command": [str(mailbox.program)], **alerts}


async def test_a_lost_chat_is_told_once_and_once_when_it_is_back(tmp_path: Path, mailbox: Mailbox) -> None:
    """Over restarts, and not again each ten minutes in which it is asked about."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.mirror(source, target, name="main")
        listening(house, mailbox)
        await house.start()
        await house.run()
        await watch(house, 300)
        assert mailbox.all == []
        house.world.chats.ban(source, house.me)
        await house.run()
        await watch(house, 120)
        for _ in range(3):
            await house.restart()
            await house.ask_again()
            await watch(house, 1800)
        [alert] = mailbox.all
        assert (alert["event"], alert["kind"], alert["mirror"]) == ("alert", "access lost", "main")
        assert alert["hint"] == "tgstreamd check"
        assert abs(alert["at"] - house.clock.now()) < 3 * 1800 + 300
        house.world.chats.unban(source, house.me)
        house.world.chats.join(source, house.me)
        await house.ask_again()
        await watch(house, 600)
        await house.restart()
        await house.run()
        await watch(house, 3600)
        assert mailbox.short == ["alert access lost", "recovered access lost"]


async def test_a_source_that_cannot_be_read_is_told_though_nothing_waits(
    tmp_path: Path, mailbox: Mailbox, monitor: tuple[str, list[str]]
) -> None:
    """What was never captured cannot lag; neither is such a mirror caught up."""
    url, beats = monitor
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.mirror(source, target, name="main")
        listening(house, mailbox, heartbeat_url=url)
        await house.start()
        await house.run()
        fault = house.tg.faults.add(
            Fault("updates.getChannelDifference", code=500, message="INTERNAL", times=None)
        )
        house.post(source, "unheard")
        await house.run(600)
        await watch(house, 1000)
        beats.clear()
        await watch(house, 3600)
        assert beats == []
        assert mailbox.short == ["alert lagging"]
        house.tg.faults.remove(fault)
        await house.run()
        assert house.texts(target) == ["unheard"]
        await watch(house, 600)
        assert mailbox.short == ["alert lagging", "recovered lagging"]
        assert len(beats) == 10


async def test_a_parked_message_is_told_and_when_it_was_retried(tmp_path: Path, mailbox: Mailbox) -> None:
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.mirror(source, target, name="main")
        listening(house, mailbox)
        house.post(source, "refused")
        fault = house.tg.faults.add(Fault(SEND, code=400, message="MESSAGE_FORBIDDEN", times=None))
        await house.start()
        await house.run()
        assert fault.hits
        await watch(house, 120)
        assert mailbox.short == ["alert parked"]
        assert "tgstreamd parked" in mailbox.all[0]["hint"]
        house.tg.faults.remove(fault)
        await house.verb("retry", ids=None)
        await house.run()
        await watch(house, 600)
        assert mailbox.short == ["alert parked", "recovered parked"]


async def test_a_limited_account_is_one_alert_and_not_also_its_consequences(
    tmp_path: Path, mailbox: Mailbox
) -> None:
    """Hours without a send make every mirror lag: that is not told on top. Nor does it go by the account."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.mirror(source, target, name="main")
        listening(house, mailbox, chat="me")
        await house.start()
        house.tg.faults.add(Fault(SEND, code=400, message="PEER_FLOOD"))
        house.post(source, "held")
        await house.run(60)
        await watch(house, 3500)
        assert mailbox.short == ["alert account limited"]
        assert house.texts(house.world.chats.private(house.me, house.me)) == []
        await house.run(7200)
        assert house.texts(target) == ["held"]
        await watch(house, 900)
        assert mailbox.short == ["alert account limited", "recovered account limited"]


async def test_lag_is_told_after_its_threshold_and_a_reload_changes_it(
    tmp_path: Path, mailbox: Mailbox
) -> None:
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.mirror(source, target, name="main")
        listening(house, mailbox)
        await house.start()
        house.tg.faults.add(Fault(SEND, "flood", seconds=9000))
        house.post(source, "late")
        await house.run(60)
        await watch(house, 1800)
        assert mailbox.short == []
        listening(house, mailbox, lag=1800)
        await house.reload()
        await watch(house, 60)
        assert mailbox.short == ["alert lagging"]
        await house.run(9000)
        assert house.texts(target) == ["late"]
        await watch(house, 600)
        assert mailbox.short == ["alert lagging", "recovered lagging"]


async def test_a_posts_delay_is_no_lag(tmp_path: Path, mailbox: Mailbox) -> None:
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.mirror(source, target, name="main", delay=86400)
        listening(house, mailbox)
        await house.start()
        house.post(source, "in a day")
        await house.run(60)
        await watch(house, 40_000, every=600)
        assert mailbox.all == []


async def test_an_alert_that_nobody_took_is_tried_again(tmp_path: Path, mailbox: Mailbox, logs: Logs) -> None:
    """Its failure is a line of the log, at intervals, and no alert."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.mirror(source, target, name="main")
        listening(house, mailbox)
        await house.start()
        mailbox.break_down()
        house.world.chats.ban(source, house.me)
        await house.run()
        await watch(house, 1800)
        [failure] = logs.of("alert command failed")
        assert (failure["why"], failure["output"]) == ("exit status 4", "no mailer")
        assert len(logs.of("alert")) == 1
        mailbox.break_down(False)
        await house.restart()
        await watch(house, 3600)
        assert mailbox.short == ["alert access lost"]


async def test_a_night_in_which_everything_breaks_is_one_run(tmp_path: Path, mailbox: Mailbox) -> None:
    async with House(tmp_path) as house:
        pairs = [(house.supergroup(f"S{n}"), house.own_supergroup(f"T{n}")) for n in range(8)]
        for source, target in pairs:
            house.mirror(source, target)
        listening(house, mailbox)
        await house.start()
        for source, _ in pairs:
            house.world.chats.ban(source, house.me)
        await house.run()
        await watch(house, 300)
        [alert] = mailbox.all
        assert (alert["event"], alert["what"]) == ("several", "8 things at once")
        assert sorted(one["mirror"] for one in alert["alerts"]) == sorted(f"m{n + 1}" for n in range(8))


@pytest.mark.parametrize(
    "title", ['"; touch /tmp/x #', "\x1b[31m\nalert: all is well\r", "$(id) `id` \u202e"]
)
async def test_other_peoples_words_reach_the_command_as_json_only(
    tmp_path: Path, mailbox: Mailbox, title: str
) -> None:
    """One object on one line of ASCII, whatever a chat is called."""
    async with House(tmp_path) as house:
        target = house.own_supergroup("Target")
        source = house.supergroup(title, noforwards=True)
        house.mirror(source, target, name="main")
        listening(house, mailbox)
        await house.start()
        await watch(house, 240)
        raw = (tmp_path / "alerts.jsonl").read_bytes()
        assert raw.count(b"\n") == 1
        assert raw.isascii()
        assert all(byte >= 0x20 or byte == 0x0A for byte in raw)
        [alert] = mailbox.all
        assert alert["kind"] == "access lost"


async def test_the_accounts_own_message_is_the_third_way(tmp_path: Path, mailbox: Mailbox) -> None:
    """Once; no mirror copies it."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.mirror(source, target, name="main")
        listening(house, mailbox, chat="me")
        await house.start()
        house.world.chats.ban(source, house.me)
        await house.run()
        await watch(house, 600)
        [text] = house.texts(house.world.chats.private(house.me, house.me))
        assert text.startswith('mirror "main" stands: ')
        assert mailbox.short == ["alert access lost"]
        assert house.texts(target) == []


@pytest.mark.parametrize(
    "fault",
    [
        Fault(SEND, "cut"),
        Fault(SEND, "apply-cut"),
        Fault(SEND, "twice"),
        Fault(SEND, "apply-error", code=500, message="RPC_CALL_FAIL"),
        Fault(SEND, code=500, message="RANDOM_ID_DUPLICATE"),
        Fault(SEND, "flood", seconds=400),
        Fault(SEND, code=400, message="MESSAGE_FORBIDDEN"),
    ],
    ids=["cut", "answer lost", "twice", "500", "said to be under way", "flood", "refused"],
)
async def test_a_message_that_fails_is_sent_once_all_the_same(
    tmp_path: Path, monitor: tuple[str, list[str]], fault: Fault
) -> None:
    """Under its number; a flood that it meets holds for whatever is sent next."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.mirror(source, target, name="main")
        lost = house.supergroup("Lost")
        house.mirror(lost, house.own_supergroup("Other"), name="lost")
        house.options["alerts"] = {"heartbeat_url": monitor[0], "chat": "me"}
        await house.start()
        await house.run()
        house.tg.faults.add(dataclasses.replace(fault))
        house.world.chats.ban(lost, house.me)
        await house.run()
        await watch(house, 120)
        house.post(source, "and what comes next")
        await house.run(1200)
        await watch(house, 1200)
        assert len(house.texts(house.world.chats.private(house.me, house.me))) == 1
        assert house.texts(target) == ["and what comes next"]
        assert house.tg.faults.violations == []


async def test_a_disk_that_is_almost_full(tmp_path: Path, mailbox: Mailbox) -> None:
    async with House(tmp_path) as house:
        house.mirror(house.supergroup("Source"), house.own_supergroup("Target"))
        listening(house, mailbox, free_mb=10**9)
        await house.start()
        await watch(house, 120)
        assert mailbox.short == ["alert disk"]
        assert str(tmp_path) in mailbox.all[0]["what"]
        listening(house, mailbox, free_mb=0)
        await house.reload()
        await watch(house, 600)
        assert mailbox.short == ["alert disk", "recovered disk"]


# -- the heartbeat


async def test_the_heartbeat_stops_when_a_mirror_stalls_and_goes_on_with_it(
    tmp_path: Path, monitor: tuple[str, list[str]], logs: Logs
) -> None:
    url, beats = monitor
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.mirror(source, target, name="main")
        house.options["alerts"] = {"heartbeat_url": url}
        await house.start()
        await house.run()
        await watch(house, 600, every=30)
        assert 9 <= len(beats) <= 10
        house.tg.faults.add(Fault(SEND, "flood", seconds=7200))
        house.post(source, "held")
        await house.run(60)
        await watch(house, 900)
        beats.clear()
        await watch(house, 3600)
        assert beats == []
        assert logs.of("heartbeat withheld")
        assert url not in str(logs)
        await house.run(7200)
        assert house.texts(target) == ["held"]
        await watch(house, 300)
        assert len(beats) == 5


async def test_no_heartbeat_for_a_mirror_that_stands(tmp_path: Path, monitor: tuple[str, list[str]]) -> None:
    """Also the operator's own pause: the monitor is told by its silence that nothing is mirrored."""
    url, beats = monitor
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.mirror(source, target, name="main")
        house.options["alerts"] = {"heartbeat_url": url}
        await house.start()
        await house.run()
        await house.verb("pause", mirror="main")
        await watch(house, 600)
        assert beats == []
        await house.verb("resume", mirror="main")
        await watch(house, 120)
        assert len(beats) == 2


# -- the day


async def test_a_line_a_day_over_restarts(tmp_path: Path, logs: Logs) -> None:
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.mirror(source, target, name="main", history="none", filter=[{"name": "no b", "text": ["b"]}])
        house.mirror(house.supergroup("Quiet"), house.own_supergroup("Quiet too"), name="quiet")
        await house.start()
        await house.run()
        # Midnight first, so that the test's day is a whole one.
        await watch(house, 86400 - house.clock.now() % 86400 + 60, every=3600)
        for text in ("a", "b", "c"):
            house.post(source, text)
        await house.run(3600)
        house.tg.faults.add(Fault(SEND, "flood", seconds=600))
        house.post(source, "d")
        await house.run(60)
        await watch(house, 300)
        await house.restart()
        await watch(house, 240)
        await house.run(1200)
        assert house.texts(target) == ["a", "c", "d"]
        logs.clear()
        await watch(house, 86400, every=3600)
        await house.restart()
        await watch(house, 3600)
        [line] = logs.of("the day in short")
        assert (line["copied"], line["skipped"], line["parked"]) == (3, 1, 0)
        assert 300 <= line["longest_lag_seconds"] <= 1200
        assert 400 <= line["held_seconds"] <= 600
        assert line["mirrors"].startswith("main: 3 copied, 1 skipped, 0 parked, lag ")
        assert "quiet" not in line["mirrors"]
        logs.clear()
        await watch(house, 86400, every=3600)
        [line] = logs.of("the day in short")
        assert (line["copied"], line["mirrors"]) == (0, "nothing to do")


# -- the verb that tries


async def test_the_verb_alert_tries_every_way(
    tmp_path: Path, mailbox: Mailbox, monitor: tuple[str, list[str]]
) -> None:
    """And says which one did not work; a test is not kept as something that was told."""
    url, beats = monitor
    async with House(tmp_path) as house:
        house.mirror(house.supergroup("Source"), house.own_supergroup("Target"))
        await house.start()
        assert await house.verb("alert") == {"ways": []}
        listening(house, mailbox, heartbeat_url=url, chat="me")
        await house.reload()
        tried = await house.verb("alert")
        assert [(way["way"], way["why"]) for way in tried["ways"]] == [
            ("command", ""), ("chat", ""), ("heartbeat_url", "")
        ]  # fmt: skip
        assert len(beats) == 1
        assert mailbox.short == ["test test"]
        assert len(house.texts(house.world.chats.private(house.me, house.me))) == 1
        mailbox.break_down()
        house.clock.advance(60)  # the pace of the account's message
        tried = await house.verb("alert")
        assert tried["ways"][0] == {"way": "command", "why": "exit status 4", "output": "no mailer"}
        await watch(house, 1200)
        assert mailbox.short == ["test test"]


async def test_a_ledger_that_cannot_be_written_does_not_silence_the_alert(
    tmp_path: Path, mailbox: Mailbox, logs: Logs
) -> None:
    """On a full disk the alert about it still goes out, once, and the daemon lives."""

    def full(*_: object) -> None:
        raise StoreError("the ledger failed: database or disk is full")

    async with House(tmp_path) as house:
        house.mirror(house.supergroup("Source"), house.own_supergroup("Target"))
        listening(house, mailbox, free_mb=10**9)
        house.interpose("store", before={"set_fact": full})
        await house.start()
        await watch(house, 1200)
        assert mailbox.short == ["alert disk"]
        assert len(logs.of("what was told could not be kept")) == 1
