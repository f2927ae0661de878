"""Whatever other people write, a terminal shows it as words: through the real verbs, into a pipe and a pty.

Titles, topics, names of people and files, texts, Telegram's own errors, a hint and a code's beginning hold
what a terminal obeys, what rich takes for markup, and lines that would pass for ours.
"""

from __future__ import annotations

import asyncio
import json
import re
import signal
from typing import Any

import pytest

from tests.fakes import HANG
from tests.running import until
from tests.telegram.codes import Sent
from tests.telegram.dispatch import Call
from tests.telegram.faults import Fault
from tests.telegram.server import TelegramServer
from tests.telegram.world.chats import Chat
from tests.telegram.world.peers import Account
from tgstreamd.control import control_socket

from .program import Home, mirror
from .screen import ENTER, INTERRUPT, on_terminal

pytestmark = pytest.mark.thorough

#: Markup, a colour that blinks, a jump of the cursor, a link, the window's title, C1, bells, turned
#: directions, and ends of a line of every kind, each with a line that looks like one of ours.
HOSTILE = (
    "[red]R[/red] \x1b[5;41mB\x1b[13;37H \x1b]8;;https://evil.example\x1b\\L\x1b]8;;\x1b\\ \x1b]0;owned\x07"
    "\x9b5m\x9d\x7f\x08\u202eexe\u2066\u2069\u200e\u200f\u061c"
    "\nFORGED\rFORGED\u2028FORGED\u2029FORGED\x85FORGED\x0bFORGED\x0cFORGED"
)
#: What we draw with ourselves: colours, lines and screens cleared, the cursor moved to where we were.
OURS = re.compile(r"\x1b\[(?!5;41m|13;37H)[0-?]*[ -/]*[@-~]|\x1b[=>78]|\x1b\[\?[0-9;]*[hl]")


def refused(said: str) -> list[str]:
    """What of it a terminal would obey, or a person take for a line of ours."""
    left = OURS.sub("", said.replace("\r\n", "\n").replace("\r", ""))
    obeyed = {repr(c) for c in left if not c.isprintable() and c != "\n"}
    return [*sorted(obeyed), *(line for line in left.split("\n") if line.startswith("FORGED"))]


@pytest.fixture
def hostile(tg: TelegramServer, me: Account, other: Account, source: Chat, target: Chat) -> None:
    make = tg.world.media
    source.title, target.title = f"Source {HOSTILE}", f"Target {HOSTILE}"
    me.first_name, other.first_name = f"Mia {HOSTILE}", f"Otto {HOSTILE}"
    forum = tg.world.chats.add_supergroup(f"Forum {HOSTILE}", me, forum=True)
    tg.world.chats.add_topic(forum, me, f"Topic {HOSTILE}")
    tg.world.chats.post(source, other, f"text {HOSTILE}")
    tg.world.chats.post(source, other, f"refused {HOSTILE}")
    tg.world.chats.post(source, other, "", media=make.document(900, name=f"file {HOSTILE}"))

    def chosen(call: Call, request: Any) -> bool:
        return str(getattr(request, "message", "")).startswith("refused")

    tg.faults.add(Fault("messages.sendMessage", code=400, message=f"ODD_{HOSTILE}", when=chosen, times=None))


@pytest.mark.usefixtures("hostile")
async def test_the_verbs(home: Home, me: Account, source: Chat, target: Chat) -> None:
    home.write(
        mirror(source.marked_id, target.marked_id, more='attribution = "author"'),
        more="[pace]\ninterval = 0.0\naccount_interval = 0.0",
    )
    home.log_in(me)

    async def parked() -> bool | None:
        seen = await asyncio.to_thread(control_socket.ask, home.state / "control.sock", {"verb": "status"})
        return (seen["mirrors"][0]["parked"] == 1 and not seen["mirrors"][0]["backlog"]) or None

    said: dict[str, str] = {}

    async def hear(*verb: str) -> None:
        done = await home.tgstreamd(*verb)
        said[f"{verb} in a pipe"] = done.out + done.err
        async with on_terminal(home, *verb, columns=400) as screen:
            await screen.ended()
            said[f"{verb} on a terminal"] = screen.raw

    await hear("check")
    await hear("chats")
    await hear("plan")
    async with home.daemon():
        await until(parked, within=HANG)
        for verb in ("chats", "check", "plan", "status", "parked"):
            await hear(verb)
        async with on_terminal(home, "status", "--watch", columns=100) as screen:
            await screen.until("Source")
            screen.process.send_signal(signal.SIGINT)
            await screen.ended()
            said["watched"] = screen.raw
        await hear("verify", "main")
        await hear("resend", "main", "3")
        await hear("pause", f"main{HOSTILE.replace(chr(0), '')}")
        await hear("pause", "main")
        await hear("parked", HOSTILE)
        chats = {chat["id"]: chat for chat in (await home.json("chats"))["chats"]}
        jobs = (await home.json("parked"))["parked"]
        status = await home.json("status")
    await hear("status")
    await hear("parked")
    await hear("resume", "main")
    said["the log"] = home.log
    assert {name: found for name, text in said.items() if (found := refused(text))} == {}
    for name in ("('chats',) in a pipe", "('chats',) on a terminal", "('status',) in a pipe"):
        assert "[red]R[/red]" in said[name], name
    # A program gets every character.
    assert chats[source.marked_id]["title"] == source.title
    topics = [topic["title"] for chat in chats.values() for topic in chat["topics"]]
    assert f"Topic {HOSTILE}" in topics
    assert [job["text"] for job in jobs] == [f"refused {HOSTILE}"]
    assert HOSTILE.upper() in jobs[0]["reason"]  # as Telegram writes the names of its errors
    assert status["mirrors"][0]["source_title"] == source.title


async def test_a_title_that_the_terminal_has_no_characters_for(
    home: Home, me: Account, source: Chat, target: Chat
) -> None:
    """It is shown by numbers, where it would otherwise end the verb with a traceback."""
    source.title = "日本 🚀"
    home.write(mirror(source.marked_id, target.marked_id))
    home.log_in(me)
    home.environ["PYTHONIOENCODING"] = "latin-1"
    for verb in ("chats", "check", "plan"):
        done = await home.tgstreamd(verb)
        assert (done.status, done.err) == (0, ""), done
        assert (r"\u65e5\u672c \U0001f680" in done.out) is (verb != "plan")
    async with on_terminal(home, "chats") as screen:
        assert await screen.ended() == 0


@pytest.mark.usefixtures("hostile")
async def test_what_is_asked(home: Home, tg: TelegramServer, me: Account, source: Chat) -> None:
    """A login with codes of every kind, and `init`, whose lists prompt_toolkit draws."""
    home.write("")
    kinds = ("word", "phrase", "email", "flashcall", "missed")
    tg.logins.ways["10000000001"] = [
        *(Sent(kind, hint=f"{kind} {HOSTILE}") for kind in kinds),
        Sent("sms", then=""),
    ]
    typed = "\n" * len(kinds) + f"{me.code}\n"
    done = await home.tgstreamd("login", "--phone", "+10000000001", typed=typed)
    assert done.status == 0, done
    assert {name: found for name in ("out", "err") if (found := refused(getattr(done, name)))} == {}
    assert "logged in as Mia" in done.out
    again = await home.tgstreamd("login")
    assert refused(again.out) == []
    more = ["init", "--force", "--login", "later", "--source", str(source.marked_id)]
    async with on_terminal(home, *more, columns=160) as screen:
        await screen.until("target: the chat that is written")
        await screen.until("Forum")
        screen.press(f"Forum{ENTER}")
        await screen.until("target: which topic")
        await screen.until("Topic")
        screen.press(INTERRUPT)
        await screen.ended()
        assert refused(screen.raw) == []
    assert json.dumps(HOSTILE) not in done.out
