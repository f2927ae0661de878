"""What the verbs of a running mirror say when they are used wrongly: one line, with what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from tgstreamd.__main__ import main, parser
from tgstreamd.cli import resend

VERBS = ("status", "parked", "pause", "resume", "verify", "resend")


@pytest.mark.parametrize(
    ("line", "status", "words"),
    [
        ("verify", 2, "missing: MIRROR (`tgstreamd verify --help` shows what there is)"),
        ("verify main --mend", 2, "(`tgstreamd --help` shows what there is)"),
        ("resend main", 2, "missing: ID (`tgstreamd resend --help` shows what there is)"),
        ("resend main x", 2, '"x" is no message: an id like 812, or a link to it'),
        ("parked retry", 2, "parked retry: which ones? (`tgstreamd parked` lists the ids)"),
        ("parked skip --all", 2, "--all goes with retry, and without ids"),
        ("parked 7", 2, '"7" is none; there is list, retry, skip'),
        ("parked --all", 2, "ids and --all go with retry or skip"),
        ("pause", 2, "missing: MIRROR (`tgstreamd pause --help` shows what there is)"),
        ("pause main", 1, "(nothing was mirrored from here yet: `tgstreamd run` begins)"),
        ("resume main", 1, "(nothing was mirrored from here yet: `tgstreamd run` begins)"),
    ],
)
def test_every_error_is_one_line_with_its_remedy(
    line: str, status: int, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "config.toml"
    file.write_text(f'[state]\ndirectory = "{tmp_path}"\n')
    try:
        ended = main([*line.split(), "--config", str(file)])
    except SystemExit as exit_:
        ended = int(str(exit_.code))
    out, err = capsys.readouterr()
    assert (ended, out, err.count("\n")) == (status, "", 1)
    assert words in err


@pytest.mark.parametrize("verb", VERBS)
def test_help_has_an_example(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args([verb, "--help"])
    shown = capsys.readouterr().out
    assert "examples:\n  tgstreamd " in shown
    assert max(map(len, shown.splitlines())) <= 100


@pytest.mark.parametrize(
    ("given", "meant"),
    [("812", 812), ("https://t.me/c/1234567890/812", 812), ("http://t.me/news/5/812?single", 812)],
)
def test_a_message_is_meant_by_its_id_or_a_link(given: str, meant: int) -> None:
    assert resend.message_id(given) == meant
