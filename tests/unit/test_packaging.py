"""What is packaged says the same as the program: units, example, man pages, completions, versions."""

from __future__ import annotations

import argparse
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest

import tgstreamd
from tgstreamd import config
from tgstreamd.__main__ import parser

ROOT = Path(tgstreamd.__file__).parents[1]
LOCK = ROOT / "requirements.lock"
PACKAGING = ROOT / "packaging"
COMPLETIONS = ("tgstreamd.bash", "_tgstreamd", "tgstreamd.fish")
#: What a TOML file cannot hold.
UNWRITTEN = {"session_string", "key"}


def verbs() -> dict[str, set[str]]:
    """Every verb with its long options."""
    [action] = [a for a in parser()._actions if isinstance(a, argparse._SubParsersAction)]
    return {
        name: {option for a in verb._actions for option in a.option_strings if option.startswith("--")}
        for name, verb in action.choices.items()
    }


def keys() -> dict[str, set[str]]:
    """Every key of the configuration, by table."""
    return {
        "telegram": set(msgspec.structs.asdict(config.Telegram(api_id=1, api_hash="")))
        - UNWRITTEN
        - {"server"},
        "telegram.server": names(config.Server) - UNWRITTEN,
        "mirror": names(config.MirrorConfig),
        "pace": names(config.Pace),
        "stream": names(config.Stream),
        "state": names(config.State),
        "log": names(config.Log),
        "metrics": names(config.Metrics),
    }


def names(table: type[Any]) -> set[str]:
    return {field.name for field in msgspec.structs.fields(table)}


def directives(unit: str) -> list[str]:
    text = (ROOT / "systemd" / unit).read_text()
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def test_the_template_is_the_service_but_for_its_names() -> None:
    one, other = directives("tgstreamd.service"), directives("tgstreamd@.service")
    changed = [line for line in other if line not in one]
    assert [line.partition("=")[0] for line in changed] == [
        "Description",
        "ExecStart",
        "StateDirectory",
        "RuntimeDirectory",
        "EnvironmentFile",
        "LoadCredential",
        "LoadCredential",
        "LoadCredential",
    ]
    assert all("%i" in line for line in changed)
    # It has no directories below it to preserve.
    missing = [line.partition("=")[0] for line in one if line not in other]
    assert sorted(set(missing) - {line.partition("=")[0] for line in changed}) == ["RuntimeDirectoryPreserve"]


def test_the_unit_keeps_the_contract() -> None:
    lines = directives("tgstreamd.service")
    for line in (
        "Type=notify",
        "NotifyAccess=main",
        "RestartPreventExitStatus=77 78",
        "OnFailure=tgstreamd-alert@%n.service",
        "StateDirectory=tgstreamd",
        "RuntimeDirectory=tgstreamd",
        "User=tgstreamd",
        "LimitNOFILE=1048576",
        "MemorySwapMax=0",
        "WantedBy=multi-user.target",
    ):
        assert line in lines
    # What an older systemd takes for something else must not stand in the unit itself.
    assert "Type=notify-reload" in directives("newer-254.conf")


def test_the_example_is_valid_and_shows_every_key_with_its_default() -> None:
    text = (PACKAGING / "config.toml").read_text()
    config.build(tomllib.loads(text), {"HOME": "/"}, where=None, place_of=Path("/etc/tgstreamd/config.toml"))
    # A comment that begins with a key is that key.
    shown = re.sub(
        r"^# (\[?[a-z_.]+\]? ?=?)", lambda m: m[1] if m[1].endswith(("=", "]")) else m[0], text, flags=re.M
    )
    tree = tomllib.loads(shown)
    found = {
        "telegram": set(tree["telegram"]) - {"server"},
        "telegram.server": set(tree["telegram"]["server"]),
        "mirror": set(tree["mirror"][0]),
        **{table: set(tree[table]) for table in ("pace", "stream", "state", "log", "metrics")},
    }
    assert found == keys()
    defaults = config.MirrorConfig(name="x", source=1, target=2)
    for key, value in tree["mirror"][0].items():
        if key not in ("name", "source", "target", "source_topic", "target_topic"):
            assert (tuple(value) if key == "filter" else value) == getattr(defaults, key), key
    for table, kind in (("pace", config.Pace), ("stream", config.Stream), ("log", config.Log)):
        assert msgspec.structs.asdict(kind()) == tree[table]
    assert (
        config.Metrics(**(tree["metrics"] | {"hosts": tuple(tree["metrics"]["hosts"])})) == config.Metrics()
    )


def test_the_man_pages_know_every_verb_option_and_key() -> None:
    program = (PACKAGING / "man" / "tgstreamd.1").read_text().replace("\\-", "-")
    for verb, options in verbs().items():
        assert re.search(rf"^\.BR? .*\b{verb}\b", program, re.M), verb
        assert [option for option in options if option not in program] == []
    for status in ("0:", "1:", "2:", "77:", "78:"):
        assert status in program
    file = (PACKAGING / "man" / "tgstreamd.toml.5").read_text()
    for table in keys().values():
        assert [key for key in table if not re.search(rf"^\.BR? .*\b{key}\b", file, re.M)] == []


@pytest.mark.parametrize("name", COMPLETIONS)
def test_the_completions_know_every_verb_and_option(name: str) -> None:
    text = (PACKAGING / "completions" / name).read_text()
    for verb, options in verbs().items():
        assert re.search(rf"\b{verb}\b", text), verb
        assert [o for o in options if o not in text and f"-l {o[2:]}" not in text and o[2:] not in text] == []


def test_versions_agree() -> None:
    first = (PACKAGING / "debian" / "changelog").read_text().splitlines()[0]
    assert first.startswith(f"tgstreamd ({tgstreamd.__version__}) ")


def test_the_documentation_comes_along_and_its_links_hold(tmp_path: Path) -> None:
    subprocess.run([PACKAGING / "pages", tmp_path], check=True)
    there = {path.relative_to(tmp_path) for path in tmp_path.rglob("*.md")}
    pages = {path.relative_to(ROOT) for path in (ROOT / "docs").rglob("*.md")}
    assert there == pages | {Path("README.md"), Path("README.pt-BR.md")}
    broken = [
        f"{page}: {link}"
        for page in sorted(there)
        for link in re.findall(r"\]\(([^)#\s]+)", (tmp_path / page).read_text())
        if "://" not in link and not (tmp_path / page.parent / link).is_file()
    ]
    assert broken == []
    assert sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()) < 600_000
    # debhelper would compress them, and then no link leads anywhere.
    assert "dh_compress -X.md -X.json" in (PACKAGING / "debian" / "rules").read_text()


def test_maintainer_scripts_stop_at_the_first_error() -> None:
    for script in ("postinst", "prerm", "postrm"):
        lines = (PACKAGING / "debian" / f"tgstreamd.{script}").read_text().splitlines()
        assert lines[0] == "#!/bin/sh"
        assert "set -e" in lines
        assert "#DEBHELPER#" in lines


def test_bash_completes_verbs_options_and_values() -> None:
    """The completion is generated, so it must be run to be believed."""
    script = f"""source {PACKAGING / "completions" / "tgstreamd.bash"}
    try() {{ COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _tgstreamd; echo "${{COMPREPLY[*]}}"; }}
    try tgstreamd ch; try tgstreamd init --tr; try tgstreamd init --transfer r; try tgstreamd parked re
    try tgstreamd login --phone ''; try tgstreamd config s"""
    ran = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert ran.stderr == ""
    assert ran.stdout.splitlines() == [
        "chats check", "--transfer", "reference reference-only", "retry", "", "show",
    ]  # fmt: skip


def test_the_licences_of_everything_that_comes_along_are_named() -> None:
    """The package carries its dependencies: each stands in the copyright file, under its import name."""
    copyright_file = (ROOT / "packaging/debian/copyright").read_text()
    named = {name.replace("-", "_") for name in re.findall(r"^([a-z0-9-]+)==", LOCK.read_text(), re.M)}
    imported = {"markdown_it_py": "markdown_it"}
    missing = {name for name in named if f"site/{imported.get(name, name)}" not in copyright_file}
    assert missing == set()
