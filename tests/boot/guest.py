"""A booted machine: a container with its own systemd, over a root file system that stays as it is.

`Guest.boot` starts one under systemd-nspawn in a control group of its own, `run` enters it, `stop` ends it
and leaves nothing behind. It has no network but its own loopback. Waits are for what can be seen, never for
time.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

CGROUPS = Path("/sys/fs/cgroup")
ROOT = Path(__file__).resolve().parents[2]
#: Where this machine's Python, with everything the tests need, lies in the guest.
PYTHON = "/usr/local/lib/tests-python"
SOURCES = "/usr/local/lib/tests-sources"
ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LANG": "C.UTF-8",
    "TERM": "dumb",
    "DEBIAN_FRONTEND": "noninteractive",
    "SYSTEMD_PAGER": "",
    "SYSTEMD_COLORS": "0",
}


class Done(msgspec.Struct, frozen=True):
    """How a command in the guest ended."""

    status: int
    out: str


class Guest:
    """A running container; `leader` is its process 1, seen from outside."""

    def __init__(
        self, process: subprocess.Popen[bytes] | None, leader: int, name: str, console: Path
    ) -> None:
        self._process = process
        self._leader = leader
        self._name = name
        self._console = console

    @classmethod
    def boot(cls, name: str, root: Path, *, binds: dict[Path, str], console: Path) -> Guest:
        """Boot `root` (read-only below a file system in memory); ready once systemd says so."""
        groups = [group / name for group in _hierarchies()]
        for group in groups:
            group.mkdir(exist_ok=True)
        command = [
            "systemd-nspawn",
            "--quiet",
            "--boot",
            f"--directory={root}",
            f"--machine={name}",
            "--volatile=overlay",
            "--register=no",
            # Below the group that we are in, hence a group of its own.
            "--keep-unit",
            "--settings=no",
            "--private-network",
            "--resolv-conf=off",
            "--timezone=off",
            "--link-journal=no",
            "--console=read-only",
            # For IPAddressDeny= and SocketBindDeny=, which are programs in the kernel.
            "--capability=all",
            "--system-call-filter=bpf",
            *(f"--bind-ro={source}:{target}" for source, target in binds.items()),
        ]
        # sh joins the groups first: the shell's id is that of nspawn after exec.
        joins = "".join(f"echo $$ > {group}/cgroup.procs; " for group in groups)
        process = subprocess.Popen(
            ["/bin/sh", "-c", f"{joins}exec {shlex.join(command)}"],
            stdin=subprocess.DEVNULL,
            stdout=console.open("wb"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=os.environ | {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
        )
        guest = cls(process, 0, name, console)
        try:
            guest._leader = _until(lambda: _booted(process), 120, f"{name}: did not boot")
            guest.run("systemctl is-system-running --wait", check=False)
            guest.run('echo "127.0.1.1 $(hostname)" >> /etc/hosts')  # sudo looks for it
        except BaseException:
            print(console.read_text(errors="replace"), file=sys.stderr)
            guest.stop()
            raise
        return guest

    @classmethod
    def here(cls) -> Guest:
        """This very machine, for tests that were put into one."""
        return cls(None, 0, "", Path("/dev/null"))

    def stop(self) -> None:
        """Power it off, and remove its control groups."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                for pid in (self._leader, self._process.pid):
                    if pid:
                        os.kill(pid, signal.SIGKILL)
                self._process.wait(10)
        for hierarchy in _hierarchies():
            group = hierarchy / self._name
            for folder, _, _ in os.walk(group, topdown=False):
                with contextlib.suppress(OSError):
                    os.rmdir(folder)

    def enter(self, command: str, user: str = "root") -> list[str]:
        """The command line that runs a shell command in the guest."""
        inside = ["/bin/sh", "-c", command]
        if user != "root":
            inside = ["/usr/sbin/runuser", "-u", user, "--", *inside]
        into = (*("nsenter", "-t", str(self._leader), "-m", "-u", "-i", "-n", "-p", "-C", "-r", "-w"),)
        return [
            *(into if self._process is not None else ()),
            *("env", "-i", *(f"{name}={value}" for name, value in ENVIRONMENT.items())),
            *inside,
        ]

    def run(
        self, command: str, *, check: bool = True, typed: str = "", user: str = "root", timeout: float = 120
    ) -> Done:
        """Run a shell command to its end; its output and errors together."""
        done = subprocess.run(
            self.enter(command, user),
            input=typed.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout,
            check=False,
        )
        out = done.stdout.decode(errors="replace").strip()
        if check and done.returncode != 0:
            raise AssertionError(f"{command}\nexit status {done.returncode}\n{out}")
        return Done(done.returncode, out)

    def out(self, command: str) -> str:
        return self.run(command).out

    def write(self, path: str, text: str, mode: str = "644") -> None:
        name = shlex.quote(path)
        self.run(f"mkdir -p $(dirname {name}) && cat > {name} && chmod {mode} {name}", typed=text)

    def until(self, seen: Callable[[], Any], within: float, what: str) -> float:
        """Wait until `seen()` is true; the seconds that it took."""
        began = time.monotonic()
        _until(seen, within, what)
        return time.monotonic() - began

    # systemd

    def show(self, unit: str, name: str) -> str:
        return self.out(f"systemctl show --value -p {name} {unit}")

    def pid(self, unit: str = "tgstreamd") -> int:
        return int(self.show(unit, "MainPID"))

    def state(self, unit: str = "tgstreamd") -> str:
        return self.show(unit, "ActiveState")

    def journal(self, filters: str) -> list[dict[str, Any]]:
        """Entries, oldest first; everything written before the call is there."""
        out = self.out(f"journalctl --sync; journalctl --no-pager -q -o json --all {filters}")
        return [json.loads(line) for line in out.splitlines() if line.startswith("{")]

    def messages(self, filters: str) -> str:
        return self.out(f"journalctl --sync; journalctl --no-pager -q -o cat --all {filters}")

    def drop_in(self, name: str, text: str, unit: str = "tgstreamd.service") -> None:
        """Lines for the unit until `undo` or the next boot."""
        self.write(f"/run/systemd/system/{unit}.d/{name}.conf", text)
        self.run("systemctl daemon-reload")

    def undo(self, name: str, unit: str = "tgstreamd.service") -> None:
        self.run(f"rm -f /run/systemd/system/{unit}.d/{name}.conf; systemctl daemon-reload")

    @property
    def systemd(self) -> int:
        found = re.match(r"systemd (\d+)", self.out("systemctl --version"))
        assert found
        return int(found[1])


def _hierarchies() -> list[Path]:
    """The control group trees that systemd in a container needs: one, or two on a hybrid host."""
    unified = CGROUPS / "unified"
    if not unified.is_dir():
        return [CGROUPS]
    return [unified, *([CGROUPS / "systemd"] if (CGROUPS / "systemd").is_dir() else [])]


def _booted(process: subprocess.Popen[bytes]) -> int:
    """The container's process 1 once its systemd takes commands, else 0.

    Asked anew each time: the first child of systemd-nspawn prepares the namespaces, starts the second,
    which becomes process 1, and ends. What makes it process 1 is its id in its own namespace.
    """
    if process.poll() is not None:
        raise AssertionError("systemd-nspawn ended")
    for children in Path(f"/proc/{process.pid}/task").glob("*/children"):
        for child in children.read_text().split():
            with contextlib.suppress(OSError):  # it ended meanwhile
                status = Path(f"/proc/{child}/status").read_text()
                first = re.search(r"^NSpid:.*\t1$", status, re.MULTILINE)
                if first and Path(f"/proc/{child}/root/run/systemd/private").is_socket():
                    return int(child)
    return 0


def _until[T](seen: Callable[[], T], within: float, what: str) -> T:
    until = time.monotonic() + within
    while not (found := seen()):
        if time.monotonic() > until:
            raise AssertionError(f"{what} (not within {within:g} s)")
        time.sleep(0.05)
    return found
