"""What this Telegram can do, one module for each family of methods. Each has `register(dispatcher)`."""

from __future__ import annotations

import importlib
import pkgutil

from tests.telegram.dispatch import Dispatcher


def register_all(dispatcher: Dispatcher) -> None:
    """Register every module of this package."""
    for found in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{found.name}")
        module.register(dispatcher)
