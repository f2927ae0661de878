"""Explains warnings and errors of the log that are not in journald's catalogue, with what to do.

Keys are events as they are logged; texts are Markdown, one sentence a line.
"""

from __future__ import annotations

NOTHING = "Nothing to do."

MEANS: dict[str, str] = {
    "account is frozen: appeal in the app; nothing is read": "Telegram has frozen the account; only an appeal in "
    "the app can change that.\nThe daemon stays up and asks nothing.\nAfter the appeal: "
    "`sudo systemctl restart tgstreamd`.",
    "a push could not be understood": "Telegram sent something that this version does not know.\n"
    "Nothing is lost: the chats' positions tell what it was.\nIf it happens again, look for a newer version.",
    "alert": "Something needs a person: `what` says what, and the command that helps.\n"
    "It was also told by the ways in `[alerts]`, where there are any.",
    "alert still stands": "The same as a day ago: see `alert`.",
    "alert command failed": "`alerts.command` ended with an error, or was ended after its time; `output` is what it "
    "said.\nThe alert is tried again, after a minute and then ever more rarely.\n"
    "Try the command as the user `tgstreamd`; in the service it runs without new privileges.",
    "alert message not sent": "The account could not send the alert to `alerts.chat`; `why` says the reason.\n"
    "The other ways have it.",
    "the clock of this machine was set": "It jumped by `seconds` against the time since boot; the pace and the waits that "
    f"Telegram ordered were moved along, and stay as long as they were.\n{NOTHING}",
    "what was told could not be kept": "The ledger could not be written, which mostly is a full disk: `why` says it.\n"
    "Make room; until then a restart would tell the same alerts again.",
    "heartbeat did not get through": "`alerts.heartbeat_url` could not be fetched, or answered with an error.\n"
    "It is tried again a minute later; if your monitor rings, look at it and at this machine's network.",
    "heartbeat withheld": "Not every mirror is caught up or gets on: `why` says which one.\n"
    "Your monitor will ring; `tgstreamd status` says more.",
    "an answer broke us": "An answer of Telegram's could not be worked with; the lines that follow say where.\n"
    "It is asked again, piece by piece, so that at most the message at fault is parked.\n"
    "This is a defect of the program; please report it.",
    "change broke us, given up": "An edit, deletion or pin of one message could not be carried out, and is not "
    "tried again.\nThis is a defect of the program; please report it with the lines that follow.",
    "message cannot be kept": "A pushed message could not be written down.\n"
    "Nothing is lost: the chat's position brings it again.\nPlease report it with the lines that follow.",
    "message cannot be read": "Telegram's answer for this message cannot be decoded at this version's layer.\n"
    "It is parked, its neighbours are copied.\nA newer version may be able to: `tgstreamd parked retry`.",
    "Telegram asks to wait, transfers rest": "A wait that Telegram ordered for moving files; it is kept over a "
    f"restart.\n{NOTHING}",
    "backlog slowed down": "After a long wait that Telegram ordered, the history is copied at a wider interval, "
    f"which is halved again after 12 hours without one.\n{NOTHING}",
    "CDN does not give a file, its data centre is asked": "Telegram keeps a popular file on a server outside its "
    "cloud, and that does not answer, or answers with other bytes; `why` says which, and they were not used.\nNothing "
    "to do, unless it does not end: does a firewall let this machine reach Telegram's data centres alone?",
    "change failed, trying on": "An edit, deletion or pin did not get through, and is tried again.\n" + NOTHING,
    "change given up": "Telegram refuses a change of a copy, a topic or the target itself; `kind` says which, `why` "
    "the reason.\nIt is asked for once: things stay as they are until the original changes again, and the mirror "
    "goes on.\nIf the reason is a right, give it to the account in the target, and `tgstreamd verify MIRROR "
    "--repair`.",
    "replacement is not ready, old copy kept meanwhile": "A copy is to be replaced, and what takes its place could "
    "not be brought over or tried yet; `why` says the reason.\nNothing is deleted before that is done, and it is "
    f"tried again.\n{NOTHING}",
    "message not sent again, its new copy cannot be made": "A copy was to be replaced, by `resend`, by "
    "`verify --repair` or since an edit could not be made in place, and what should take its place cannot be sent: "
    "mostly its file cannot be read any more; `why` says the reason.\nNothing was deleted and nothing was sent: the "
    "copy stays as it is, and the message counts as skipped.\nIf the reason has passed, `tgstreamd resend MIRROR ID`, "
    "or after an edit `tgstreamd verify MIRROR --repair`.",
    "message not sent again, its copy cannot be deleted": "Telegram does not delete the copy that was to be replaced, by "
    "`resend`, by `verify --repair` or since an edit could not be made in place; `why` says the reason.\n"
    "Nothing was sent, so that nothing is there twice: the copy stays as it is, and the message counts as skipped.\n"
    "If the reason is a right, give it to the account in the target; then `tgstreamd resend MIRROR ID`, or after an "
    "edit `tgstreamd verify MIRROR --repair`.",
    "change waits for an answer about its chat": "Telegram refused a change as if the target were lost, and did not "
    f"answer when the target was asked; both are tried again.\n{NOTHING}",
    "could not ask about a mirror's chats": "Telegram did not answer; the mirror is judged again within ten "
    f"minutes.\n{NOTHING}",
    "connection to Telegram lost": "The line broke; it is made anew with growing waits, and what was missed is read.\n"
    "Nothing to do, unless it does not end: look at the network.",
    "file connection ended": "Nothing moved on a connection for files, or Telegram's answers on it came from another "
    "time: `why` says which.\nIts parts are sent again on a new one.\n"
    "Nothing to do, unless it comes again and again: look at the network, or at why this machine's clocks stop.",
    "Telegram does not know this login": "It was ended, or Telegram has a fault that passes: Telegram does not say "
    "which.\nFor 15 minutes from the first such answer, over a restart too, it is tried again and nothing is lost; "
    "then the daemon ends with 77.\nWait; or, if the login was ended, `sudo systemctl stop tgstreamd` and "
    "`sudo tgstreamd login`; where `TG_SESSION` gives the login, a new string there.",
    "no connection to Telegram": "The line cannot be made; it is tried again, for ever.\n"
    "Look at the network: `why` says what it met.",
    "cover or moving part left out": "A video's cover or a live photo's moving part could not be copied; the "
    f"media itself is.\n{NOTHING}",
    "deletions wait for `resume`": "More was deleted in the source than anyone deletes by hand, or it deletes by "
    "a timer, and `deletes = \"mirror\"`.\n`tgstreamd status` says how many wait.\n"
    "`tgstreamd resume MIRROR` carries them out; leave them to keep the copies.",
    "deletions were found that no update told of": "A comparison with the source found messages gone; with "
    f"`deletes = \"mirror\"` their copies follow.\n{NOTHING}",
    "difference could not be read": "Telegram's list of what is new could not be decoded.\n"
    f"The history closes the gap.\n{NOTHING}",
    "events were lost, the history closes the gap": "Telegram holds more news than it hands out at once, after a "
    f"long stop say.\nThe history tells them.\n{NOTHING}",
    "history counts at birth and stays as it was; for other posts use a new target": "`history` was changed in "
    "the configuration, but the mirror has begun.\nOlder posts could only be appended behind newer ones, so the "
    "change does nothing.\nPut the old value back, or use a new target.",
    "history of the group that it was cannot be read": "A basic group became a supergroup, and its older messages "
    "cannot be read by this account.\nThe mirror goes on with what can be read.",
    "mirrors will be judged within ten minutes": "After a reload Telegram did not answer about the chats; the "
    f"mirrors that ran go on.\n{NOTHING}",
    "nobody can be answered for a moment": "The process has no file descriptor left for `status` and the other "
    "verbs, for a moment.\nIf it stays so, raise `LimitNOFILE=` of the service.",
    "parts were lost, sent again": f"Telegram lacks parts of an upload; they are sent again.\n{NOTHING}",
    "reading failed, trying on": "The source could not be read; it is tried again with growing waits.\n"
    "Nothing to do, unless it does not end: look at the network, and at `why`.",
    "pins could not be listed": "Telegram does not say what is pinned in the source of a new mirror; `why` says the "
    "reason.\nWhat is pinned from now on follows.",
    "refused as it is, sent differently": "Telegram refuses a message as it is; it is sent without what `without` "
    "names, or, where that is `reference`, by reference.\n" + NOTHING,
    "scheduled message not seen yet, going on": "Telegram accepted a message and has not published it within half "
    f"an hour.\nThe mirror goes on; its id is noted when it appears.\n{NOTHING}",
    "sending failed, trying on": "A message did not get through, and is tried again with growing waits.\n"
    "Nothing to do; after half an hour of connected time it is parked.",
    "source became a supergroup, followed": "The source has a new id, and the mirror follows it.\n"
    "Write the new id into the configuration when it suits you.",
    "source cannot be read": "The source cannot be read at the moment; `why` says the reason.\n"
    "It is asked again every ten minutes; where the chat itself says that it is lost, its mirrors pause.",
    "start waits": "Telegram does not say who the account is, which is asked before anything else.\n"
    "It is asked again, at most every ten minutes, and `systemctl status` says when; look at `why`.",
    "target became a supergroup, followed": "The target has a new id, and the mirror follows it.\n"
    "Write the new id into the configuration when it suits you.",
    "target could not be looked at": "What lies in the target could not be read, which is needed before the first "
    "message.\nIt is tried again.\nNothing to do, unless it does not end: look at `why`.",
    "the history held messages that no update told": "The periodic comparison found messages that Telegram had "
    f"not announced; they are copied.\n{NOTHING}",
    "this takes effect at the next start": "A reload cannot change this table: "
    "`sudo systemctl restart tgstreamd`.",
    "thumbnail left out": f"A file's thumbnail could not be moved; the file is.\n{NOTHING}",
    "topic was closed in the target, opened again": "Somebody closed a topic of the target; what belongs there "
    f"needs it open.\n{NOTHING}",
    "topic was deleted in the source, its copy stays": f"With `deletes = \"keep\"`.\n{NOTHING}",
    "topic was deleted in the target": "Somebody deleted a topic of the target.\n"
    "It is made again for the next post that belongs there.",
    "topic was deleted in the target, made again": f"Somebody deleted a topic of the target.\n{NOTHING}",
    "topics could not be listed": "The source's topics could not be read; they are learnt later.\n" + NOTHING,
    "transfer interrupted": "A file's transfer broke off, and goes on at the part that it had reached.\n" + NOTHING,
    "upload begins anew": f"Telegram forgot an upload that was under way; it is sent again.\n{NOTHING}",
    "waiting for a chat's word": "A message was refused as if its chat were lost, and nobody knows yet whether it is: "
    "`why` says what was refused.\nThe chat is asked again within ten minutes, and the mirror waits until then.\n"
    "Nothing to do, unless it does not end: look at the account's place in that chat.",
}  # fmt: skip
