"""Describes each key of the configuration; the only place that does.

The reference, tgstreamd.toml(5), the packaged example and the file that `init` writes take their texts from
here. Types and defaults are in the structs, not here. One sentence a line; values in backticks, as they are
written in the file.
"""

from __future__ import annotations

#: Descriptions of tables, by path in the file.
TABLES: dict[str, str] = {
    "telegram": "The account, and the connection to Telegram.",
    "telegram.server": "A server instead of Telegram's: a test server, or one of your own.\n"
    "It takes precedence over an address stored in a session.",
    "mirror": "One table for each mirror.\n"
    "Its source and target identify a mirror: it can be renamed, but with another target it is another mirror.\n"
    "One that is removed keeps its position, and continues there when it is added again.",
    "mirror.filter": "Any number of tables; a post is copied only if every filter lets it through.\n"
    "A filter matches if all of its conditions are met, a list by any of its values; an album is judged as a whole.\n"
    "A dropped post is skipped with the reason `filter NAME`.",
    "pace": "The least time between messages.",
    "stream": "The limits of file transfers.",
    "state": "The directory of the ledger.",
    "metrics": "Metrics for Prometheus and a health check, over HTTP; off unless an address is given.",
    "alerts": "Notifications of what needs a person: a parked message, a mirror that is paused or lags, an account that "
    "Telegram limits, a disk almost full.\n"
    "Each is sent once, then once a day while it lasts, and once when it is resolved.\n"
    "The journal has them in any case.",
    "log": "The level and the format of the log.",
}

#: Descriptions of keys, by path in the file. The first sentence is used alone where there is room for one.
KEYS: dict[str, str] = {
    "telegram.api_id": "From <https://my.telegram.org> (API development tools).\n"
    "It identifies the program, not you.",
    "telegram.api_hash": "From the same page; keep it secret.",
    "telegram.session": "The session's file, in the state directory if the path is relative.\n"
    "Anybody who has this file is logged in.\n"
    "`tgstreamd login` writes it; `TG_SESSION` gives a session string instead.",
    "telegram.proxy": "For example `socks5://user:password@host:port`; also `http://` and `socks4://`.",
    "telegram.server.dc_id": "The number of its data centre.",
    "telegram.server.address": "Its address: IPv4, IPv6 or a host name.",
    "telegram.server.port": "Its port.",
    "telegram.server.public_key": "Its RSA public key, a PKCS#1 PEM file; the path is relative to the "
    "configuration.",
    "mirror.name": "A label, for `tgstreamd pause NAME` and the journal.",
    "mirror.source": "The chat that is read: an id as `tgstreamd chats` lists it, an @username or a t.me link.",
    "mirror.target": "The chat that is written to, in the same notation.",
    "mirror.source_topic": "One topic of the source instead of the whole chat; 1 is General.",
    "mirror.target_topic": "One topic of the target instead of the whole chat.",
    "mirror.history": "The beginning: `\"all\"`, `\"none\"` (new posts only), a first message id, a date "
    "(`2024-01-31`) or an age (`\"90d\"`).\n"
    "It counts when the mirror is first started; a later change has no effect.",
    "mirror.order": "`\"live-first\"`: new posts overtake a history that still takes more than 15 minutes.\n"
    "`\"source\"`: strictly in the order of the source; new posts wait for the whole history.",
    "mirror.delay": "Seconds after a post's date before it is copied.\n"
    "A post deleted within this time is skipped; one edited within it is copied as edited.",
    "mirror.attribution": "A line that names the author: `\"none\"`, `\"author\"`, or `\"author-link\"` with a "
    "link to the original.\n"
    "One line covers all posts of one author that are at most five minutes apart.",
    "mirror.dates": "The original date (UTC) in that line: `\"never\"`, `\"backlog\"` or `\"always\"`.",
    "mirror.edits": "Whether edits change the copies.",
    "mirror.deletes": "`\"keep\"`: messages deleted in the source stay in the target.\n"
    "`\"mirror\"`: they are deleted there too; mass deletions are held until `tgstreamd resume`.",
    "mirror.pins": "Whether pins are copied.",
    "mirror.transfer": "`\"stream\"`: every file is downloaded and uploaded: an independent copy, slower, "
    "counts against the upload limits of the account.\n"
    "`\"reference\"`: Telegram copies the file where it allows that; otherwise it is streamed.\n"
    "`\"reference-only\"`: nothing is streamed; a file that Telegram does not copy leaves a note.",
    "mirror.unsupported": "Content that cannot be copied leaves a short `\"note\"` in its place, or nothing: `\"skip\"`.",
    "mirror.topic_names": "From a forum into a chat without topics: whether a line names the topic.",
    "mirror.chat": "Whether title, photo and description of the target follow the source's.",
    "mirror.filter": "Conditions for the posts that are copied: tables `[[mirror.filter]]`.",
    "mirror.replace": "Whole words and beginnings of links, with their replacements in the copies, in texts "
    "and in link addresses: `{ \"old name\" = \"new name\" }`.\n"
    "Case does not count.",
    "mirror.header": "A line above every copy that can have text; it may contain `{source}`, `{author}`, "
    "`{date}` and `{link}`.",
    "mirror.footer": "A line below it, in the same way.",
    "mirror.drop_captions": "`true`: media are copied without their captions.",
    "mirror.filter.name": "A label, which `status` shows with the number of skipped posts.",
    "mirror.filter.action": "`\"drop\"`: matching posts are not copied.\n"
    "`\"keep\"`: only matching posts are copied.",
    "mirror.filter.kinds": "Kinds of post, `\"text\"` among them.",
    "mirror.filter.larger_than": "A file larger than this, in bytes or like `\"500 MB\"`; of several, the largest counts.",
    "mirror.filter.smaller_than": "A file smaller than this, in the same way.",
    "mirror.filter.text": "Words or phrases; case does not count.",
    "mirror.filter.regex": "A regular expression as in Python, searched for in the first 8,192 characters.\n"
    "It cannot stall a mirror: one that takes too long on a post parks that post, and one that always does is refused.",
    "mirror.filter.author": "Ids, @usernames, or display names.",
    "mirror.filter.topic": "Topics of the source; 1 is General.",
    "pace.interval": "Seconds between two messages to one target; an album of N counts N.\n"
    "Less than 3.5 is refused: Telegram blocks accounts that post faster.",
    "pace.account_interval": "Seconds between any two messages of the account; 0 switches it off.",
    "stream.buffer_parts": "Parts of 512 KiB in memory at most, whatever the size of a file.\n"
    "More than the default needs a higher `MemoryMax=` of the service (`systemctl edit tgstreamd`).",
    "stream.parallel_uploads": "Parts that are uploaded at the same time.",
    "stream.connections": "Connections for files, in each direction.\n"
    "0: as many as Telegram's own clients make, for which Telegram does not slow an account down: "
    "2 to download and 4 to upload, 8 and 8 with Premium.",
    "state.directory": "The directory of ledger, session and lock.",
    "log.level": "The least level that is logged.",
    "log.format": "`\"auto\"`: the journal under systemd, the console on a terminal; `\"json\"` for machines.",
    "alerts.heartbeat_url": "An address that is fetched once a minute while every mirror is caught up or makes progress, "
    "and only then: the monitor there notifies you when that stops.\n"
    "It is a secret; `https` if the monitor has it.",
    "alerts.command": "A program and its arguments, run with each alert as one JSON object on its standard "
    "input, for at most 45 s, without a shell: "
    "`[\"/usr/bin/curl\", \"-fsS\", \"--data-binary\", \"@-\", \"https://ntfy.example.org/topic\"]`.\n"
    "It runs in the sandbox of the service.",
    "alerts.chat": "`\"me\"` (Saved Messages) or a separate chat: a message by the account itself, at the pace.\n"
    "It must not be the only channel, since the account itself may fail.",
    "alerts.lag": "Seconds by which the oldest waiting post may be late before an alert; also how long a mirror may be "
    "paused by you before you are reminded.",
    "alerts.stall": "Seconds within which a mirror with work must make progress; otherwise the heartbeat stops.",
    "alerts.free_mb": "Megabytes that must be free in the ledger's file system.",
    "metrics.listen": "An address and a port, `\"127.0.0.1:9187\"` or `\"[::1]:9187\"`, where `/metrics` "
    "(Prometheus) and `/healthz` answer; empty: no port is opened.\n"
    "Anybody who reaches the address can read them.\n"
    "A port outside 9187-9196 must be allowed in systemd's filter: `systemctl edit tgstreamd`, `[Service]`, "
    "`SocketBindAllow=tcp:PORT`.",
    "metrics.page": "A status page at `/`, too, with the titles of chats and the names of files in transfer.",
    "metrics.hosts": "Host names accepted in requests of a browser or Prometheus, besides addresses and localhost.",
}  # fmt: skip
