"""The dashboard and the alert rules speak of metrics that there are, and the rules fire and end as they say.

The last test lets the local Telegram do it: a daemon's real /metrics, scraped before, during and after each
trouble while its time is moved by hand, judged by promtool.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

from tests.harness import House
from tests.telegram.faults import Fault
from tgstreamd.web.prometheus import catalogue
from tgstreamd.web.reading import Meter
from tgstreamd.web.routes import answers
from tgstreamd.web.server import listening

from .promtool import Scrapes, fired, needed, promtool
from .test_listener import get

PACKAGING = Path(__file__).parents[2] / "packaging"
RULES = PACKAGING / "prometheus" / "tgstreamd.rules.yml"
CASES = PACKAGING / "prometheus" / "tgstreamd.rules.test.yml"
BOARD: dict[str, Any] = json.loads((PACKAGING / "grafana" / "tgstreamd.json").read_text())
METRICS = {metric["name"]: metric for metric in catalogue()}
#: Prometheus' own.
OWN = {"up"}


def metrics_in(expression: str) -> set[str]:
    """Names of metrics: what stands before a selector or alone, no function, label or word."""
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]|\"[^\"]*\"", "", expression)
    bare = re.sub(r"\b(by|on|without|ignoring)\s*\([^)]*\)", "", bare)
    words = re.findall(r"(?<![a-z0-9_.])[a-z_][a-z0-9_]*(?![a-z0-9_]*\s*\()", bare)
    return {word for word in words if word not in ("and", "or", "unless", "bool")}


def panels() -> Iterator[dict[str, Any]]:
    for panel in BOARD["panels"]:
        if panel["type"] != "row":
            yield panel


def rules() -> dict[str, str]:
    """Each alert's expression. The file is simple enough to be read without a parser of YAML."""
    found = {}
    for block in RULES.read_text().split("- alert: ")[1:]:
        expr = re.search(r"expr:(?: >\n((?: {10}.*\n)+)| (.*)\n)", block)
        assert expr is not None, block
        found[block.split("\n")[0]] = " ".join((expr[1] or expr[2]).split())
    return found


def test_the_rules_speak_of_metrics_that_there_are() -> None:
    assert len(rules()) >= 12
    text = RULES.read_text()
    for alert, expr in rules().items():
        assert metrics_in(expr), alert
        assert metrics_in(expr) <= set(METRICS) | OWN, alert
        # Each is shown to fire and to end.
        assert CASES.read_text().count(f'alertname="{alert}"') == 1, alert
    assert text.count("summary:") == text.count("description:") == text.count("severity:") == len(rules())


def test_the_dashboard_speaks_of_metrics_that_there_are_with_their_units() -> None:
    shown: set[str] = set()
    for panel in panels():
        unit = panel["fieldConfig"]["defaults"]["unit"]
        for target in panel["targets"]:
            named = metrics_in(target["expr"])
            assert named, panel["title"]
            assert named <= set(METRICS), panel["title"]
            shown |= named
            kinds = {METRICS[name]["unit"] for name in named - {"tgstreamd_build_info"}}
            rate = "rate(" in target["expr"]
            for kind in kinds:
                allowed = {
                    "bytes": {"Bps"} if rate else {"bytes"},
                    "s": {"percentunit"} if rate else {"s"},
                    "dateTimeAsIso": {"s"} if "time() -" in target["expr"] else {"dateTimeAsIso"},
                    "short": {"reqps", "short"},
                    "bool": {"bool", "short"},
                }[kind]
                assert unit in allowed, (panel["title"], unit, kind)
    asked = {name for expr in rules().values() for name in metrics_in(expr)}
    assert set(METRICS) - shown - asked == set()


def test_the_dashboard_is_whole_and_asks_nobody_else() -> None:
    text = json.dumps(BOARD)
    assert "://" not in text
    variables = {variable["name"] for variable in BOARD["templating"]["list"]}
    used = set(re.findall(r"\$\{?([a-z_]+)", text)) - {"__rate_interval", "__all"}
    assert used == variables
    ids = [panel["id"] for panel in BOARD["panels"]]
    assert len(ids) == len(set(ids))
    for one, other in combinations([panel["gridPos"] for panel in BOARD["panels"]], 2):
        apart = (
            one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
            or one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        )  # fmt: skip
        assert apart, (one, other)
        assert one["x"] + one["w"] <= 24


@needed
async def test_promtool_takes_the_rules_and_sees_each_fire_and_end() -> None:
    status, said = await promtool("check", "rules", RULES)
    assert (status, f"{len(rules())} rules found" in said) == (0, True), said
    status, said = await promtool("test", "rules", CASES)
    assert status == 0, said


@needed
async def test_promtool_takes_every_expression_of_the_dashboard(tmp_path: Path) -> None:
    expressions = [target["expr"] for panel in panels() for target in panel["targets"]]
    for old, new in (("$__rate_interval", "5m"), ("$job", ".*"), ("$instance", ".*"), ("$mirror", ".*")):
        expressions = [expr.replace(old, new) for expr in expressions]
    recorded = [{"record": f"panel_{number}", "expr": expr} for number, expr in enumerate(expressions)]
    file = tmp_path / "panels.yml"
    file.write_text(json.dumps({"groups": [{"name": "panels", "rules": recorded}]}))
    status, said = await promtool("check", "rules", file)
    assert status == 0, said


class Watched:
    """A house whose /metrics is scraped every three minutes, while somebody posts."""

    EVERY = 180

    def __init__(self, house: House, port: int) -> None:
        self.house = house
        self.port = port
        self.scrapes = Scrapes(self.EVERY)
        self.away = False

    @property
    def seconds(self) -> int:
        """When the last scrape was, by the scrapes' time."""
        return (self.scrapes.count - 1) * self.EVERY

    async def go_on(self, minutes: int, *, source: Any = None) -> None:
        house = self.house
        for number in range(minutes * 60 // self.EVERY):
            end = house.clock.monotonic() + self.EVERY
            if source is not None:
                house.post(source, f"post at {self.seconds}, {number}")
            if not self.away:
                await house.run(self.EVERY)
            house.clock.advance_to(end)
            status, _, body = await get(self.port, "/metrics")
            assert status == 200
            self.scrapes.add(body.decode())


@needed
async def test_alerts_fire_by_faults_in_telegram_and_end_with_them(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        source, target = house.supergroup("source"), house.own_supergroup("target")
        club = house.supergroup("club")
        house.mirror(source, target, name="main")
        house.mirror(club, house.own_supergroup("other"), name="second")
        await house.start()
        house.daemon.state = "running"
        daemon = house.daemon
        #: Which alerts must fire at which second of the scrapes' time.
        at: dict[int, set[str]] = {}
        meter = Meter(tmp_path / "ledger.db", lambda: daemon.desk.answer({"verb": "status"}), house.clock)
        meter.hand_over(daemon.connection, lambda now: ())
        app = answers(meter, page=False, hosts=())
        async with listening(("127.0.0.1", 0), app) as (_, port):
            watched = Watched(house, port)
            await watched.go_on(9, source=source)
            at[watched.seconds] = set()
            # The account is limited for an hour: first nothing goes out, then the mirror lags.
            house.tg.faults.add(Fault("messages.sendMessage", message="PEER_FLOOD"))
            await watched.go_on(9, source=source)
            at[watched.seconds] = {"TgstreamdAccountHeld"}
            await watched.go_on(60, source=source)
            assert house.messages(target)[-1].text.endswith("19")
            await watched.go_on(12)
            at[watched.seconds] = set()
            # One post is refused for good.
            house.tg.faults.add(Fault("messages.sendMessage", message="MESSAGE_STRANGE"))
            await watched.go_on(3, source=source)
            await watched.go_on(12)
            at[watched.seconds] = {"TgstreamdMessagesParked"}
            [parked] = (await house.verb("parked"))["parked"]
            await house.verb("skip", ids=[parked["id"]])
            await watched.go_on(6)
            at[watched.seconds] = set()
            # The account is thrown out of a source, and let in again.
            house.world.chats.kick(club, house.me)
            await watched.go_on(21)
            at[watched.seconds] = {"TgstreamdMirrorPaused"}
            house.world.chats.join(club, house.me)
            await house.hear()
            await house.ask_again()
            # What it missed is read once its rest, ten minutes after the last refusal, is over.
            await watched.go_on(12)
            at[watched.seconds] = set()
            # Telegram is away.
            await house.tg.stop()
            while daemon.connection.connected:
                await house.real_moment()
            watched.away = True
            await watched.go_on(15)
            at[watched.seconds] = {"TgstreamdDisconnected"}
            await house.tg.start()
            while not daemon.connection.connected:
                await house.real_moment()
            watched.away = False
            await watched.go_on(6)
            at[watched.seconds] = set()
    assert await fired(RULES, watched.scrapes, at, tmp_path) == ""
    # And it would be seen if one fired that should not.
    assert "TgstreamdAccountHeld" in await fired(
        RULES, watched.scrapes, {seconds: set() for seconds in at}, tmp_path
    )
