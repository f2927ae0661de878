"""`tgstreamd pause` and `resume`: pauses a mirror, or removes one cause that pauses it."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from ..control import commands
from ..domain.clock import SystemClock
from . import context
from .output.terminal import say

PAUSE_EXAMPLE = """\
examples:
  tgstreamd pause main     also one that has not begun yet: it then begins paused
  tgstreamd status         what waits meanwhile: new posts are still read and kept"""
RESUME_EXAMPLE = """\
examples:
  tgstreamd resume main    goes on; once more where it says that something still waits
  tgstreamd status         why a mirror is paused"""


def add(verbs_of: Any) -> list[ArgumentParser]:
    pause: ArgumentParser = verbs_of.add_parser(
        "pause",
        help="send nothing for one mirror until `resume`",
        description="Sends nothing for one mirror until `resume`, whatever restarts in between. "
        "The source is still read, so nothing is lost.",
        epilog=PAUSE_EXAMPLE,
    )
    pause.add_argument("mirror", metavar="MIRROR", help="its name in the configuration")
    pause.set_defaults(act=act_pause)
    resume: ArgumentParser = verbs_of.add_parser(
        "resume",
        help="release one thing that keeps a mirror, and say what still waits",
        description="Releases one thing a call, in this order, and names it: a pause, a start in waiting "
        "(a long backlog, copies that the ledger does not know), deletions held back.",
        epilog=RESUME_EXAMPLE,
    )
    resume.add_argument("mirror", metavar="MIRROR", help="its name in the configuration")
    resume.set_defaults(act=act_resume)
    return [pause, resume]


def act_pause(arguments: Namespace) -> int:
    name = arguments.mirror
    answer = context.on_ledger(
        arguments,
        "pause",
        {"verb": "pause", "mirror": name},
        lambda store: commands.pause(store, name, context.mirror_names(arguments)),
    )
    if not answer["changed"]:
        say(f"{name}: was paused already; `tgstreamd resume {name}` goes on")
    elif answer["begun"]:
        say(f"{name}: paused: nothing is sent until `tgstreamd resume {name}`")
    else:
        say(f"{name}: has not begun yet, and will begin paused; `tgstreamd resume {name}` takes that back")
    return 0


def act_resume(arguments: Namespace) -> int:
    name, now = arguments.mirror, SystemClock().now()
    answer = context.on_ledger(
        arguments,
        "resume",
        {"verb": "resume", "mirror": name},
        lambda store: commands.resume(store, name, context.mirror_names(arguments), now),
    )
    if answer["released"]:
        say(f"{name}: released: {answer['released']}")
    elif not answer["waiting"]:
        say(f"{name}: nothing kept it")
    if not answer["begun"]:
        say(f"{name}: has not begun yet: `tgstreamd status` says why")
    for reason in answer["waiting"]:
        say(f"{name}: still waits: {reason}")
    return 0
