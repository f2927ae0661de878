"""A daemon with four mirrors that show history, a file on its way, a pause, and parked posts.

Everything happens in the local Telegram; what a page shows of it is the daemon's own doing.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.process.program import Home, mirror
from tests.telegram.faults import Fault
from tests.telegram.server import TelegramServer
from tests.telegram.world.chats import Chat
from tests.telegram.world.peers import Account


@dataclass(frozen=True)
class Names:
    """What the mirrors, the chats and the file are called."""

    mirrors: tuple[str, str, str, str]
    titles: tuple[str, str, str, str]
    file: str


NICE = Names(
    mirrors=("news", "films", "garden", "team"),
    titles=("City News", "Film Club", "Garden & Balcony", "Team"),
    file="Metropolis (1927), restored.mp4",
)
#: What strangers call things: markup, scripts, a right-to-left override, no blank to break a line at.
HOSTILE = Names(
    mirrors=('<b onclick="x">"news"&amp;', "films' --></script>", "garden {{7*7}} ${7*7}", "T" * 64),
    titles=(
        "<img src=x onerror=\"document.title='owned'\">",
        '</script><script>document.title="owned"</script>',
        "\u202egarden \u0000\u001b[31m",
        "<svg/onload=document.title='owned'>" + "A" * 90,
    ),
    file='"><iframe src=javascript:parent.document.title=`owned`>.mp4',
)


@dataclass(frozen=True)
class Stage:
    """The chats that are written to from outside."""

    news: Chat
    other: Account
    tg: TelegramServer

    def say(self, text: str) -> None:
        """One more live post in the first source."""
        self.tg.world.chats.post(self.news, self.other, text)


def set_up(home: Home, tg: TelegramServer, me: Account, other: Account, names: Names, metrics: str) -> Stage:
    """Fill the chats and write the configuration; `metrics` is that table's text."""
    chats = tg.world.chats
    sources = [chats.add_supergroup(title, other, [me]) for title in names.titles]
    targets = [chats.add_supergroup(f"{title}, kept", me) for title in names.titles]
    news, films, garden, team = sources
    for number in range(90):
        chats.post(news, other, f"news {number}")
    chats.post(films, other, "soon")
    video = tg.world.media.document(60_000_000, name=names.file, mime_type="video/mp4")
    chats.post(films, other, "the film", media=video)
    for number in range(12):
        chats.post(garden, other, f"rose {number}")
    for number in range(6):
        chats.post(team, other, f"hello {number}")
    team.noforwards = True
    # Two posts that Telegram will have on no account: they are parked.
    tg.faults.add(
        Fault("messages.sendMessage", message="MESSAGE_STRANGE", peer=targets[2].marked_id, skip=4, times=2)
    )
    # The film must be on its way for as long as anybody looks.
    tg.network.upload = 250_000
    tables = [
        mirror(one.marked_id, copy.marked_id, name="NAME").replace('"NAME"', toml(name))
        for one, copy, name in zip(sources, targets, names.mirrors, strict=True)
    ]
    pace = "[pace]\ninterval = 0.4\naccount_interval = 0"
    home.write("\n".join(tables), more=f"{pace}\n[metrics]\n{metrics}\n")
    home.log_in(me)
    return Stage(news, other, tg)


def toml(text: str) -> str:
    """A basic string of TOML."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
