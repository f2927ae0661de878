"""Adapts argparse: an error is one line with its remedy, and help keeps its examples.

Everything else is argparse's. Subcommands get this parser from `add_subparsers` by default.
"""

from __future__ import annotations

import argparse
import difflib
import re
from typing import Any, NoReturn

from ..domain.escaping import escape_text


class Parser(argparse.ArgumentParser):
    """An ArgumentParser that accepts no abbreviated options."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("formatter_class", _Help)
        super().__init__(**options, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        """Print one line on standard error and exit with status 2."""
        self.exit(
            2, f"{self.prog}: {escape_text(_reword(message))} (`{self.prog} --help` shows what there is)\n"
        )


class _Help(argparse.RawDescriptionHelpFormatter):
    """Prints examples as they are written; wraps descriptions and option help."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=30)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if "\n" in text:
            return super()._fill_text(text, width, indent)
        return argparse.HelpFormatter._fill_text(self, text, width, indent)


def _reword(message: str) -> str:
    """Reword argparse's messages where users could misunderstand them."""
    if wrong := re.fullmatch(r"argument (\S+): invalid choice: '(.*)' \(choose from (.*)\)", message):
        choices = re.findall(r"[\w-]+", wrong[3])
        near = difflib.get_close_matches(wrong[2], choices, n=1)
        meant = f'did you mean "{near[0]}"?' if near else f"there is {', '.join(choices)}"
        return f'{wrong[1]}: "{wrong[2]}" is none; {meant}'
    if wrong := re.fullmatch(r"argument (\S+): invalid int value: '(.*)'", message):
        return f'{wrong[1]}: "{wrong[2]}" is no whole number'
    return message.replace("the following arguments are required:", "missing:")
