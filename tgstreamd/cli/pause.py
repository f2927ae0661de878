"""`tgstreamd pause` and `resume`: one mirror stops sending, or one thing that keeps it is released."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from ..clock import SystemClock
from ..desk import verbs
from . import compose


def add(verbs_of: Any) -> list[ArgumentParser]:
    pause: ArgumentParser = verbs_of.add_parser("pause", help="send nothing for one mirror until `resume`")
    pause.add_argument("mirror", metavar="MIRROR")
    pause.set_defaults(act=act_pause)
    resume: ArgumentParser = verbs_of.add_parser(
        "resume", help="release one thing that keeps a mirror, and say what still waits"
    )
    resume.add_argument("mirror", metavar="MIRROR")
    resume.set_defaults(act=act_resume)
    return [pause, resume]


def act_pause(arguments: Namespace) -> int:
    name = arguments.mirror
    request = {"verb": "pause", "mirror": name}
    answer = compose.on_ledger(arguments, "pause", request, lambda store: verbs.pause(store, name))
    print(f"{name}: paused" if answer["changed"] else f"{name}: was paused already")
    return 0


def act_resume(arguments: Namespace) -> int:
    name, now = arguments.mirror, SystemClock().now()
    request = {"verb": "resume", "mirror": name}
    answer = compose.on_ledger(arguments, "resume", request, lambda store: verbs.resume(store, name, now))
    if answer["released"]:
        print(f"{name}: released: {answer['released']}")
    elif not answer["waiting"]:
        print(f"{name}: nothing kept it")
    for reason in answer["waiting"]:
        print(f"{name}: still waits: {reason}")
    return 0
