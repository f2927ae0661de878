"""Lists the files that are generated from the code, with their generators."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from . import answers, configuration, errors, events, figures, manual, refusals, shells, verbs
from .site import ROOT

REFERENCE = ROOT / "docs" / "reference"
PACKAGING = ROOT / "packaging"


#: Path → function that returns its text.
GENERATED: dict[Path, Callable[[], str]] = {
    REFERENCE / "configuration.md": configuration.page,
    REFERENCE / "verbs.md": verbs.page,
    REFERENCE / "exit-status.md": verbs.exits,
    REFERENCE / "errors.md": errors.page,
    REFERENCE / "refusals.md": refusals.page,
    REFERENCE / "events.md": events.page,
    REFERENCE / "metrics.md": figures.page,
    REFERENCE / "status.md": answers.page,
    PACKAGING / "man" / "tgstreamd.1": manual.page,
    PACKAGING / "man" / "tgstreamd.toml.5": configuration.man,
    PACKAGING / "completions" / "tgstreamd.bash": shells.bash,
    PACKAGING / "completions" / "_tgstreamd": shells.zsh,
    PACKAGING / "completions" / "tgstreamd.fish": shells.fish,
    PACKAGING / "config.toml": configuration.example,
}
