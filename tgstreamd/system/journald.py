"""Speaks journald's native protocol: one event is one datagram with fields, which the journal can filter by.

https://systemd.io/JOURNAL_NATIVE_PROTOCOL/. Owns the names of the fields and the catalogue of message ids
(packaging/tgstreamd.catalog explains each). Sending never blocks for long and never raises: an entry that
journald does not accept is lost, since a mirror must not stop for its log.
"""

from __future__ import annotations

import array
import contextlib
import errno
import fcntl
import os
import socket
from collections.abc import Mapping
from pathlib import Path

SOCKET = Path("/run/systemd/journal/socket")
IDENTIFIER = "tgstreamd"

#: Message ids by event, for `journalctl -x` and `journalctl MESSAGE_ID=`. Never changed once published.
CATALOGUE: dict[str, str] = {
    "tgstreamd started": "bdddd9c7b7b04a62a7e1f94e7972bc01",
    "stopped": "bdddd9c7b7b04a62a7e1f94e7972bc02",
    "mirror born": "bdddd9c7b7b04a62a7e1f94e7972bc03",
    "mirror begins paused, `resume` starts it": "bdddd9c7b7b04a62a7e1f94e7972bc04",
    "mirror paused, asked again every 10 minutes": "bdddd9c7b7b04a62a7e1f94e7972bc05",
    "mirror cannot begin, asked again every 10 minutes": "bdddd9c7b7b04a62a7e1f94e7972bc06",
    "mirror waits": "bdddd9c7b7b04a62a7e1f94e7972bc07",
    "mirror goes on": "bdddd9c7b7b04a62a7e1f94e7972bc08",
    "message copied": "bdddd9c7b7b04a62a7e1f94e7972bc09",
    "message skipped": "bdddd9c7b7b04a62a7e1f94e7972bc0a",
    "message parked": "bdddd9c7b7b04a62a7e1f94e7972bc0b",
    "message broke us": "bdddd9c7b7b04a62a7e1f94e7972bc0c",
    "outcome unknown, finding out": "bdddd9c7b7b04a62a7e1f94e7972bc0d",
    "Telegram asks to wait": "bdddd9c7b7b04a62a7e1f94e7972bc0e",
    "account is limited: nothing is sent": "bdddd9c7b7b04a62a7e1f94e7972bc0f",
    "account is frozen: appeal in the app; nothing is sent": "bdddd9c7b7b04a62a7e1f94e7972bc10",
    "configuration reloaded": "bdddd9c7b7b04a62a7e1f94e7972bc11",
    "configuration refused, the old one stays in force": "bdddd9c7b7b04a62a7e1f94e7972bc12",
    "services are overdue, systemd will restart us": "bdddd9c7b7b04a62a7e1f94e7972bc13",
}
#: Reserved fields: a key of that name is prefixed.
TAKEN = frozenset({"MESSAGE", "MESSAGE_ID", "PRIORITY", "ERRNO", "UNIT", "COREDUMP_UNIT", "TID"})
TAKEN_PREFIXES = ("CODE_", "SYSLOG_", "OBJECT_", "INVOCATION_", "USER_", "COREDUMP_")
NAME_MAX = 64


def field_name(key: str) -> str:
    """Return the field of a key (`source_id` → `SOURCE_ID`): upper case, digits, `_`, at most 64, not
    reserved.
    """
    name = "".join(sign if sign.isascii() and sign.isalnum() else "_" for sign in key.upper()).lstrip("_")
    if not name or name[0].isdigit() or name in TAKEN or name.startswith(TAKEN_PREFIXES):
        name = f"TGSTREAMD_{name}"
    return name[:NAME_MAX]


def datagram(message: str, priority: int, event: str, facts: Mapping[str, object]) -> bytes:
    """Return one entry: `message` for people, `event` for the catalogue, `facts` as fields without None."""
    fields: dict[str, object] = {field_name(key): value for key, value in facts.items() if value is not None}
    fields |= {"MESSAGE": message, "PRIORITY": priority, "SYSLOG_IDENTIFIER": IDENTIFIER}
    if event in CATALOGUE:
        fields["MESSAGE_ID"] = CATALOGUE[event]
    return b"".join(_field(name, str(value)) for name, value in fields.items())


def _field(name: str, value: str) -> bytes:
    data = value.encode(errors="replace")
    if b"\n" not in data:
        return name.encode() + b"=" + data + b"\n"
    return name.encode() + b"\n" + len(data).to_bytes(8, "little") + data + b"\n"


class Journal:
    """A connection to journald."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line

    @classmethod
    def open(cls, path: Path = SOCKET) -> Journal | None:
        """Connect to journald; return None where none listens."""
        line = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        try:
            line.connect(str(path))
        except OSError:
            line.close()
            return None
        # Wait for a busy journald, but not for one that hangs.
        line.settimeout(1.0)
        return cls(line)

    def send(self, entry: bytes) -> None:
        try:
            self._line.send(entry)
        except OSError as error:
            if error.errno in (errno.EMSGSIZE, errno.ENOBUFS):
                with contextlib.suppress(OSError):
                    self._send_large(entry)

    def _send_large(self, entry: bytes) -> None:
        """Send a sealed file in memory: a datagram is too small for a long traceback."""
        handle = os.memfd_create("journal", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            with open(handle, "wb", closefd=False) as file:
                file.write(entry)
            seals = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL
            fcntl.fcntl(handle, fcntl.F_ADD_SEALS, seals)
            rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [handle]))
            self._line.sendmsg([b""], [rights])
        finally:
            os.close(handle)

    def close(self) -> None:
        self._line.close()
