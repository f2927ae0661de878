"""In a virtual machine with a kernel of its own: what a container cannot show.

The tests run on the machine that they are about (`--here`), in order. Everything is slow there.
"""

from __future__ import annotations

from .conftest import Telegram, note
from .guest import Guest

CONFIG = """
[telegram]
api_id = 12345
api_hash = "0123456789abcdef0123456789abcdef"
[telegram.server]
dc_id = 2
address = "127.0.0.1"
port = 4430
public_key = "server.pem"
[[mirror]]
name = "main"
source = {source}
target = {target}
[pace]
interval = 0.1
account_interval = 0.0
"""
UNIT_GROUP = "/sys/fs/cgroup/system.slice/tgstreamd.service"
WANTED = {
    "net.core.default_qdisc": "fq",
    "net.ipv4.tcp_congestion_control": "bbr",
    "net.core.rmem_max": "67108864",
    "net.core.wmem_max": "67108864",
    "net.ipv4.tcp_rmem": "4096 131072 67108864",
    "net.ipv4.tcp_wmem": "4096 16384 67108864",
    "fs.file-max": "9223372036854775807",
}


def value(guest: Guest, key: str) -> str:
    return " ".join(guest.out(f"cat /proc/sys/{key.replace('.', '/')}").split())


def test_installation_tunes_the_kernel_and_says_so(guest: Guest, deb: str) -> None:
    before = {key: value(guest, key) for key in WANTED}
    said = guest.out(f"apt-get install -y {deb} 2>&1")
    print("\n".join(f"   | {line}" for line in said.splitlines() if line.startswith("tgstreamd:")))
    assert {key: value(guest, key) for key in WANTED} == WANTED
    for key, wanted in WANTED.items():
        if before[key] != wanted:
            assert f"{key}: {before[key]} -> {wanted}" in said
    note("exposure: " + guest.out("systemd-analyze security --no-pager --threshold=15 tgstreamd | tail -1"))


def test_an_interface_that_comes_up_gets_the_queue(guest: Guest) -> None:
    guest.run("modprobe virtio_net")
    names = guest.out("ls /sys/class/net").split()
    name = next(name for name in names if name not in ("lo",))
    guest.run(f"ip link set {name} up")
    shown = guest.out(f"ip -d link show {name}")
    note(shown.splitlines()[0])
    # With several queues each of them is fq, below mq.
    assert "qdisc fq " in shown or "qdisc mq " in shown


def test_the_daemon_runs_within_its_limits(guest: Guest, telegram: Telegram) -> None:
    guest.run("cp /run/server.pem /etc/tgstreamd/ && chmod 644 /etc/tgstreamd/server.pem")
    guest.write("/etc/tgstreamd/config.toml", CONFIG.format(**telegram.found), "640")
    guest.run("chown root:tgstreamd /etc/tgstreamd/config.toml")
    login = telegram("session", account=telegram.found["account"])["telethon"]
    guest.write("/etc/credstore/tgstreamd.session", login, "600")
    guest.run("systemctl start tgstreamd", timeout=300)
    limits = guest.out(f"cat /proc/{guest.pid()}/limits")
    assert "1048576              1048576" in next(
        line for line in limits.splitlines() if "open files" in line
    )
    assert guest.out(f"cat {UNIT_GROUP}/memory.max") == str(512 * 2**20)
    assert guest.out(f"cat {UNIT_GROUP}/memory.high") == str(384 * 2**20)
    assert guest.out(f"cat {UNIT_GROUP}/memory.swap.max") == "0"
    assert guest.out(f"cat {UNIT_GROUP}/pids.max") == "64"
    guest.until(lambda: telegram.look("source") == telegram.look("target"), 300, "target equals source")
    peak = int(guest.out(f"cat {UNIT_GROUP}/memory.peak"))
    note(f"target equals source; memory peak of the unit {peak / 2**20:.0f} MiB")
    assert peak < 256 * 2**20


def test_the_memory_limit_kills_and_systemd_restarts(guest: Guest, telegram: Telegram) -> None:
    pid = guest.pid()
    guest.run("systemctl set-property --runtime tgstreamd MemoryHigh=infinity MemoryMax=16M")
    # Too little for any work: the next message is the last.
    telegram.post("source", "too much", size=8_000_000, seed=2)
    guest.until(lambda: guest.show("tgstreamd", "NRestarts") != "0", 120, "killed and started again")
    assert "oom-kill" in guest.messages("-u tgstreamd")
    guest.run("systemctl set-property --runtime tgstreamd MemoryMax=512M")
    guest.until(lambda: guest.state() == "active" and guest.pid() not in (0, pid), 180, "active")
    guest.until(lambda: telegram.look("source") == telegram.look("target"), 300, "target equals source")
    note("killed at the limit, started again, target equals source")


def test_check_finds_the_tuning_in_force(guest: Guest) -> None:
    lines = [line for line in guest.out("tgstreamd check").splitlines() if "kernel" in line]
    print("\n".join(f"   | {line}" for line in lines))
    assert all(line.startswith("ok") for line in lines)


def test_purge_gives_the_values_back(guest: Guest) -> None:
    said = guest.out("systemctl stop tgstreamd; apt-get purge -y tgstreamd 2>&1")
    print("\n".join(f"   | {line}" for line in said.splitlines() if line.startswith("tgstreamd:")))
    assert value(guest, "net.core.rmem_max") != WANTED["net.core.rmem_max"]
    assert value(guest, "net.ipv4.tcp_congestion_control") != "bbr"
