"""Compares kernel settings: wanted values with those in force. Changes nothing.

The wanted values are in the sysctl file in force: the administrator's of that name before the package's
(https://www.freedesktop.org/software/systemd/man/latest/sysctl.d.html). They are advice: a daemon runs
without.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

FILE = "60-tgstreamd.conf"
FOLDERS = tuple(map(Path, ("/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d")))
PROC = Path("/proc/sys")
#: Minima needed by the unit's LimitNOFILE=; not set by the file, since that could lower them.
AT_LEAST = {"fs.nr_open": 1_048_576}
#: Limits where a higher value is as good.
MORE_IS_FINE = frozenset({"fs.file-max", "net.core.rmem_max", "net.core.wmem_max"})


def effective(folders: tuple[Path, ...] = FOLDERS) -> Path | None:
    """Return the file in force; None where there is none, or a link to /dev/null disables it."""
    for folder in folders:
        file = folder / FILE
        if file.is_symlink() or file.exists():
            return file if file.is_file() and file.stat().st_size else None
    return None


def wanted(text: str) -> dict[str, str]:
    """Return the assignments of a sysctl.d file, by key."""
    found = {}
    for line in text.splitlines():
        key, sign, value = line.strip().partition("=")
        if sign and not key.startswith(("#", ";")):
            found[key.strip().removeprefix("-").replace("/", ".")] = " ".join(value.split())
    return found


def value(key: str, proc: Path = PROC) -> str | None:
    """Return the value in force; None where this kernel, or this network namespace, has no such key."""
    try:
        return " ".join((proc / key.replace(".", "/")).read_text().split())
    except OSError:
        return None


def findings(
    want: Mapping[str, str], now: Callable[[str], str | None], *, where: str = FILE
) -> list[dict[str, Any]]:
    """Return lines like those of `check`; none of them keeps a start from succeeding."""
    lines = []
    for key, wish in want.items():
        actual = now(key)
        if actual is None:
            lines.append(_line("warn", f"{key} is unknown to this kernel ({wish} was wanted)"))
        elif actual == wish or (key in MORE_IS_FINE and _number(actual) >= _number(wish)):
            lines.append(_line("ok", f"{key} is {actual}"))
        else:
            text, remedy = f"{key} is {actual} instead of {wish}", f"`sudo sysctl --system` applies {where}"
            lines.append(_line("warn", text, remedy))
    for key, least in AT_LEAST.items():
        actual = now(key)
        if actual is not None:
            enough = _number(actual) >= least
            text = f"{key} is {actual}" if enough else f"{key} is {actual}, less than {least}"
            lines.append(
                _line("ok", text) if enough else _line("warn", text, f"sudo sysctl -w {key}={least}")
            )
    return lines


def look() -> list[dict[str, Any]]:
    """Return the findings on this machine."""
    file = effective()
    try:
        text = file.read_text() if file else None
    except OSError:
        text = None
    if file is None or text is None:
        remedy = f"sudo install -m 644 sysctl.d/{FILE} /etc/sysctl.d/ && sudo sysctl --system"
        text = f"no {FILE}, which the Debian package brings: transfers run at what this kernel has"
        return [_line("warn", text, remedy)]
    return findings(wanted(text), value, where=str(file))


def _line(level: str, text: str, remedy: str = "") -> dict[str, Any]:
    return {"level": level, "mirror": "", "subject": "kernel", "text": text, "remedy": remedy}


def _number(text: str) -> int:
    return int(text) if text.isdigit() else -1
