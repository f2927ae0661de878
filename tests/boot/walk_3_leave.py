"""The walk, part three: check and its kernel lines, upgrade, a ledger from the future, remove, purge.

Each test goes on where the one before it stopped.
"""

from __future__ import annotations

from .conftest import Telegram, note
from .guest import Guest
from .walk_2_run import CONFIG, equal

LEDGER = "/var/lib/tgstreamd/ledger.db"


def sql(guest: Guest, statement: str) -> str:
    program = f"import sqlite3; c = sqlite3.connect({LEDGER!r}); print(c.execute({statement!r}).fetchone()); "
    return guest.run("python3 -", typed=program + "c.commit()").out


def test_check_says_which_kernel_settings_are_in_force(guest: Guest) -> None:
    said = guest.run("tgstreamd check", check=False).out
    lines = [line for line in said.splitlines() if "kernel" in line]
    print("\n".join(f"   | {line}" for line in lines))
    assert any(line.startswith("ok") and "net.ipv4.tcp_rmem" in line for line in lines)
    guest.run("echo 4096 131072 6291456 > /proc/sys/net/ipv4/tcp_rmem")
    said = guest.run("tgstreamd check", check=False).out
    assert "net.ipv4.tcp_rmem is 4096 131072 6291456 instead of 4096 131072 67108864" in said
    guest.run("echo 4096 131072 67108864 > /proc/sys/net/ipv4/tcp_rmem")


def test_an_upgrade_restarts_it_and_keeps_everything(guest: Guest, telegram: Telegram, deb: str) -> None:
    pid = guest.pid()
    guest.run(f"echo '# a line of the administrator' >> {CONFIG}")
    before = guest.out(f"sha256sum {CONFIG}")
    [version] = [line for line in guest.out("dpkg -s tgstreamd").splitlines() if line.startswith("Version")]
    later = deb.replace("+py", ".1+py")
    telegram("network", latency=0.5)
    said = guest.out(f"apt-get install -y {later} 2>&1")
    # apt did not wait for the start.
    assert guest.state() in ("deactivating", "activating", "reloading", "inactive")
    telegram("network", latency=0.0)
    guest.until(lambda: guest.pid() not in (0, pid) and guest.state() == "active", 90, "restarted")
    assert "not configured" not in said
    assert guest.out(f"sha256sum {CONFIG}") == before
    assert guest.show("tgstreamd", "UnitFileState") == "enabled"
    begun = guest.journal(f"-u tgstreamd _PID={guest.pid()} -g 'tgstreamd started'")[-1]
    assert str(begun["VERSION"]) in later
    assert str(begun["VERSION"]) not in version
    note(f"{version} -> {begun['VERSION']}")
    telegram.post("source", "after the upgrade", seed=8)
    equal(guest, telegram)


def test_a_ledger_from_a_later_version_is_refused_with_the_reason(guest: Guest, telegram: Telegram) -> None:
    guest.run("systemctl stop tgstreamd")
    version = sql(guest, "pragma user_version").strip("(),")
    sql(guest, "pragma user_version = 999")
    guest.drop_in("once", "[Service]\nRestart=no\n")
    assert guest.run("systemctl start tgstreamd", check=False).status != 0
    said = guest.messages("-u tgstreamd -t tgstreamd -p err -n 3")
    note(said.splitlines()[-1])
    assert "newer" in said or "later" in said
    sql(guest, f"pragma user_version = {version}")
    guest.undo("once")
    guest.run("systemctl reset-failed tgstreamd; systemctl start tgstreamd")
    equal(guest, telegram)


def test_remove_keeps_state_and_configuration(guest: Guest) -> None:
    said = guest.out("apt-get remove -y tgstreamd 2>&1")
    assert guest.run("pgrep -u tgstreamd", check=False).out == ""
    guest.run(f"test -s {CONFIG} && test -s {LEDGER} && test -s /var/lib/tgstreamd/session")
    assert guest.run("ls -d /usr/lib/tgstreamd /usr/bin/tgstreamd", check=False).status != 0
    assert guest.out("find /usr -name '*tgstreamd*' -not -path '/usr/local/*' -not -path '*/doc/*'") == ""
    assert "error" not in said.lower()


def test_installed_again_it_goes_on(guest: Guest, telegram: Telegram, deb: str) -> None:
    guest.run(f"apt-get install -y {deb.replace('+py', '.1+py')}")
    guest.run("systemctl start tgstreamd")
    telegram.post("source", "after the return", seed=9)
    equal(guest, telegram)


def test_purge_leaves_nothing(guest: Guest) -> None:
    guest.run("systemctl enable tgstreamd@ina 2>&1")
    said = guest.out("apt-get purge -y tgstreamd 2>&1")
    print("\n".join(f"   | {line}" for line in said.splitlines() if line.startswith("tgstreamd:")))
    left = guest.out(
        "find / -xdev \\( -name '*tgstreamd*' -o -name '*tgstreamd*' -type l \\)"
        " -not -path '/proc/*' -not -path '/usr/local/lib/tests-*' -not -path '/debs/*'"
        # the administrator's, of the tests
        " -not -path '/etc/default/*' -not -path '/run/systemd/*' -not -path '/etc/credstore/*'"
        # deb-systemd-helper and systemd note down what was here
        " -not -path '/var/lib/systemd/*' -not -path '/var/log/*' -not -path '/tmp/*'"
    )
    assert left == ""
    assert guest.run("getent passwd tgstreamd; getent group tgstreamd", check=False).out == ""
    assert guest.run("systemctl cat tgstreamd.service", check=False).status != 0
    # The kernel has its own values back.
    assert guest.out("cat /proc/sys/net/ipv4/tcp_mtu_probing") == "0"
    assert guest.out("cat /proc/sys/net/ipv4/tcp_rmem").split()[2] != "67108864"
