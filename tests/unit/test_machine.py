"""What `check` sees on this machine: each trouble with the command that mends it."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import msgspec

from tgstreamd.cli import host_checks
from tgstreamd.config import Config, build
from tgstreamd.system.resources import free

from .test_guard import folder

__all__ = ["folder"]


def config(place: Path, **tables: Any) -> Config:
    tree = {"telegram": {"api_id": 1, "api_hash": "0" * 32}, "state": {"directory": str(place / "state")}}
    return build(tree | tables, {"HOME": "/x"}, where=None, place_of=place / "config.toml", need_mirror=False)


def looked(config: Config, *secret: tuple[Path, str], running: bool = False) -> dict[str, dict[str, Any]]:
    return {line["subject"]: line for line in host_checks.look(config, secret, running=running)}


def test_all_is_well(tmp_path: Path) -> None:
    found = looked(config(tmp_path, alerts={"free_mb": 0}))
    assert {found[subject]["level"] for subject in ("files", "disk", "encryption")} == {"ok"}
    assert all("remedy" in line for line in found.values())


def test_a_file_that_everyone_reads(tmp_path: Path, folder: Path) -> None:
    session = folder / "session"
    session.touch()
    session.chmod(0o644)
    found = looked(config(tmp_path), (session, "the login"))["files"]
    assert (found["level"], found["remedy"]) == ("fail", f"`chmod o= {session}`")


def test_a_disk_that_fills(tmp_path: Path) -> None:
    found = looked(config(tmp_path, alerts={"free_mb": 10**9}))["disk"]
    assert found["level"] == "warn"
    assert found["remedy"].startswith("make room")


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        place = f"127.0.0.1:{other.getsockname()[1]}"
        wanted = config(tmp_path, metrics={"listen": place})
        found = looked(wanted)["metrics"]
        assert found["level"] == "fail"
        assert found["remedy"].startswith("`ss -ltnp ")
        assert found["remedy"] not in found["text"]
        # The daemon that runs has it, as it should be.
        assert "metrics" not in looked(wanted, running=True)


def test_a_port_that_the_network_reaches(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("0.0.0.0", 0))
        number = free.getsockname()[1]
    found = looked(config(tmp_path, metrics={"listen": f"0.0.0.0:{number}"}))["metrics"]
    assert (found["level"], found["remedy"].split(",")[0]) == ("warn", f'listen = "127.0.0.1:{number}"')


def test_nobody_is_told(tmp_path: Path) -> None:
    wanted = config(tmp_path)
    found = looked(wanted)["alerts"]
    assert (found["level"], found["text"]) == ("warn", "nobody is told when a mirror stands")
    assert found["remedy"] == "set alerts.heartbeat_url or alerts.command"
    assert msgspec.structs.asdict(wanted.alerts)["heartbeat_url"] == ""


def test_a_file_system_that_counts_nothing_is_not_full(tmp_path: Path) -> None:
    """As the one in memory that a guest boots from; /proc is one that every machine has."""
    assert os.statvfs("/proc").f_blocks == 0
    assert free(Path("/proc")) is None
