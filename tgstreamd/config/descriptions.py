"""Describes each key of the configuration; the only place that does.

The reference, tgstreamd.toml(5), the packaged example and the file that `init` writes take their texts from
here. Types and defaults are in the structs, not here. One sentence a line; values in backticks, as they are
written in the file.
"""

from __future__ import annotations

#: Descriptions of tables, by path in the file.
TABLES: dict[str, str] = {
    "telegram": "The account, and the way to Telegram.",
    "telegram.server": "A server instead of Telegram's: a test server, or one of your own.\n"
    "It wins over an address stored in a session.",
    "mirror": "One table for each mirror.\n"
    "A mirror is its source and target: renaming is free, another target is another mirror.\n"
    "One that is removed keeps its place, and goes on there when it is put back.",
    "mirror.filter": "As many tables as are wanted; every one has to let a post through.\n"
    "A filter matches where all that it sets applies, of a list any one; an album is judged as a whole.\n"
    "What one drops is skipped with the reason `filter NAME`.",
    "pace": "How fast messages are sent.",
    "stream": "The bounds of files under way.",
    "state": "Where the ledger lies.",
    "metrics": "Figures for Prometheus, and whether all is well, over HTTP; off unless an address is given.",
    "alerts": "Who is told when something needs a person: a message parked, a mirror that stands or lags, an "
    "account that is held, a disk almost full.\n"
    "Each thing is told once, once more a day while it lasts, and once when it is well again.\n"
    "The journal has it in any case.",
    "log": "What is logged, and how it looks.",
}

#: Descriptions of keys, by path in the file. The first sentence is used alone where there is room for one.
KEYS: dict[str, str] = {
    "telegram.api_id": "From <https://my.telegram.org> (API development tools).\n"
    "It identifies the program, not you.",
    "telegram.api_hash": "From the same place; keep it to yourself.",
    "telegram.session": "The session's file, in the state directory if the path is relative.\n"
    "Whoever has it is logged in.\n"
    "`tgstreamd login` writes it; `TG_SESSION` stands for a session string instead.",
    "telegram.proxy": "For example `socks5://user:password@host:port`; also `http://` and `socks4://`.",
    "telegram.server.dc_id": "The number of its data centre.",
    "telegram.server.address": "Its address: IPv4, IPv6 or a host name.",
    "telegram.server.port": "Its port.",
    "telegram.server.public_key": "Its RSA public key, a PKCS#1 PEM file; the path is relative to the "
    "configuration.",
    "mirror.name": "A label, for `tgstreamd pause NAME` and the journal.",
    "mirror.source": "The chat that is read: an id as `tgstreamd chats` lists it, an @username or a t.me link.",
    "mirror.target": "The chat that is written, in the same words.",
    "mirror.source_topic": "One topic of the source instead of the whole chat; 1 is General.",
    "mirror.target_topic": "One topic of the target instead of the whole chat.",
    "mirror.history": "Where to begin: `\"all\"`, `\"none\"` (new posts only), a first message id, a date "
    "(`2024-01-31`) or an age (`\"90d\"`).\n"
    "It counts when the mirror is first started; a later change does nothing.",
    "mirror.order": "`\"live-first\"`: new posts overtake a history that still takes more than 15 minutes.\n"
    "`\"source\"`: strictly in the order of the source; new posts wait for the whole history.",
    "mirror.delay": "Seconds after a post's date before it is copied.\n"
    "Deleted within them, it is skipped; edited within them, it goes out edited.",
    "mirror.attribution": "A line with who wrote it: `\"none\"`, `\"author\"`, or `\"author-link\"` with a "
    "link to the original.\n"
    "One line speaks for all posts of one author that are no more than five minutes apart.",
    "mirror.dates": "The original date (UTC) in that line: `\"never\"`, `\"backlog\"` or `\"always\"`.",
    "mirror.edits": "Whether edits change the copies.",
    "mirror.deletes": "`\"keep\"`: what the source deletes stays in the target.\n"
    "`\"mirror\"`: it is deleted there too; mass deletions are held until `tgstreamd resume`.",
    "mirror.pins": "Whether pins are copied.",
    "mirror.transfer": "`\"stream\"`: every file is downloaded and uploaded: an independent copy, slower, "
    "counts against the upload limits of the account.\n"
    "`\"reference\"`: Telegram copies by itself where it allows it, streamed otherwise.\n"
    "`\"reference-only\"`: no byte is moved; what cannot be copied so is noted.",
    "mirror.unsupported": "What cannot be copied leaves a short `\"note\"` in its place, or nothing: `\"skip\"`.",
    "mirror.topic_names": "From a forum into a chat without topics: whether a line names the topic.",
    "mirror.chat": "Whether title, photo and description of the target follow the source's.",
    "mirror.filter": "Which posts are copied: tables `[[mirror.filter]]`.",
    "mirror.replace": "Whole words and beginnings of links, and what stands for them in the copies, in texts "
    "and under links: `{ \"old name\" = \"new name\" }`.\n"
    "Upper and lower case are alike.",
    "mirror.header": "A line above every copy that carries words; it may hold `{source}`, `{author}`, "
    "`{date}` and `{link}`.",
    "mirror.footer": "The same below it.",
    "mirror.drop_captions": "`true`: media without the words below it.",
    "mirror.filter.name": "A label, which `status` shows beside what was skipped.",
    "mirror.filter.action": "`\"drop\"`: what matches is not copied.\n"
    "`\"keep\"`: only what matches is copied.",
    "mirror.filter.kinds": "Kinds of post, `\"text\"` among them.",
    "mirror.filter.larger_than": "Its largest file, in bytes or like `\"500 MB\"`.",
    "mirror.filter.smaller_than": "The same the other way.",
    "mirror.filter.text": "Words or phrases, upper and lower case alike.",
    "mirror.filter.regex": "A regular expression as in Python, looked for in the first 8,192 characters.\n"
    "It cannot stall: one that takes too long on a post parks that post, and one that always does is refused.",
    "mirror.filter.author": "Ids, @usernames, or names as they are shown.",
    "mirror.filter.topic": "Topics of the source; 1 is General.",
    "pace.interval": "Seconds between two messages to one target; an album of N counts N.\n"
    "Less than 3.5 is refused: Telegram blocks accounts that post faster.",
    "pace.account_interval": "Seconds between any two messages of the account; 0 switches it off.",
    "stream.buffer_parts": "Parts of 512 KiB in memory at most, whatever the size of a file.\n"
    "More than the default needs a higher `MemoryMax=` of the service (`systemctl edit tgstreamd`).",
    "stream.parallel_uploads": "Parts that are being uploaded at once.",
    "stream.connections": "Connections for files, to each side.\n"
    "0: as many as Telegram's own clients make, which is what an account is not slowed down for: "
    "2 to download and 4 to upload, 8 and 8 with Premium.",
    "state.directory": "Ledger, session and lock.",
    "log.level": "What is less than this is not logged.",
    "log.format": "`\"auto\"`: the journal under systemd, the console on a terminal; `\"json\"` for machines.",
    "alerts.heartbeat_url": "An address that is fetched once a minute while every mirror is caught up or gets on, "
    "and not otherwise: the monitor there tells you when that stops.\n"
    "It is a secret; `https` if the monitor has it.",
    "alerts.command": "A program and its arguments, run with each alert as one JSON object on its standard "
    "input, for at most 45 s, without a shell: "
    "`[\"/usr/bin/curl\", \"-fsS\", \"--data-binary\", \"@-\", \"https://ntfy.example.org/topic\"]`.\n"
    "It runs in the sandbox of the service.",
    "alerts.chat": "`\"me\"` (Saved Messages) or a chat of its own: a message by the account itself, at the pace.\n"
    "Never the only way, since the account may be what died.",
    "alerts.lag": "Seconds by which the oldest post that waits may be late before that is told; also how long a "
    "mirror that you paused may stand before you are reminded.",
    "alerts.stall": "Seconds in which a mirror with something to do must get on; else the heartbeat stops.",
    "alerts.free_mb": "Megabytes that must be free where the ledger lies.",
    "metrics.listen": "An address and a port, `\"127.0.0.1:9187\"` or `\"[::1]:9187\"`, where `/metrics` "
    "(Prometheus) and `/healthz` answer; empty: nothing listens.\n"
    "Whoever reaches the address can read them.\n"
    "A port outside 9187-9196 must be let through systemd's filter: `systemctl edit tgstreamd`, `[Service]`, "
    "`SocketBindAllow=tcp:PORT`.",
    "metrics.page": "A status page at `/` too, with the titles of chats and the names of files on their way.",
    "metrics.hosts": "Names by which a browser or Prometheus may ask, besides addresses and localhost.",
}  # fmt: skip
