"""The house stands as drawn: who may import whom, who alone imports what, and no module grows too large."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import tgstreamd

ROOT = Path(tgstreamd.__file__).parent
MODULES = sorted(ROOT.rglob("*.py"))
#: "About 300": a module that needs more is two.
LINES_MAX = 320

DOMAIN = {"domain"}
#: What the decisions, the ledger and the limits offer to those that move messages.
CORE = DOMAIN | {"policy", "ledger", "limits"}
#: package → the packages of ours that it may import besides itself. `*`: all of them.
MAY_IMPORT: dict[str, set[str]] = {
    "__init__": set(),
    "domain": set(),
    "policy": DOMAIN,
    "system": DOMAIN,
    "ledger": DOMAIN,
    "telegram": DOMAIN,
    # the circles that ids prove are judged by the same rule as those that Telegram shows
    "config": DOMAIN | {"policy"},
    "limits": DOMAIN | {"policy", "ledger"},
    "mirrors": CORE | {"config"},
    "ingest": CORE | {"mirrors"},
    "transfer": CORE | {"mirrors"},
    "delivery": CORE | {"mirrors", "transfer"},
    "control": CORE | {"mirrors", "config", "system"},
    "alerts": CORE | {"mirrors", "config", "system"},
    # it sees the connection and the ledger only through what it is handed
    "web": DOMAIN | {"system"},
    "app": {"*"},
    "cli": {"*"},
    "__main__": {"cli", "system", "config", "domain"},
}
#: What a verb must not reach for: it composes, it does not mirror.
NOT_FOR_CLI = {"ingest", "transfer", "delivery"}
#: Libraries that cost time or memory, each for those alone that use it.
HEAVY = {
    "telethon",
    "rich",
    "prompt_toolkit",
    "prometheus_client",
    "starlette",
    "uvicorn",
    "segno",
    # only whoever meets a CDN needs it (8 MB)
    "cryptography",
}
#: Libraries that one package alone may import.
ONLY = {
    "telethon": "telegram",
    "cryptography": "telegram",
    "sqlite3": "ledger",
    "sdnotify": "system",
    "starlette": "web",
    "uvicorn": "web",
    "prometheus_client": "web",
}


def package_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    """Everything that a module imports, as absolute names."""
    found: set[str] = set()
    package = ["tgstreamd", *path.relative_to(ROOT).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            base = base + node.module.split(".") if node.module else base
            found |= {".".join([*base, alias.name]) for alias in node.names}
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_the_right_way(path: Path) -> None:
    here = package_of(path)
    packages = {package_of(module) for module in MODULES}
    assert here in MAY_IMPORT, f"{here}: a new package; say in MAY_IMPORT what it may import"
    allowed = MAY_IMPORT[here]
    for name in imports(path):
        parts = name.split(".")
        if parts[0] == "tgstreamd":
            other = parts[1] if len(parts) > 1 and parts[1] in packages else "__init__"
            if other in {here, "__init__"}:
                continue
            assert "*" in allowed or other in allowed, f"{here} must not import {other}"
            assert here != "cli" or other not in NOT_FOR_CLI, f"cli must not import {other}"
        elif parts[0] in ONLY:
            assert here == ONLY[parts[0]], f"only {ONLY[parts[0]]} imports {parts[0]}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_stay_small_and_say_what_they_are(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= LINES_MAX
    doc = ast.get_docstring(ast.parse(text))
    assert doc, "no module docstring"
    assert len(doc.splitlines()) <= 9


@pytest.mark.parametrize(
    ("module", "loads"), [("tgstreamd.__main__", set()), ("tgstreamd.app.process", {"telethon"})]
)
def test_nothing_waits_for_what_it_does_not_need(module: str, loads: set[str]) -> None:
    """`status` need not wait for Telethon, nor does the daemon carry what only draws tables."""
    code = f"import sys, tgstreamd.__main__, {module}; print(*({HEAVY!r} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(ran.stdout.split()) == loads


def test_status_loads_nothing_that_it_does_not_show(tmp_path: Path) -> None:
    """Not only what it imports at its head: what it has loaded when it is done."""
    file = tmp_path / "config.toml"
    file.write_text(f'[state]\ndirectory = "{tmp_path}"\n')
    code = f"""import sys; from tgstreamd.__main__ import main
main(["status", "--config", {str(file)!r}]); print(*({HEAVY!r} & set(sys.modules)))"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == ""
