"""The subjects of commits: `area: what`, imperative, at most 72 characters, as CONTRIBUTING.md says."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
#: The rule holds for what came after this commit.
SINCE = "fea9aa9079e4c66e2c3eeb891e3f5386483e782f"
SUBJECT = re.compile(r"[a-z][\w ,./-]*: [^\s].*[^.\s]")
#: How a report begins, where an order is wanted, and the orders that look like one.
REPORTED = re.compile(r": (\w+(?:ed|ing)|WIP)\b")
ORDERS = {"embed", "need", "feed", "speed", "seed", "shed", "bring", "ping"}


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else ""


def wrong(subject: str) -> str:
    """What is against the rule; empty if nothing is."""
    if len(subject) > 72:
        return f"{len(subject)} characters"
    if not SUBJECT.fullmatch(subject):
        return "not `area: what`"
    said = REPORTED.search(subject)
    return "not an order" if said and said[1] not in ORDERS else ""


@pytest.mark.parametrize(
    ("subject", "fault"),
    [
        ("retry: let one function say how waits grow", ""),
        ("file connections: take the offset from the first answer", ""),
        ("retry: feed what waits to one function", ""),
        ("Let one function say how waits grow", "not `area: what`"),
        ("retry: let one function say how waits grow.", "not `area: what`"),
        ("retry: fixed how waits grow", "not an order"),
        ("retry: added a function", "not an order"),
        ("retry: changing how waits grow", "not an order"),
        ("retry: WIP", "not an order"),
        ("retry: let one function say how waits grow, and say it for each and every class", "79 characters"),
    ],
)
def test_the_rule(subject: str, fault: str) -> None:
    assert wrong(subject) == fault


def test_the_subjects_of_this_history() -> None:
    if not _git("rev-parse", "HEAD"):
        pytest.skip("not a git checkout, as in an archive of the sources")
    # A shallow clone may not have it.
    since = f"{SINCE}..HEAD" if _git("cat-file", "-t", SINCE) else "-1"
    subjects = _git("log", "--no-merges", "--format=%s", since).splitlines()
    assert {subject: fault for subject in subjects if (fault := wrong(subject))} == {}
