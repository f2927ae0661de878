"""Runs in the daemon's place, inside its sandbox, and tries what must not work there.

Prints `act: ok` or `act: why not`.
Its unit is the daemon's own with another ExecStart: what it meets is what an intruder would meet.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path


def _write(path: str) -> Callable[[], object]:
    return lambda: Path(path).open("a").close()


def _read(path: str) -> Callable[[], object]:
    return lambda: os.listdir(path) if Path(path).is_dir() else Path(path).read_bytes()


def _socket(family: int, kind: int, protocol: int = 0) -> Callable[[], object]:
    return lambda: socket.socket(family, kind, protocol).close()


def _connect(address: str, port: int) -> Callable[[], object]:
    return lambda: socket.create_connection((address, port), timeout=2).close()


def _system_call(number: int, *arguments: int) -> Callable[[], object]:
    """By number, past the C library. x86-64 only."""

    def call() -> None:
        library = ctypes.CDLL(None, use_errno=True)
        if library.syscall(number, *arguments) == -1:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

    return call


def _listen() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as server:
        server.bind(("127.0.0.1", 7777))


def _set_user_id() -> None:
    program = Path(os.environ["STATE_DIRECTORY"], "program")
    program.write_text("")
    try:
        program.chmod(0o4755)
    finally:
        program.unlink()


def _see_others() -> None:
    """Processes of others are invisible."""
    others = [name for name in os.listdir("/proc") if name.isdigit() and name != str(os.getpid())]
    if not others:
        raise PermissionError("no other process is to be seen")


ACTS: dict[str, Callable[[], object]] = {
    "write to /etc": _write("/etc/tgstreamd/config.toml"),
    "write to /usr": _write("/usr/lib/tgstreamd/site/x.py"),
    "write to /var": _write("/var/lib/x"),
    "write to /run": _write("/run/x"),
    "write a kernel setting": _write("/proc/sys/kernel/core_pattern"),
    "write to a control group": _write("/sys/fs/cgroup/cgroup.procs"),
    "read /home": _read("/home/person"),
    "read /root": _read("/root"),
    "read the shadow passwords": _read("/etc/shadow"),
    "read the kernel's log": _read("/dev/kmsg"),
    "read a disk": _read("/dev/vda"),
    "see other processes": _see_others,
    "see /proc/sys": _read("/proc/sys/kernel/hostname"),
    "become root": lambda: os.setuid(0),
    "run sudo": lambda: subprocess.run(["/usr/bin/sudo", "-n", "true"], check=True, capture_output=True),
    "make a program set-user-id": _set_user_id,
    "open a netlink socket": _socket(socket.AF_NETLINK, socket.SOCK_RAW),
    "open a raw socket": _socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP),
    "open a packet socket": _socket(socket.AF_PACKET, socket.SOCK_RAW),
    "listen on a port": _listen,
    "reach a cloud machine's metadata": _connect("169.254.169.254", 80),
    "memory that is writable and executable": lambda: mmap.mmap(
        -1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC
    ),
    "make a namespace": lambda: os.unshare(os.CLONE_NEWUSER),
    "a real-time priority": lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)),
    "a higher priority": lambda: os.nice(-5),
    "mount": _system_call(165, 0, 0, 0, 0, 0),
    "reboot": _system_call(169, 0, 0, 0, 0),
    "load a module": _system_call(313, 0, 0, 0),
    "set the clock": _system_call(227, 0, 0),
    "set the host's name": lambda: socket.sethostname("mine"),
    "trace a process": _system_call(101, 0, 0, 0, 0),
    "load a BPF program": _system_call(321, 0, 0, 0),
    "change the personality": _system_call(135, 0x0008),
}
#: What it must be able to do: else the refusals say nothing.
MUST: dict[str, Callable[[], object]] = {
    "write its state": lambda: Path(os.environ["STATE_DIRECTORY"], "x").write_text(""),
    "write its runtime directory": lambda: Path(os.environ["RUNTIME_DIRECTORY"], "x").write_text(""),
    "read the configuration": _read("/etc/tgstreamd/config.toml"),
    "reach Telegram": _connect("127.0.0.1", 4430),
    "open a Unix socket": _socket(socket.AF_UNIX, socket.SOCK_STREAM),
}


def main() -> None:
    for name, act in (MUST | ACTS).items():
        try:
            act()
        except Exception as error:  # noqa: BLE001  # every way of refusing is the answer
            print(f"{name}: {type(error).__name__}: {' '.join(str(error).split())}", flush=True)
        else:
            print(f"{name}: ok", flush=True)
    for folder in ("STATE_DIRECTORY", "RUNTIME_DIRECTORY"):
        Path(os.environ[folder], "x").unlink(missing_ok=True)


if __name__ == "__main__":
    main()
