"""The log: one line a fact, the right priority, no secret, and repeated trouble in measure."""

from __future__ import annotations

import io
import json
import logging
import os
from pathlib import Path
from typing import Any

import pytest
import structlog

from tests.fakes import FakeClock
from tgstreamd.system import log_setup


def test_journal_lines_carry_their_priority() -> None:
    out = io.StringIO()
    log_setup.configure("debug", "journal", stream=out)
    log = structlog.get_logger()
    log.debug("looked")
    log.info("mirror started", mirror="main", backlog=70412, reason="first start", rate=3.5)
    log.warning("two\nlines", text='a"b', empty="")
    log.error("parked", message=7)
    assert out.getvalue().splitlines() == [
        "<7>looked",
        '<6>mirror started mirror=main backlog=70412 reason="first start" rate=3.5',
        '<4>two lines text="a\\"b" empty=""',
        "<3>parked message=7",
    ]


def test_each_line_of_a_traceback_has_the_priority() -> None:
    out = io.StringIO()
    log_setup.configure("info", "journal", stream=out)
    try:
        raise ValueError("api key abcdefgh")
    except ValueError:
        structlog.get_logger().exception("parked", message=7)
    lines = out.getvalue().splitlines()
    assert lines[0] == "<3>parked message=7"
    assert all(line.startswith("<3>") for line in lines)
    assert lines[-1] == "<3>ValueError: api key abcdefgh"


@pytest.mark.parametrize("format", ["journal", "console", "json"])
def test_no_secret_leaves(format: log_setup.Format) -> None:
    out = io.StringIO()
    log_setup.configure("info", format, stream=out, secrets=["deadbeefdeadbeef", ""])
    log = structlog.get_logger()
    log.info("sent deadbeefdeadbeef", api_hash="0123", phone="+4912345", why=ValueError("deadbeefdeadbeef"))
    logging.getLogger("telethon.network").warning("key %s", "deadbeefdeadbeef")
    try:
        raise ValueError("deadbeefdeadbeef")
    except ValueError:
        log.exception("failed")
    text = out.getvalue()
    assert "failed" in text
    for secret in ("deadbeef", "0123", "4912345"):
        assert secret not in text


def test_json_is_a_line_each() -> None:
    out = io.StringIO()
    log_setup.configure("info", "json", stream=out)
    structlog.get_logger().info("mirror started", mirror="ä\n", path=Path("/x"))
    (line,) = out.getvalue().splitlines()
    event = json.loads(line)
    assert (event["event"], event["level"], event["mirror"], event["path"]) == (
        "mirror started",
        "info",
        "ä\n",
        "/x",
    )
    assert event["timestamp"].endswith("Z")


def test_the_level_filters() -> None:
    out = io.StringIO()
    log_setup.configure("warning", "journal", stream=out)
    structlog.get_logger().info("quiet")
    assert out.getvalue() == ""


def test_libraries_are_heard_from_warning_up() -> None:
    out = io.StringIO()
    log_setup.configure("debug", "journal", stream=out)
    logging.getLogger("telethon.client").info("Connecting")
    logging.getLogger("telethon.client").warning("Server closed the connection")
    assert out.getvalue() == "<4>Server closed the connection logger=telethon.client\n"


def test_auto_knows_where_it_leads(tmp_path: Path) -> None:
    with (tmp_path / "out").open("w") as stream:
        seen = os.fstat(stream.fileno())
        journal = {"JOURNAL_STREAM": f"{seen.st_dev}:{seen.st_ino}"}
        assert log_setup.choose("auto", stream, journal) == "journal"
        assert log_setup.choose("auto", stream, {"JOURNAL_STREAM": "1:1"}) == "console"
        assert log_setup.choose("auto", stream, {}) == "console"
        assert log_setup.choose("json", stream, journal) == "json"
    assert log_setup.choose("auto", io.StringIO(), journal) == "console"


def test_a_closed_stream_stops_nothing() -> None:
    out = io.StringIO()
    log_setup.configure("info", "journal", stream=out)
    out.close()
    structlog.get_logger().info("into the void")


class Recorder:
    def __init__(self) -> None:
        self.said: list[tuple[str, str, dict[str, Any]]] = []

    def warning(self, event: str, **keys: Any) -> None:
        self.said.append(("warning", event, keys))

    def info(self, event: str, **keys: Any) -> None:
        self.said.append(("info", event, keys))


def test_repeated_trouble_in_measure() -> None:
    clock, log = FakeClock(), Recorder()
    repeated = log_setup.Repeated(clock, every=600, logger=log)
    repeated.recovered("net", "connected")
    for _ in range(130):
        repeated.trouble("net", "connection lost", address="x")
        clock.advance(10)
    repeated.trouble("other", "another trouble")
    repeated.recovered("net", "connected", address="x")
    repeated.recovered("net", "connected")
    assert log.said == [
        ("warning", "connection lost", {"address": "x"}),
        ("warning", "connection lost", {"address": "x", "times": 61, "for_seconds": 600}),
        ("warning", "connection lost", {"address": "x", "times": 121, "for_seconds": 1200}),
        ("warning", "another trouble", {}),
        ("info", "connected", {"address": "x", "times": 130, "after_seconds": 1300}),
    ]


@pytest.mark.parametrize("format", ["journal", "console", "json"])
def test_nobody_writes_to_the_terminal(format: log_setup.Format) -> None:
    """Escape sequences, carriage returns and turned direction of other people's text are spelled out."""
    stream = io.StringIO()
    log_setup.configure("info", format, stream=stream)
    structlog.get_logger().info("chat\x1b[2Jseen", title="\x1b]0;owned\x07", name="a\rb\u202ec\x9b1m")
    try:
        raise ValueError("\x1b[31mred")
    except ValueError:
        structlog.get_logger().error("broke", exc_info=True)
    said = stream.getvalue()
    assert all(line.isprintable() for line in said.splitlines())
    assert "red" in said


@pytest.mark.parametrize("format", ["journal", "console", "json"])
def test_what_is_no_text_is_as_harmless(format: log_setup.Format) -> None:
    """Errors, lists and tables of other people's words; a very long text is cut."""
    stream = io.StringIO()
    log_setup.configure("info", format, stream=stream)
    hostile = "a\x1b[31mb\u202ec\x9bd\x7f"
    structlog.get_logger().info(
        "seen", error=ValueError(hostile), names=[hostile, [hostile]], by={"x": hostile}, long="y" * 9000
    )
    said = stream.getvalue()
    assert all(line.isprintable() for line in said.splitlines())
    assert len(said) < 3000
