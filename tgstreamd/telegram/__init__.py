"""Implements `Source` and `Target` over Telethon, which no other package imports.

Makes raw requests with bounded waits, and converts TL objects to the values of `tgstreamd.domain` and every
error to one of its errors. Stores the session file; knows nothing of ledger and configuration.
"""
