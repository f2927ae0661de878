"""The only package that imports Telethon: Telegram as a `Source` and a `Target`.

It speaks raw requests with bounded waits, turns TL objects into the values of `tgstreamd.domain` and every
trouble into one of its errors. It keeps the session file and knows nothing of ledger and
configuration.
"""
