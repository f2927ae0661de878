"""One booted guest for all tests of a run, and the local Telegram in it. The tests are in order: a walk."""

from __future__ import annotations

import json
import platform
import shlex
import sys
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from .guest import PYTHON, ROOT, SOURCES, Guest

BUILD = ROOT / "build" / "boot"
CONTROL = 4432
#: Where the pieces lie in the guest.
DEBS = "/debs"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What the guest's journal says last, where a test fails."""
    report = yield
    guest = getattr(item, "funcargs", {}).get("guest")
    if report.failed and guest is not None:
        last = guest.run("journalctl --no-pager -q -n 40 -o short-precise", check=False).out
        report.sections.append(("the guest's journal", last))
    return report


def pytest_addoption(parser: pytest.Parser) -> None:
    options = parser.getgroup("boot")
    options.addoption("--suite", default="trixie", help="the distribution that is booted")
    options.addoption("--python", default="3.13", help="the Python of the package")
    options.addoption("--debs", type=Path, help="the folder with the packages")
    options.addoption("--here", action="store_true", help="no container: this machine is the guest")


class Telegram:
    """The local Telegram in the guest: a unit of its own, told by its control socket."""

    def __init__(self, guest: Guest) -> None:
        self._guest = guest
        command = [
            f"{PYTHON}/bin/python3",
            *("-m", "tests.boot.telegram", "--port", "4430", "--dc4-port", "4431"),
            *("--control", str(CONTROL), "--scenario", "boot"),
            *("--public-key-to", "/run/server.pem"),
        ]
        guest.run(
            "systemd-run --quiet --unit=local-telegram --working-directory=" + SOURCES
            + f" -E LD_LIBRARY_PATH={PYTHON}/lib -E PYTHONPATH={SOURCES}/site:{SOURCES}"
            + " -E PYTHONDONTWRITEBYTECODE=1 -p StandardOutput=file:/run/telegram.json "
            + shlex.join(command)
        )  # fmt: skip
        guest.until(
            lambda: guest.run("test -s /run/telegram.json", check=False).status == 0, 180, "no local Telegram"
        )
        self.found: dict[str, Any] = json.loads(guest.out("cat /run/telegram.json"))["scenario"]

    def __call__(self, do: str, **fields: Any) -> Any:
        return json.loads(self._guest.out(self._telling(do, **fields)))

    def _telling(self, do: str, **fields: Any) -> str:
        request = shlex.quote(json.dumps({"do": do} | fields))
        python = f"LD_LIBRARY_PATH={PYTHON}/lib {PYTHON}/bin/python3"
        return f"{python} {SOURCES}/tests/boot/tell.py {CONTROL} {request}"

    def away(self, seconds: float) -> None:
        """Refuse connections for so long, beginning now."""
        telling = self._telling("restart", down=seconds)
        self._guest.run(f"systemd-run --quiet --no-block sh -c {shlex.quote(telling)}")
        self._guest.until(lambda: not self.listens(), 10, "Telegram is away")

    def listens(self) -> bool:
        return ":4430 " in self._guest.out("ss -Hltn 'sport = :4430'") + " "

    def post(self, chat: str, *texts: str, size: int = 0, seed: int = 1) -> None:
        args = {"texts": texts, "chat": self.found[chat], "writer": self.found["writer"]}
        self("scenario", name="post", size=size, seed=seed, **args)

    def look(self, chat: str) -> list[str]:
        """The messages of a chat, as the server knows them: the text, or what the media is."""
        shown = self("scenario", name="look", chat=self.found[chat])["messages"]
        return [f"{one['text']} [{one['kind']} {one['size']}]" for one in shown]


@pytest.fixture(scope="session")
def guest(request: pytest.FixtureRequest) -> Iterator[Guest]:
    if request.config.getoption("--here"):
        guest = Guest.here()
        note(f"systemd {guest.systemd}")
        yield guest
        return
    suite = request.config.getoption("--suite")
    debs = request.config.getoption("--debs") or BUILD / "debs"
    site = next((ROOT / ".venv" / "lib").glob("python3*/site-packages"))
    binds = {Path(sys.base_prefix): PYTHON, debs: DEBS, site: f"{SOURCES}/site"}
    binds |= {ROOT / name: f"{SOURCES}/{name}" for name in ("tests", "tgstreamd")}
    began = time.monotonic()
    guest = Guest.boot(
        f"tgstreamd-{suite}", BUILD / f"root-{suite}", binds=binds, console=BUILD / f"{suite}.console"
    )
    note(f"booted {suite}: systemd {guest.systemd}, {time.monotonic() - began:.1f} s")
    try:
        python = f"python{request.config.getoption('--python')}"
        if guest.run(f"test -e /usr/bin/{python}", check=False).status:
            _stand_in(guest, python)
        yield guest
    finally:
        guest.stop()


def _stand_in(guest: Guest, python: str) -> None:
    """A package of that name with this machine's interpreter, so that the very .deb of Ubuntu installs."""
    control = (
        f"Package: {python}\nVersion: {platform.python_version()}-0stub1\nArchitecture: all\n"
        "Maintainer: tests <tests@example.org>\nDescription: stands in for the distribution's interpreter\n"
    )
    guest.write("/tmp/stub/DEBIAN/control", control)
    guest.write("/tmp/stub/etc/ld.so.conf.d/stub-python.conf", f"{PYTHON}/lib\n")
    guest.run(
        f"mkdir -p /tmp/stub/usr/bin && ln -s {PYTHON}/bin/{python} /tmp/stub/usr/bin/{python} && "
        "chmod 755 /tmp/stub && dpkg-deb -b /tmp/stub /tmp/stub.deb && dpkg -i /tmp/stub.deb && ldconfig"
    )


@pytest.fixture(scope="session")
def telegram(guest: Guest) -> Telegram:
    return Telegram(guest)


@pytest.fixture(scope="session")
def deb(request: pytest.FixtureRequest, guest: Guest) -> str:
    """The package's path in the guest; the next version's has `.1` behind the number."""
    python = request.config.getoption("--python")
    arch = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
    found = guest.out(f"ls {DEBS}/tgstreamd_*+py{python}_{arch}.deb").splitlines()
    # Of the two versions the one without the `.1` of the next.
    return min(found, key=len)


def note(line: str) -> None:
    """A line for whoever reads what the tests saw."""
    print(f"   {line}", flush=True)
