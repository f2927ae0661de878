"""Numbers the accounts that the daemon is logged in as; holds and marks refer to these numbers."""

from __future__ import annotations

from typing import Final

from .engine import Db

#: The number of the account that reads.
READER: Final = 1


def note_account(db: Db, number: int, account: int) -> None:
    """Store the Telegram id of the account that is logged in under this number."""
    db.execute(
        "UPDATE account SET id = ? WHERE number = ? AND (id IS NULL OR id <> ?)", (account, number, account)
    )
