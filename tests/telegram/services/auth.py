"""auth.* and account.getPassword: logging in and out, and taking a login to another data centre."""

from __future__ import annotations

from tests.telegram.dispatch import Dispatcher


def register(dispatcher: Dispatcher) -> None:
    """Add the methods of this module."""
