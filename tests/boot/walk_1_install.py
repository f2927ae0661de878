"""The walk, part one: apt installs the package, nothing starts, and the first hour of an ordinary user.

Each test goes on where the one before it stopped.
"""

from __future__ import annotations

from .conftest import Telegram, note
from .guest import Guest

ALERT = '#!/bin/sh\nlogger -t tgalert "$1 $MONITOR_SERVICE_RESULT $MONITOR_EXIT_STATUS"\n'
SERVER = """
[telegram]
api_id = 12345
api_hash = "0123456789abcdef0123456789abcdef"
[telegram.server]
dc_id = 2
address = "127.0.0.1"
port = 4430
public_key = "server.pem"
"""
DIRECTORIES = {"/etc/tgstreamd": "750 root tgstreamd", "/var/lib/tgstreamd": "700 tgstreamd tgstreamd"}


def alerts(guest: Guest) -> list[str]:
    return guest.messages("-t tgalert").splitlines()


def test_apt_installs_and_starts_nothing(guest: Guest, deb: str) -> None:
    before = guest.out("cat /proc/sys/net/ipv4/tcp_rmem")
    said = guest.out(f"apt-get install -y {deb} 2>&1")
    print("\n".join(f"   | {line}" for line in said.splitlines() if "tgstreamd:" in line))
    assert "not configured yet, so not started" in said
    assert guest.state() == "inactive"
    assert guest.show("tgstreamd", "UnitFileState") == "disabled"
    for path, expected in DIRECTORIES.items():
        assert guest.out(f"stat -c '%a %U %G' {path}") == expected
    # What was changed on the host is said, with the value before.
    after = guest.out("cat /proc/sys/net/ipv4/tcp_rmem")
    assert after.split() == ["4096", "131072", "67108864"]
    assert f"net.ipv4.tcp_rmem: {' '.join(before.split())} -> 4096 131072 67108864" in said


def test_the_administrators_tuning_wins(guest: Guest, deb: str) -> None:
    guest.run("ln -s /dev/null /etc/sysctl.d/60-tgstreamd.conf")
    guest.run("echo 4096 131072 6291456 > /proc/sys/net/ipv4/tcp_rmem")
    said = guest.out(f"apt-get install -y --reinstall {deb} 2>&1")
    assert "tcp_rmem" not in said
    assert guest.out("cat /proc/sys/net/ipv4/tcp_rmem").split()[2] == "6291456"
    guest.run("rm /etc/sysctl.d/60-tgstreamd.conf")
    said = guest.out(f"apt-get install -y --reinstall {deb} 2>&1")
    assert "net.ipv4.tcp_rmem: 4096 131072 6291456 -> 4096 131072 67108864" in said


def test_the_units_are_sound(guest: Guest) -> None:
    for unit in ("tgstreamd.service", "tgstreamd@x.service", "tgstreamd-alert@tgstreamd.service.service"):
        said = guest.run(f"systemd-analyze verify --man=no {unit}", check=False).out
        # The alert is there only once the administrator has written it.
        assert [line for line in said.splitlines() if "/etc/tgstreamd/alert" not in line] == []
    for unit in ("tgstreamd.service", "tgstreamd@x.service"):
        said = guest.out(f"systemd-analyze security --no-pager --threshold=15 {unit}")
        note(said.splitlines()[-1].lstrip("→ "))


def test_what_only_a_newer_systemd_knows_is_chosen_at_install(guest: Guest) -> None:
    kind = "notify-reload" if guest.systemd >= 254 else "notify"
    for unit in ("tgstreamd.service", "tgstreamd@x.service"):
        assert guest.show(unit, "Type") == kind
    note(f"Type={kind}")


def test_unconfigured_it_gives_up_at_once_and_alerts(guest: Guest) -> None:
    guest.write("/etc/tgstreamd/alert", ALERT, "755")
    assert guest.run("systemctl start tgstreamd", check=False).status != 0
    guest.until(lambda: guest.state() == "failed", 60, "failed")
    assert guest.show("tgstreamd", "ExecMainStatus") == "78"
    assert guest.show("tgstreamd", "NRestarts") == "0"
    guest.until(lambda: alerts(guest), 60, "the alert")
    assert alerts(guest) == ["tgstreamd.service exit-code 78"]
    [said] = guest.journal("-u tgstreamd -p err _COMM=tgstreamd + _SYSTEMD_UNIT=tgstreamd.service -p err")[
        -1:
    ]
    note(str(said["MESSAGE"]))
    assert "config.toml" in str(said["MESSAGE"])


def test_the_first_hour_of_an_ordinary_user(guest: Guest, telegram: Telegram) -> None:
    guest.run("useradd -m person && echo 'person ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/person")
    guest.run("cp /run/server.pem /etc/tgstreamd/ && chmod 644 /etc/tgstreamd/server.pem")
    # Nobody is asked for a server; it is kept from the file that `init --force` replaces.
    guest.write("/etc/tgstreamd/config.toml", SERVER, "640")
    found = telegram.found
    flags = "--api-id 12345 --api-hash 0123456789abcdef0123456789abcdef"
    flags += f" --source {found['source']} --target {found['target']} --history all --order live-first"
    more = "--deletes keep --transfer stream --attribution none"
    said = guest.run(f"sudo tgstreamd init --force {flags} {more}", user="person").out
    assert "wrote /etc/tgstreamd/config.toml" in said
    assert guest.out("stat -c '%a %U %G' /etc/tgstreamd/config.toml") == "640 root tgstreamd"
    # Nobody is logged in: said, not tried again, and the alert runs.
    guest.run("systemctl reset-failed tgstreamd")
    assert guest.run("sudo systemctl start tgstreamd", user="person", check=False).status != 0
    guest.until(lambda: guest.state() == "failed", 60, "failed")
    assert guest.show("tgstreamd", "ExecMainStatus") == "77"
    assert guest.show("tgstreamd", "NRestarts") == "0"
    guest.until(lambda: "tgstreamd.service exit-code 77" in alerts(guest), 60, "the alert")
    # Log in, by phone and code, at a terminal.
    typed = f"+10000000001\n{found['code']}\n"
    said = guest.run(
        "script -qec 'sudo tgstreamd login' /dev/null", user="person", typed=typed, timeout=60
    ).out
    assert "logged in as Mia" in said
    assert guest.out("stat -c '%a %U %G' /var/lib/tgstreamd/session") == "600 tgstreamd tgstreamd"
    said = guest.run("sudo tgstreamd check", user="person").out
    print("\n".join(f"   | {line}" for line in said.splitlines()))
    assert not any(line.startswith("error") for line in said.splitlines())


def test_faster_pace_for_the_tests(guest: Guest) -> None:
    # Allowed with a server that is not Telegram's.
    guest.run(
        "sed -i 's/^# interval = .*/interval = 0.1/; s/^# account_interval = .*/account_interval = 0.0/'"
        " /etc/tgstreamd/config.toml"
    )
    assert "interval = 0.1" in guest.out("cat /etc/tgstreamd/config.toml")


def test_active_only_when_ready_however_long_the_network_takes(guest: Guest, telegram: Telegram) -> None:
    guest.drop_in("patience", "[Service]\nTimeoutStartSec=8s\n")
    telegram.away(14.0)
    guest.run("systemctl reset-failed tgstreamd; systemctl enable tgstreamd")
    guest.run("systemctl start --no-block tgstreamd")
    guest.until(lambda: guest.show("tgstreamd", "StatusText"), 60, "a status")
    assert guest.state() == "activating"
    note("activating: " + guest.show("tgstreamd", "StatusText"))
    seconds = guest.until(lambda: guest.state() != "activating", 90, "active")
    assert guest.state() == "active"
    assert guest.show("tgstreamd", "NRestarts") == "0"
    assert seconds > 8.0
    note(f"active after {seconds:.0f} s without a network, with 8 s allowed for a start")
    guest.undo("patience")


def test_status_with_and_without_sudo(guest: Guest) -> None:
    assert "main" in guest.run("sudo tgstreamd status", user="person").out
    refused = guest.run("tgstreamd status", user="person", check=False)
    assert refused.status != 0
    note(refused.out)
    assert "sudo" in refused.out
    guest.run("usermod -aG tgstreamd person")
    assert "main" in guest.run("tgstreamd status", user="person").out
