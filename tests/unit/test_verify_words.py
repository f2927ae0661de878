"""What `verify` says: each difference with its links, the sum, what was mended, and how far it is."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from tgstreamd.cli import verify
from tgstreamd.config import Config, build
from tgstreamd.control.differences import Difference


def config(**pace: float) -> Config:
    mirror = {"name": "main", "source": -1001, "target": -1002}
    tree: dict[str, Any] = {"telegram": {"api_id": 1, "api_hash": "0" * 32}, "mirror": [mirror], "pace": pace}
    tree["state"] = {"directory": "/nowhere"}
    return build(tree, {}, where=None, place_of=Path("/nowhere"))


def one(**changes: Any) -> dict[str, Any]:
    usual: dict[str, Any] = {
        "kind": "missing", "source_id": 812, "target_id": 9, "source_link": "https://t.me/c/1/812",
        "target_link": "https://t.me/c/2/9", "why": "its copy is gone from the target", "mend": "again",
        "text": "",
    }  # fmt: skip
    return usual | changes


def test_a_difference_has_its_links_and_its_remedy() -> None:
    assert set(one()) | {"chat"} == set(Difference.__struct_fields__)
    assert verify.lines(one(text="hello\nthere"), None) == [
        'missing in the target: message 812: its copy is gone from the target  "hello there"',
        "    https://t.me/c/1/812 → https://t.me/c/2/9",
    ]
    extra = one(kind="extra", source_id=0, source_link="", target_link="", why="no message stands behind it")
    assert verify.lines(extra, {"done": "", "what": "delete it by hand"}) == [
        "extra in the target: message 9 of the target: no message stands behind it",
        "    not mended: delete it by hand",
    ]


def test_the_sum() -> None:
    counts = {"copied": 20, "skipped": 1, "copies": 19}
    assert verify.summary("main", {}, [], [], config()) == [
        "main: nothing copied yet; 0 copies looked at", "main: equal",
    ]  # fmt: skip
    assert verify.summary("main", counts, [one()], [], config()) == [
        "main: 20 copied, 1 skipped; 19 copies looked at",
        "main: 1 difference: 1 missing in the target",
        "main: `tgstreamd verify main --repair` mends what can be mended",
    ]
    mended = [{"done": "queued"}] * 20 + [{"done": "found"}, {"done": ""}]
    assert verify.summary("main", counts, [one()] * 22, mended, config())[2:] == [
        "main: queued: 20, done in about 70 s; then compare again",
        "main: found again, so that nothing is sent for it: 1",
        "main: left as it is: 1",
    ]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_for_terminals() -> None:
    for out, shown in (
        (io.StringIO(), ""),
        (Terminal(), "\rmain: source: message 1,200 of 70,412, 2 differences\x1b[K"),
    ):
        progress = verify.Progress("main", out)
        progress.show({"side": "source", "after": 1200, "newest": 70412}, [one(), one()])
        assert out.getvalue() == shown
        progress.end()
