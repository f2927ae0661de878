"""The configuration file that `init` writes: every value by tomli-w, every key explained by a comment.

Pure: answers in, text out. What has consequences is always written out, never left to a default.
"""

from __future__ import annotations

import msgspec
import tomli_w


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    """What `init` asked for. `costs` are sentences for the comments, by key."""

    api_id: int
    api_hash: str
    name: str = "main"
    source: int | str
    target: int | str
    source_topic: int | None = None
    target_topic: int | None = None
    history: str = "all"
    order: str = "live-first"
    deletes: str = "keep"
    transfer: str = "reference"
    attribution: str = "none"
    source_title: str = ""
    target_title: str = ""
    costs: dict[str, str] = {}
    proxy: str = ""
    #: [telegram.server] as it stood in a file that is replaced, or as flags gave it.
    server: dict[str, int | str] | None = None
    directory: str = ""


def render(answers: Answers) -> str:
    """The whole file."""
    parts = [
        "# tgstreamd. `tgstreamd check` says whether a start would succeed with this file.",
        "",
        "[telegram]",
        "# From https://my.telegram.org (API development tools). They identify the program, not you;",
        "# still, keep the hash to yourself.",
        _value("api_id", answers.api_id),
        _value("api_hash", answers.api_hash),
        '# session = "session"        # a file in the state directory; whoever has it is logged in',
    ]
    if answers.proxy:
        parts.append(_value("proxy", answers.proxy))
    else:
        parts.append('# proxy = "socks5://user:password@host:port"    # or http://, socks4://')
    if answers.server:
        parts += ["", "# A server instead of Telegram's.", "[telegram.server]"]
        parts += [_value(key, value) for key, value in answers.server.items()]
    parts += ["", "[[mirror]]", "# A label of your choice; `tgstreamd pause NAME` uses it."]
    parts += [_value("name", answers.name)]
    parts += ["# Ids as `tgstreamd chats` lists them, @usernames or t.me links."]
    parts += [_value("source", answers.source, answers.source_title)]
    parts += [_value("target", answers.target, answers.target_title)]
    for key, topic in (("source_topic", answers.source_topic), ("target_topic", answers.target_topic)):
        whole = f"# {key} = 123        # one topic instead of the whole chat"
        parts.append(whole if topic is None else _value(key, topic))
    for key, explanation in CHOICES.items():
        parts += ["", *(f"# {line}" for line in explanation)]
        if cost := answers.costs.get(key):
            parts.append(f"# On this chat: {cost}")
        parts.append(_value(key, getattr(answers, key)))
    parts += [
        "",
        "# A post is copied no earlier than so many seconds after its date: deleted within them, it is",
        "# skipped; edited within them, it goes out edited.",
        "# delay = 0",
        '# dates = "never"            # or "backlog", "always": the original date (UTC) in that line',
        "# edits = true               # edits of the source change the copies",
        "# pins = true                # pins are copied",
        "# topic_names = true         # a forum into a chat without topics: a line names the topic",
        "# chat = false               # true: title, photo and description follow the source's",
        '# unsupported = "note"       # what cannot be copied leaves a short note in its place, or "skip"',
        *CHANGES,
        "",
        "[pace]",
        "# Seconds between messages to one target. Telegram blocks accounts that post faster than this.",
        "# interval = 3.5",
        "# account_interval = 1.0     # between any two messages of the account",
        "",
        "[stream]",
        "# buffer_parts = 20          # parts of 512 KiB in memory at most",
        "# parallel_uploads = 10",
        "",
        "[state]",
        _value("directory", answers.directory)
        if answers.directory
        else '# directory = "/var/lib/tgstreamd"    # default: what systemd says, or this',
        "",
        "[log]",
        '# level = "info"',
        '# format = "auto"            # "journal" under systemd, "console" on a terminal, or "json"',
    ]
    return "\n".join(parts) + "\n"


#: What may be changed in copies, and what may be left out. Off unless it is written.
CHANGES = [
    "# Lines around every copy that carries words; they may hold {source}, {author}, {date} and {link}.",
    '# header = ""',
    '# footer = ""',
    "# drop_captions = false      # true: media without the words below it",
    "#",
    "# Whole words and beginnings of links, upper and lower case alike, in texts and under links:",
    "# [mirror.replace]",
    '# "old name" = "new name"',
    '# "https://old.example/" = "https://new.example/"',
    "#",
    "# Filters, as many as are wanted: every one has to let a post through. It matches where all that is",
    "# set applies, of a list any one; an album is judged as a whole. `status` counts what is dropped as",
    "# skipped. Kinds are text, photo, video, round, gif, audio, voice, sticker, file, poll, geo, contact, …",
    "# [[mirror.filter]]",
    '# name = "no large files"',
    '# action = "drop"            # or "keep": only what matches is copied',
    '# kinds = ["file", "video"]',
    '# larger_than = "500 MB"     # or smaller_than',
    '# text = ["buy now", "#ad"]  # upper and lower case alike',
    "# regex = '(?i)\\bsale\\b'     # as in Python, without look-around and back-references",
    '# author = ["Ana", "@bot", 123456789]',
    "# topic = [1]                # of the source; 1 is General",
]

#: What has consequences, and which.
CHOICES: dict[str, list[str]] = {
    "history": [
        '"all", "none" (new posts only), a first message id, a date (2024-01-31) or an age ("90d").',
        "It counts when the mirror is first started; a later change does nothing.",
    ],
    "order": [
        '"live-first": new posts overtake a history that still takes more than 15 minutes.',
        '"source": strictly in the order of the source; new posts wait for the whole history.',
    ],
    "deletes": [
        '"keep": what is deleted in the source stays in the target.',
        '"mirror": it is deleted there too; mass deletions are held until `tgstreamd resume`.',
    ],
    "transfer": [
        '"stream": every file is downloaded and uploaded: an independent copy, slower, counts against the',
        'upload limits of the account. "reference": Telegram copies by itself where it allows it, streams',
        'otherwise. "reference-only": no byte is moved; what cannot be copied so is noted.',
    ],
    "attribution": [
        '"none", "author" (a line with who wrote it) or "author-link" (with a link to the original).',
        "One line speaks for all posts of one author that are no more than five minutes apart.",
    ],
}


def _value(key: str, value: int | str, comment: str = "") -> str:
    line = tomli_w.dumps({key: value}).strip()
    plain = "".join(character for character in comment if character.isprintable())
    return f"{line}        # {plain}" if plain else line
