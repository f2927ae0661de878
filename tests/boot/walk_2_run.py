"""The walk, part two: the daemon at work: copying, journal, sandbox, watchdog, kill, reload, stop.

Each test goes on where the one before it stopped. Whatever happens to the daemon, `equal` must hold after it.
"""

from __future__ import annotations

import json
import time

from .conftest import Telegram, note
from .guest import SOURCES, Guest
from .walk_1_install import alerts

CONFIG = "/etc/tgstreamd/config.toml"


def mirrors(guest: Guest) -> dict[str, dict[str, object]]:
    """By name; empty while nobody answers."""
    done = guest.run("tgstreamd status --json", check=False)
    if done.status != 0:
        return {}
    return {mirror["name"]: mirror for mirror in json.loads(done.out)["mirrors"]}


def equal(guest: Guest, telegram: Telegram, within: float = 60) -> None:
    """The target comes to hold what the source holds: nothing lost, nothing twice, in order."""

    def same() -> bool:
        return telegram.look("source") == telegram.look("target")

    seconds = guest.until(same, within, "the target equals the source")
    note(f"target equals source: {len(telegram.look('target'))} messages ({seconds:.1f} s)")


def test_the_history_and_live_posts_are_mirrored(guest: Guest, telegram: Telegram) -> None:
    equal(guest, telegram)
    telegram.post("source", "live 1", "live 2", size=700_000, seed=1)
    equal(guest, telegram)


def test_the_journal_tells_the_story_by_field_and_priority(guest: Guest) -> None:
    [begun] = guest.journal("-u tgstreamd -p info -g 'tgstreamd started'")
    note(str(begun["MESSAGE"]))
    assert begun["PRIORITY"] == "6"
    assert begun["SYSLOG_IDENTIFIER"] == "tgstreamd"
    assert begun["VERSION"]
    copied = guest.journal("-u tgstreamd MIRROR=main -g 'message copied'")
    assert len(copied) >= 15
    one = copied[0]
    assert {"MIRROR", "SOURCE_ID", "TARGET_ID", "MESSAGE_ID"} <= set(one)
    [again] = guest.journal(f"-u tgstreamd MIRROR=main SOURCE_ID={one['SOURCE_ID']} -g 'message copied'")
    assert again["TARGET_ID"] == one["TARGET_ID"]
    # By priority: of this start nothing worse than a notice, but that Telegram was not there at first.
    worse = guest.messages(f"-u tgstreamd -p warning _PID={guest.pid()}").splitlines()
    assert [line for line in worse if not line.startswith("no connection to Telegram")] == []
    # Nothing in it that identifies the account to others.
    everything = guest.messages("-u tgstreamd")
    assert "0123456789abcdef0123456789abcdef" not in everything
    explained = guest.out(f"journalctl --no-pager -q -x -u tgstreamd _PID={guest.pid()} -n 400")
    assert "Subject: A message was copied" in explained


def test_the_sandbox_refuses(guest: Guest) -> None:
    python = guest.out("head -1 /usr/bin/tgstreamd").removeprefix("#!").split()[0]
    guest.run(f"install -m 644 {SOURCES}/tests/boot/probe.py /usr/lib/probe.py")
    guest.run("ip link set lo up; ip address add 169.254.169.254/32 dev lo")
    guest.write(CONFIG.replace("config", "probe"), "")
    lines = [
        "[Service]",
        "Type=oneshot",
        "ExecStart=",
        f"ExecStart={python} -I /usr/lib/probe.py",
        "ExecReload=",
        "Restart=no",
        "WatchdogSec=0",
        "StandardOutput=journal",
    ]
    guest.drop_in("probe", "\n".join(lines) + "\n", unit="tgstreamd@probe.service")
    guest.run("systemctl start tgstreamd@probe", check=False)
    said = dict(
        line.split(": ", 1)
        for line in guest.messages("-u tgstreamd@probe _TRANSPORT=stdout").splitlines()
        if ": " in line
    )
    for act, how in said.items():
        print(f"   | {act}: {how}")
    must = ["write its state", "write its runtime directory", "read the configuration", "reach Telegram"]
    assert [act for act in must if said.get(act) != "ok"] == []
    tried = {act: how for act, how in said.items() if act not in (*must, "open a Unix socket")}
    assert len(tried) >= 30
    # Debian 12 builds its systemd without what SocketBindDeny= needs.
    known = [] if "+BPF_FRAMEWORK" in guest.out("systemctl --version") else ["listen on a port"]
    assert [act for act, how in tried.items() if how == "ok"] == known
    # A mistake of the probe's own is no refusal.
    assert [act for act, how in tried.items() if how.split(":")[0] in ("NameError", "TypeError")] == []
    guest.run("ip address del 169.254.169.254/32 dev lo; rm /usr/lib/probe.py /etc/tgstreamd/probe.toml")
    guest.undo("probe", unit="tgstreamd@probe.service")


def test_figures_are_shown_out_of_the_sandbox(guest: Guest, telegram: Telegram) -> None:
    """The port of `[metrics]` can be opened, every figure is there, another port is refused with a way."""
    good = guest.out(f"cat {CONFIG}")
    python = guest.out("head -1 /usr/bin/tgstreamd").removeprefix("#!").split()[0]

    def shown(port: int) -> None:
        there = f"[metrics]\nlisten = '127.0.0.1:{port}'\npage = true\n"
        guest.write(CONFIG, good.replace("[metrics]\n", there), "640")
        guest.run(f"chown root:tgstreamd {CONFIG}")

    def get(path: str) -> str:
        ask = f"import urllib.request as u; print(u.urlopen('http://127.0.0.1:9187{path}').read().decode())"
        return guest.out(f'{python} -c "{ask}"')

    shown(9187)
    guest.run("systemctl restart tgstreamd")
    assert json.loads(get("/healthz"))["healthy"] is True
    figures = dict(line.rsplit(" ", 1) for line in get("/metrics").splitlines() if line[:1] not in ("#", ""))
    note(f"{len(figures)} figures, memory {float(figures['process_resident_memory_bytes']) / 1e6:.0f} MB")
    for name in ("process_resident_memory_bytes", "process_open_fds", "process_start_time_seconds"):
        assert float(figures[name]) > 0, name
    assert float(figures["tgstreamd_state_free_bytes"]) > 0
    assert "<title>tgstreamd</title>" in get("/")
    assert guest.run("test -s /usr/share/tgstreamd/prometheus/tgstreamd.rules.yml").status == 0
    assert guest.run("test -s /usr/share/tgstreamd/grafana/tgstreamd.json").status == 0
    if "+BPF_FRAMEWORK" in guest.out("systemctl --version"):
        shown(9300)
        guest.drop_in("port", "[Service]\nRestart=no\n")
        assert guest.run("systemctl restart tgstreamd", check=False).status != 0
        assert "SocketBindAllow=tcp:9300" in guest.messages("-u tgstreamd")
        guest.undo("port")
    guest.write(CONFIG, good, "640")
    guest.run(f"chown root:tgstreamd {CONFIG}; systemctl reset-failed tgstreamd; systemctl restart tgstreamd")
    equal(guest, telegram)


def test_a_stopped_process_is_restarted_by_the_watchdog(guest: Guest, telegram: Telegram) -> None:
    guest.drop_in(
        "watchdog", "[Service]\nWatchdogSec=4s\nTimeoutAbortSec=2s\nRestartSec=100ms\nRestartSteps=0\n"
    )
    guest.run("systemctl restart tgstreamd")
    pid = guest.pid()
    # It is fed: older than a watchdog's time and still there.
    time.sleep(6)
    assert guest.pid() == pid
    guest.run(f"kill -STOP {pid}")
    telegram.post("source", "while it stood still", seed=2)
    seconds = guest.until(lambda: guest.pid() not in (0, pid) and guest.state() == "active", 90, "restarted")
    note(f"SIGSTOP to active again: {seconds:.1f} s, with WatchdogSec=4s")
    assert "Watchdog timeout" in guest.messages("-u tgstreamd")
    equal(guest, telegram)


def test_an_outage_of_the_network_is_no_reason_to_restart(guest: Guest, telegram: Telegram) -> None:
    pid = guest.pid()
    telegram("cut")
    telegram.away(10.0)
    time.sleep(8)  # two times the watchdog's
    assert (guest.pid(), guest.state()) == (pid, "active")
    guest.until(telegram.listens, 60, "Telegram is back")
    telegram.post("source", "after the outage", seed=7)
    equal(guest, telegram, within=120)
    assert guest.pid() == pid


def test_killed_in_mid_transfer_it_goes_on(guest: Guest, telegram: Telegram) -> None:
    telegram("network", download=2_000_000)
    telegram.post("source", "before the big one", size=12_000_000, seed=3)
    guest.until(lambda: transferred(guest) > 0, 60, "a transfer under way")
    pid = guest.pid()
    guest.run(f"kill -KILL {pid}")
    guest.until(lambda: guest.pid() not in (0, pid) and guest.state() == "active", 90, "restarted")
    telegram("network", download=0)
    equal(guest, telegram)
    # A restart is no failure yet.
    assert [line for line in alerts(guest) if "signal" in line or "watchdog" in line] == []
    assert "transfer goes on" in guest.messages(f"-u tgstreamd _PID={guest.pid()}")
    guest.undo("watchdog")


def transferred(guest: Guest) -> int:
    done = guest.run("tgstreamd status --json", check=False)
    return sum(int(one["transferred"]) for one in json.loads(done.out)["transfers"]) if not done.status else 0


def test_reload_takes_what_is_right_and_refuses_what_is_wrong(guest: Guest, telegram: Telegram) -> None:
    pid = guest.pid()
    good = guest.out(f"cat {CONFIG}")
    # Slow enough that whoever looks now and then, on a busy machine, sees it under way.
    telegram("network", download=300_000)
    telegram.post("source", size=9_000_000, seed=4)
    guest.until(lambda: transferred(guest) > 0, 60, "a transfer under way")
    source, target = telegram.found["long"], telegram.found["second"]
    added = f'\n[[mirror]]\nname = "long"\nsource = {source}\ntarget = {target}\n'
    guest.write(CONFIG, good + added, "640")
    guest.run("systemctl reload tgstreamd")
    guest.until(lambda: "long" in mirrors(guest), 60, "the new mirror")
    # A long backlog that a reload brings waits for a person.
    guest.until(lambda: mirrors(guest)["long"].get("paused"), 60, "begins paused")
    note(f"added by reload: {mirrors(guest)['long']['paused']}")
    assert telegram.look("second") == []
    guest.write(CONFIG, good + added.replace("target = -100", "interval = -100"), "640")
    guest.run("systemctl reload tgstreamd", check=False)
    guest.until(lambda: guest.journal("-u tgstreamd -p err -g 'configuration refused'"), 60, "the refusal")
    note(str(guest.journal("-u tgstreamd -p err -g 'configuration refused'")[-1]["MESSAGE"]))
    assert "long" in mirrors(guest)
    guest.write(CONFIG, good, "640")
    guest.run("systemctl reload tgstreamd")
    guest.until(lambda: "long" not in mirrors(guest), 60, "removed by reload")
    telegram("network", download=0)
    equal(guest, telegram)
    # One process all the while, and no upload begun anew.
    assert guest.pid() == pid
    guest.run(f"chown root:tgstreamd {CONFIG}")


def test_alerts_get_out_of_the_sandbox(guest: Guest, telegram: Telegram) -> None:
    """The command runs as confined as the daemon, without its secrets; the heartbeat reaches its monitor."""
    pid = guest.pid()
    good = guest.out(f"cat {CONFIG}")
    guest.write(
        "/etc/tgstreamd/night", "#!/bin/sh\nexec systemd-cat -t night sh -c 'env; id -un; cat'\n", "755"
    )
    python = guest.out("head -1 /usr/bin/tgstreamd").removeprefix("#!").split()[0]
    guest.run("mkdir -p /run/monitor; echo ok > /run/monitor/beat")
    guest.run(
        f"systemd-run --quiet --unit monitor {python} -m http.server --directory /run/monitor "
        "--bind 127.0.0.1 9180"
    )
    table = (
        "[alerts]\nheartbeat_url = 'http://127.0.0.1:9180/beat'\n"
        "command = ['/etc/tgstreamd/night']\nfree_mb = 1000000000\n"
    )
    guest.write(CONFIG, good.replace("[alerts]\n", table), "640")
    guest.run("systemctl reload tgstreamd")
    seconds = guest.until(lambda: '"kind": "disk"' in guest.messages("-t night"), 60, "the alert")
    said = guest.messages("-t night").splitlines()
    alert = next(json.loads(line) for line in said if line.startswith("{"))
    note(f"told by the command after {seconds:.0f} s: {alert['text']}")
    assert "tgstreamd" in said
    assert not [line for line in said if line.startswith(("TG_", "CREDENTIALS", "NOTIFY_SOCKET"))]
    seconds = guest.until(lambda: "GET /beat" in guest.messages("-u monitor"), 120, "the heartbeat")
    note(f"heartbeat after {seconds:.0f} s")
    # Asked for, the same once more; and what it prints is not lost.
    assert guest.out("tgstreamd alert").splitlines() == ["command: ok", "heartbeat_url: ok"]
    assert '"event": "test"' in guest.messages("-t night")
    told = guest.messages("-u tgstreamd")
    assert "alert command failed" not in told
    assert "did not get through" not in told
    assert "127.0.0.1:9180" not in told
    guest.write(CONFIG, good, "640")
    guest.run(f"chown root:tgstreamd {CONFIG}; systemctl reload tgstreamd; systemctl stop monitor")
    assert guest.pid() == pid
    equal(guest, telegram)


def test_stop_in_mid_transfer_is_quick(guest: Guest, telegram: Telegram) -> None:
    telegram("network", download=1_000_000)
    telegram.post("source", "before the stop", size=10_000_000, seed=5)
    guest.until(lambda: transferred(guest) > 0, 60, "a transfer under way")
    began = time.monotonic()
    guest.run("systemctl stop tgstreamd")
    seconds = time.monotonic() - began
    note(f"stopped in mid-transfer in {seconds:.1f} s")
    assert seconds < 5
    assert guest.show("tgstreamd", "Result") == "success"
    telegram("network", download=0)
    guest.run("systemctl start tgstreamd")
    equal(guest, telegram)


def test_a_second_account_has_a_daemon_of_its_own(guest: Guest, telegram: Telegram) -> None:
    login = telegram("session", account=telegram.found["other"])
    first = guest.out(f"cat {CONFIG}")
    text = first.replace(str(telegram.found["target"]), str(telegram.found["third"]))
    guest.write("/etc/tgstreamd/ina.toml", text, "640")
    guest.run("chown root:tgstreamd /etc/tgstreamd/ina.toml")
    guest.write("/etc/default/tgstreamd-ina", f"TG_SESSION={login['telethon']}\n", "600")
    guest.run("systemctl start tgstreamd@ina")
    # The other one's stop takes nothing of it away.
    guest.run("systemctl restart tgstreamd")
    option = "--config /etc/tgstreamd/ina.toml"
    assert json.loads(guest.out(f"tgstreamd status --json {option}"))["account"]["name"] == "Ina Instance"
    guest.until(lambda: telegram.look("third") == telegram.look("source"), 60, "the instance's own copy")
    assert guest.out("stat -c '%a %U' /var/lib/tgstreamd/ina/ledger.db") == "600 tgstreamd"
    guest.run("systemctl stop tgstreamd@ina")


def test_credentials_plain_and_encrypted(guest: Guest, telegram: Telegram) -> None:
    login = telegram("session", account=telegram.found["account"])["telethon"]
    guest.run("systemctl stop tgstreamd; mv /var/lib/tgstreamd/session /root/session")
    guest.run(f"sed -i 's/^api_hash/# api_hash/' {CONFIG}")
    guest.write("/etc/credstore/tgstreamd.api_hash", "0123456789abcdef0123456789abcdef\n", "600")
    guest.write("/etc/credstore/tgstreamd.session", login, "600")
    guest.run("systemctl start tgstreamd")
    note("plain credentials: active")
    guest.run(
        "systemctl stop tgstreamd; rm /etc/credstore/tgstreamd.session; rm -f /var/lib/tgstreamd/session"
    )
    guest.write("/root/session.txt", login, "600")
    guest.run(
        "systemd-creds encrypt --with-key=host --name=TG_SESSION"
        " /root/session.txt /etc/tgstreamd/session.cred"
    )
    text = "[Service]\nLoadCredentialEncrypted=TG_SESSION:/etc/tgstreamd/session.cred\n"
    guest.drop_in("credential", text)
    guest.run("systemctl restart tgstreamd")
    note("an encrypted credential in a file: active")
    guest.run("systemctl stop tgstreamd; rm -f /var/lib/tgstreamd/session")
    line = guest.out(
        "systemd-creds encrypt --with-key=host --pretty --name=TG_SESSION /root/session.txt - 2>/dev/null"
    )
    assert line.startswith("SetCredentialEncrypted=TG_SESSION:")
    guest.drop_in("credential", f"[Service]\n{line}\n")
    guest.run("systemctl start tgstreamd")
    note("an encrypted credential in the unit: active")
    guest.undo("credential")
    guest.run("systemctl stop tgstreamd; rm -f /var/lib/tgstreamd/session /etc/credstore/tgstreamd.api_hash")
    guest.run(f"mv /root/session /var/lib/tgstreamd/session; sed -i 's/^# api_hash/api_hash/' {CONFIG}")
    guest.run("systemctl start tgstreamd")
    equal(guest, telegram)


def test_a_login_ended_elsewhere_stops_it_for_good(guest: Guest, telegram: Telegram) -> None:
    before = len(alerts(guest))
    telegram("revoke", account=telegram.found["account"])
    telegram("cut", account=telegram.found["account"])
    telegram.post("source", "nobody is logged in", seed=6)
    guest.until(lambda: guest.state() == "failed", 90, "failed")
    assert guest.show("tgstreamd", "ExecMainStatus") == "77"
    guest.until(lambda: len(alerts(guest)) == before + 1, 60, "the alert")
    note(alerts(guest)[-1])
    note(guest.messages("-u tgstreamd -t tgstreamd -p err").splitlines()[-1])
    typed = f"+10000000001\n{telegram.found['code']}\n"
    guest.run("script -qec 'tgstreamd login' /dev/null", typed=typed)
    guest.run("systemctl reset-failed tgstreamd; systemctl start tgstreamd")
    equal(guest, telegram)


def test_the_start_limit_alerts_once(guest: Guest, telegram: Telegram) -> None:
    before = len(alerts(guest))
    guest.run("systemctl stop tgstreamd")
    lines = "[Service]\nExecStart=\nExecStart=/usr/bin/false\nType=simple\nRestartSec=50ms\nRestartSteps=0\n"
    guest.drop_in("broken", lines)
    guest.run("systemctl start tgstreamd", check=False)
    guest.until(lambda: guest.state() == "failed", 90, "the start limit")
    assert "Start request repeated too quickly" in guest.messages("-u tgstreamd")
    guest.until(lambda: len(alerts(guest)) > before, 60, "the alert")
    note(f"{guest.show('tgstreamd', 'NRestarts')} restarts, then: {alerts(guest)[before:]}")
    assert len(alerts(guest)) == before + 1
    guest.undo("broken")
    guest.run("systemctl reset-failed tgstreamd; systemctl start tgstreamd")
    equal(guest, telegram)
