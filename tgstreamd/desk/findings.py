"""One line of `check`, as JSON holds it: how bad, about which mirror and what, the finding, what to do.

Pure. `remedy` is a command to paste, or a sentence where no command helps; empty where all is well.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from ..policy.mirror_checks import Finding

Level = Literal["ok", "warn", "fail"]


def line(level: Level, mirror: str, subject: str, text: str, remedy: str = "") -> dict[str, Any]:
    return {"level": level, "mirror": mirror, "subject": subject, "text": text, "remedy": remedy}


def told(mirror: str, findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """What was judged of one mirror."""
    return [line(f.level, mirror, f.subject, f.text, f.remedy) for f in findings]


def good(lines: Iterable[dict[str, Any]]) -> bool:
    """Whether a start would succeed, as far as these lines say."""
    return all(line["level"] != "fail" for line in lines)
