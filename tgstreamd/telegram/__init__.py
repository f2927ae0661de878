"""The only package that imports Telethon: Telegram as a `Source` and a `Target`.

It speaks raw requests with bounded waits, turns TL objects into the nouns of `tgstreamd.model` and every
trouble into an error of `tgstreamd.errors`. It keeps the session file and knows nothing of ledger and
configuration.
"""
