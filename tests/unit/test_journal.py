"""journald's protocol: fields by which the journal can be asked, and a catalogue that explains them."""

from __future__ import annotations

import array
import io
import json
import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

import tgstreamd
from tgstreamd.system import log_setup
from tgstreamd.system.journald import CATALOGUE, Journal, datagram, field_name

ROOT = Path(tgstreamd.__file__).parent


def parse(entry: bytes) -> dict[str, str]:
    """As journald reads it."""
    found = {}
    while entry:
        line, _, entry = entry.partition(b"\n")
        name, equals, value = line.partition(b"=")
        if not equals:
            size = int.from_bytes(entry[:8], "little")
            value, entry = entry[8 : 8 + size], entry[8 + size + 1 :]
        found[name.decode()] = value.decode()
    return found


@pytest.fixture
def journald(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind(str(tmp_path / "journal"))
        line.settimeout(5)
        yield line


def test_names_are_journald_s() -> None:
    assert field_name("source_id") == "SOURCE_ID"
    assert field_name("mirror") == "MIRROR"
    assert field_name("bytes/second") == "BYTES_SECOND"
    # What journald or systemd means by a name stays theirs; a leading `_` is journald's own.
    assert field_name("message") == "TGSTREAMD_MESSAGE"
    assert field_name("code_line") == "TGSTREAMD_CODE_LINE"
    assert field_name("_pid") == "PID"
    assert field_name("2fa") == "TGSTREAMD_2FA"
    assert len(field_name("x" * 100)) == 64


def test_an_entry_holds_text_priority_and_facts() -> None:
    facts = {"mirror": "main", "source_id": 7, "nothing": None, "why": "two\nlines"}
    entry = parse(datagram("message parked mirror=main", 3, "message parked", facts))
    assert entry == {
        "MESSAGE": "message parked mirror=main",
        "PRIORITY": "3",
        "SYSLOG_IDENTIFIER": "tgstreamd",
        "MESSAGE_ID": CATALOGUE["message parked"],
        "MIRROR": "main",
        "SOURCE_ID": "7",
        "WHY": "two\nlines",
    }


def test_a_value_cannot_forge_a_field() -> None:
    entry = datagram("x", 6, "x", {"why": "innocent\nPRIORITY=0\n"})
    assert parse(entry)["PRIORITY"] == "6"


def test_the_log_speaks_it_where_the_stream_is_the_journal(tmp_path: Path, journald: socket.socket) -> None:
    with (tmp_path / "stderr").open("w+") as stream:
        found = os.fstat(stream.fileno())
        environ = {"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}"}
        log_setup.configure(
            "info",
            "auto",
            stream=stream,
            environ=environ,
            secrets=["hush hush"],
            journal=lambda: Journal.open(tmp_path / "journal"),
        )
        log = structlog.get_logger()
        log.info("message copied", mirror="main", source_id=4, target_id=None, why="hush hush")
        entry = parse(journald.recv(65536))
        assert entry["MESSAGE"] == "message copied mirror=main source_id=4 why=[hidden]"
        assert (entry["MIRROR"], entry["SOURCE_ID"], entry["PRIORITY"]) == ("main", "4", "6")
        assert entry["MESSAGE_ID"] == CATALOGUE["message copied"]
        assert "TARGET_ID" not in entry
        try:
            raise ValueError("hush hush")
        except ValueError:
            log.exception("message broke us")
        entry = parse(journald.recv(65536))
        assert entry["MESSAGE"].splitlines()[0] == "message broke us"
        assert entry["MESSAGE"].splitlines()[-1] == "ValueError: [hidden]"
        assert entry["PRIORITY"] == "3"
        stream.seek(0)
        assert stream.read() == ""


def test_without_journald_lines_carry_their_priority(tmp_path: Path) -> None:
    out = io.StringIO()
    log_setup.configure("info", "journal", stream=out, journal=lambda: Journal.open(tmp_path / "nobody"))
    structlog.get_logger().warning("mirror waits", mirror="main")
    assert out.getvalue() == "<4>mirror waits mirror=main\n"


def test_an_entry_that_is_too_long_for_a_datagram_goes_as_a_file(
    tmp_path: Path, journald: socket.socket
) -> None:
    journal = Journal.open(tmp_path / "journal")
    assert journal is not None
    long = datagram("x" * 4_000_000, 3, "x", {})
    journal.send(long)
    handles = array.array("i")
    data, ancillary, _, _ = journald.recvmsg(16, socket.CMSG_LEN(handles.itemsize))
    assert data == b""
    handles.frombytes(ancillary[0][2])
    with open(handles[0], "rb") as file:
        file.seek(0)
        assert file.read() == long
    journal.close()


def test_a_journald_that_is_gone_stops_nothing(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind(str(tmp_path / "journal"))
        journal = Journal.open(tmp_path / "journal")
    assert journal is not None
    journal.send(datagram("x", 6, "x", {}))


def test_the_catalogue_explains_every_id_and_each_event_exists() -> None:
    explained = (ROOT.parent / "packaging" / "tgstreamd.catalog").read_text()
    entries = re.findall(r"^-- ([0-9a-f]{32})\nSubject: (.+)$", explained, re.MULTILINE)
    assert sorted(number for number, _ in entries) == sorted(CATALOGUE.values())
    assert len(set(CATALOGUE.values())) == len(CATALOGUE)
    sources = "".join(path.read_text() for path in ROOT.rglob("*.py") if path.name != "journald.py")
    states = {"message parked", "message skipped"}  # said as f"message {state}"
    assert [event for event in CATALOGUE if json.dumps(event) not in sources and event not in states] == []
