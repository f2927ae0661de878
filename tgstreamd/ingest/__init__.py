"""Turns events in the sources into jobs in the ledger.

`updates` stores pushes and reads differences, `history` reads histories, `reconcile` finds deletions that no
update reported, `polls` asks about polls that may have closed, `errors` holds back what cannot be read now,
`decode_guard` wraps the reading port. Sends nothing.
"""
