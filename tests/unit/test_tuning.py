"""Kernel tuning is compared, never set; the files in the repository are what the program understands."""

from __future__ import annotations

from pathlib import Path

import pytest

import tgstreamd
from tgstreamd.system import sysctl

ROOT = Path(tgstreamd.__file__).parents[1]
FILES = [ROOT / "sysctl.d" / name for name in ("60-tgstreamd.conf", "60-tgstreamd-small.conf")]


def texts(now: dict[str, str], want: dict[str, str]) -> list[tuple[str, str]]:
    return [(line["level"], line["text"]) for line in sysctl.findings(want, now.get, where="file")]


def test_what_is_in_force_is_ok_and_what_is_not_is_named() -> None:
    want = {"a.b": "1", "net.ipv4.tcp_congestion_control": "bbr", "gone": "x"}
    now = {"a.b": "1", "net.ipv4.tcp_congestion_control": "cubic"}
    assert texts(now, want) == [
        ("ok", "a.b is 1"),
        ("warn", "net.ipv4.tcp_congestion_control is cubic instead of bbr"),
        ("warn", "gone is unknown to this kernel (x was wanted)"),
    ]
    _, cubic, _ = sysctl.findings(want, now.get, where="file")
    assert cubic["remedy"] == "`sudo sysctl --system` applies file"


def test_more_of_a_limit_is_fine_and_too_few_descriptors_are_not() -> None:
    assert texts({"net.core.rmem_max": "99"}, {"net.core.rmem_max": "66"}) == [
        ("ok", "net.core.rmem_max is 99")
    ]
    assert texts({"fs.nr_open": "1024"}, {}) == [("warn", "fs.nr_open is 1024, less than 1048576")]
    assert texts({"fs.nr_open": "1048576"}, {}) == [("ok", "fs.nr_open is 1048576")]


def test_a_sysctl_file_is_read_as_systemd_reads_it() -> None:
    text = "# a.b = 1\n; c = 2\n\n-net.core.default_qdisc = fq\nnet/ipv4/tcp_rmem = 1\t2  3\n"
    assert sysctl.wanted(text) == {"net.core.default_qdisc": "fq", "net.ipv4.tcp_rmem": "1 2 3"}


def test_the_administrators_file_wins_and_a_link_to_nothing_switches_it_off(tmp_path: Path) -> None:
    folders = tuple(tmp_path / name for name in ("etc", "usr"))
    for folder in folders:
        folder.mkdir()
    assert sysctl.effective(folders) is None
    (folders[1] / sysctl.FILE).write_text("a = 1\n")
    assert sysctl.effective(folders) == folders[1] / sysctl.FILE
    (folders[0] / sysctl.FILE).write_text("a = 2\n")
    assert sysctl.effective(folders) == folders[0] / sysctl.FILE
    (folders[0] / sysctl.FILE).unlink()
    (folders[0] / sysctl.FILE).symlink_to("/dev/null")
    assert sysctl.effective(folders) is None


def test_values_are_read_from_proc(tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "rmem").write_text("4096\t1\t2\n")
    assert sysctl.value("net.rmem", tmp_path) == "4096 1 2"
    assert sysctl.value("net.none", tmp_path) is None


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_packaged_values(file: Path) -> None:
    want = sysctl.wanted(file.read_text())
    assert want["net.ipv4.tcp_congestion_control"] == "bbr"
    assert want["net.core.default_qdisc"] == "fq"
    assert int(want["fs.file-max"]) >= 1_000_000
    # Integers of the kernel's: int for buffers, long for files.
    buffers = [number for key, value in want.items() if "mem" in key for number in value.split()]
    assert all(int(number) < 2**31 for number in buffers)
    assert int(want["fs.file-max"]) < 2**63
    # Every line may fail without an error at boot, on a kernel that lacks it.
    lines = [line for line in file.read_text().splitlines() if line and not line.startswith("#")]
    assert all(line.startswith("-") for line in lines)
    # The upper bound of a connection is that of a buffer.
    for side in ("rmem", "wmem"):
        assert want[f"net.ipv4.tcp_{side}"].split()[2] == want[f"net.core.{side}_max"]


def test_this_machine_can_be_looked_at() -> None:
    assert all(line["level"] in ("ok", "warn") for line in sysctl.look())
