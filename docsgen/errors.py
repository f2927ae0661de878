"""Documents errors of the commands with their remedies, by running the real program for each case.

The cases need no Telegram. All run in one separate process, in a directory of its own, without the caller's
environment; the output is the line on standard error and the exit status.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import io
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec

from . import refusals

ROOT = Path(__file__).resolve().parent.parent

ACCOUNT = 'api_id = 12345\napi_hash = "0123456789abcdef0123456789abcdef"'
MIRROR = '[[mirror]]\nname = "main"\nsource = -1001234567890\ntarget = -1009876543210'


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One case: `file` is the whole configuration, None for none; `also` files beside it; `ledger`: an empty
    one."""

    command: str
    file: str | None = None
    also: tuple[str, ...] = ()
    environ: dict[str, str] = {}
    mode: int = 0o600
    ledger: bool = False


def _with(line: str, *, at: str = "mirror", more: str = "") -> str:
    """Return a configuration that is valid except for one line."""
    account = ACCOUNT + (f"\n{line}" if at == "telegram" else "")
    mirror = MIRROR + (f"\n{line}" if at == "mirror" else "")
    table = f"[{at}]\n{line}\n" if at not in ("mirror", "telegram") else ""
    return f"[telegram]\n{account}\n\n{mirror}\n{more}\n{table}"


GOOD = _with("")

CASES: dict[str, list[Case]] = {
    "The configuration": [
        Case(command="check"),
        Case(command="check", file="[telegram\n"),
        Case(command="run", file=GOOD, mode=0o644),
        Case(command="check", file=f"[telegram]\n{ACCOUNT}\n"),
        Case(command="check", file=f'[telegram]\napi_hash = "{"0" * 32}"\n\n{MIRROR}\n'),
        Case(command="check", file=_with("").replace("12345\n", '"12345"\n')),
        Case(command="check", file=_with("").replace("0123456789abcdef" * 2, "0123")),
        Case(command="check", file=_with('deltes = "keep"')),
        Case(command="check", file=_with('deletes = "miror"')),
        Case(command="check", file=_with('history = "yesterday"')),
        Case(command="check", file=_with("").replace("-1001234567890", "1234567890")),
        Case(command="check", file=_with("").replace("-1001234567890", '"t.me/c/1234567890/77"')),
        Case(command="check", file=_with("").replace("-1001234567890", "-1009876543210")),
        Case(command="check", file=_with("interval = 1", at="pace")),
        Case(command="check", file=_with('proxy = "localhost:1080"', at="telegram")),
        Case(command="check", file=_with('[[mirror.filter]]\nname = "empty"')),
        Case(command="check", file=_with('[[mirror.filter]]\nname = "ads"\nregex = "(a+)+$"')),
        Case(command="check", file=_with('header = "from {sorce}"')),
        Case(command="check", file=_with('directory = "state"', at="state")),
    ],
    "Logging in": [
        Case(command="login --bot-token 1:abc", file=GOOD),
        Case(command="login", file=GOOD, environ={"TG_SESSION": "1" + "A" * 351 + "="}),
        Case(command="check", file=GOOD, environ={"TG_SESSION": "abc"}),
        Case(command="check", file=GOOD),
    ],
    "Making a configuration": [
        Case(command="init", file=GOOD),
        Case(command="init"),
        Case(command="init --api-id 1 --api-hash 0123456789abcdef0123456789abcdef --source @a_source "
             "--target 5 --history all --order source --deletes keep --transfer stream --attribution none"),
    ],
    "A mirror that runs": [
        Case(command="parked", file=GOOD),
        Case(command="parked retry", file=GOOD),
        Case(command="parked retry 5", file=GOOD, ledger=True),
        Case(command="parked skip --all", file=GOOD),
        Case(command="pause other", file=GOOD, ledger=True),
        Case(command="resume other", file=GOOD, ledger=True),
        Case(command="verify other", file=GOOD, ledger=True),
        Case(command="resend other 812", file=GOOD, ledger=True),
        Case(command="resend main soon", file=GOOD),
        Case(command="rebuild other", file=GOOD),
        Case(command="plan other", file=GOOD),
        Case(command="alert", file=GOOD),
        Case(command="backup copy.db", file=GOOD),
        Case(command="backup there.db", file=GOOD, also=("there.db",)),
    ],
    "The command line": [
        Case(command="chek", file=GOOD),
        Case(command="config", file=GOOD),
        Case(command="config list", file=GOOD),
        Case(command="pause", file=GOOD),
        Case(command="status --jsn", file=GOOD),
    ],
}  # fmt: skip


def page() -> str:
    """Return docs/reference/errors.md."""
    told = list(_results())
    parts = [HEAD]
    for heading, cases in CASES.items():
        rows = ["| tried | it says | and what to do | exit |", "|---|---|---|---|"]
        for case in cases:
            status, what, hint = told.pop(0)
            cells = [f"`{case.command}`", _cell(what), _cell(hint), str(status)]
            rows.append(f"| {' | '.join(cells)} |")
        parts += [f"## {heading}", "\n".join(rows)]
    parts += ["## What Telegram says", SAID, refusals.table()]
    return "\n\n".join(parts) + "\n"


def _cell(text: str) -> str:
    """Escape the program's output for a table cell: nothing in it is Markdown but its own backticks."""
    return re.sub(r"([\\|<>\[\]{}*_])", r"\\\1", text) if "`" not in text else text.replace("|", "\\|")


HEAD = """\
# Errors

What the verbs say when something is wrong, tried with the real program when this page was made.
On the terminal each is one line, with what to do in brackets: `tgstreamd: my.toml: no such file (…)`.
What happens to messages stands in [Log events](events.md)."""


SAID = """\
By its own names, which stand in the log and beside parked messages.
One that is not here is shown as it is."""


@functools.cache
def _results() -> tuple[tuple[int, str, str], ...]:
    """Return each case's exit status, message and remedy, in order."""
    with tempfile.TemporaryDirectory(prefix="tgstreamd-") as folder:
        Path(folder).chmod(0o755)
        environ = {
            "PATH": os.environ.get("PATH", ""),
            "PYTHONPATH": str(ROOT),
            "HOME": folder,
            "COLUMNS": "100",
        }
        ran = subprocess.run(
            [sys.executable, "-m", "docsgen.errors"],
            cwd=folder,
            env=environ,
            check=True,
            stdout=subprocess.PIPE,
        )
        text = ran.stdout.decode().replace(folder, "/home/ana")
        return tuple((status, what, hint) for status, what, hint in json.loads(text))


def _try(case: Case) -> tuple[int, str, str]:
    """Run a case in this process, in a directory below the present one."""
    from tgstreamd.__main__ import parser
    from tgstreamd.domain.errors import TgstreamdError

    with tempfile.TemporaryDirectory(dir=".") as folder:
        before = os.getcwd()
        os.chdir(folder)
        os.chmod(".", 0o755)
        os.environ.update({"HOME": os.getcwd()} | case.environ)
        for name in case.also:
            Path(name).touch()
        if case.file is not None:
            Path("my.toml").write_text(case.file)
            Path("my.toml").chmod(case.mode)
        if case.ledger:
            state = Path(".local/state/tgstreamd")
            state.mkdir(parents=True)
            asyncio.run(_empty(state))
        said = io.StringIO()
        try:
            with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
                arguments = parser().parse_args([*shlex.split(case.command), "--config", "my.toml"])
                arguments.act(arguments)
        except TgstreamdError as error:
            own = f"/{Path(folder).name}"
            return error.exit_status, error.what.replace(own, ""), error.hint.replace(own, "")
        except SystemExit as error:  # raised for errors of the command line
            what, _, hint = said.getvalue().strip().removesuffix(")").rpartition(" (")
            return int(error.code or 0), what.removeprefix("tgstreamd: "), hint
        finally:
            os.chdir(before)
            for name in case.environ:
                del os.environ[name]
    raise LookupError(f"docsgen/errors.py: `{case.command}` was no error")


async def _empty(state: Path) -> None:
    """Create the ledger of a daemon that has mirrored nothing yet."""
    from tgstreamd.ledger import Store

    await (await Store.open(state / "ledger.db")).close()


if __name__ == "__main__":
    # Standard input is no terminal, and nobody answers prompts.
    sys.stdin = open(os.devnull)  # noqa: SIM115  # open for the life of the process
    print(json.dumps([_try(case) for cases in CASES.values() for case in cases]))
