"""The older forms of what changed lately, for clients that asked for an older layer.

Telegram answers in the layer of invokeWithLayer (https://core.telegram.org/api/invoking#layers). This server
knows one schema, Telethon's, and beside it only the forms that nearly every answer needs: a user or a channel
without the fields that came later. The rest goes out as the newest layer has it.
"""

from __future__ import annotations

import copy
import struct
from dataclasses import dataclass
from typing import Any

from telethon.tl import TLObject, types
from telethon.tl.alltlobjects import LAYER


@dataclass(frozen=True, slots=True)
class Form:
    """How a constructor was written up to layer `until`: under another number, without the fields `lacks`."""

    until: int
    constructor: int
    lacks: tuple[str, ...]


#: Layer 228 gave both a community. The fields before it, and the bits of their flags, are the same.
FORMS: dict[type, Form] = {
    types.User: Form(until=227, constructor=0x31774388, lacks=("linked_community_id",)),
    types.Channel: Form(until=227, constructor=0x1C32B11C, lacks=("linked_community_id",)),
}


class Older:
    """An object in its older form; only its bytes are asked for."""

    def __init__(self, thing: Any, form: Form) -> None:
        self._thing = thing
        self._form = form
        for name in form.lacks:
            setattr(thing, name, None)

    def _bytes(self) -> bytes:
        return struct.pack("<I", self._form.constructor) + bytes(self._thing)[4:]

    __bytes__ = _bytes


def in_layer(thing: Any, layer: int) -> Any:
    """`thing`, a result or updates, as `layer` (0: not said) writes it; the same object in the newest."""
    if not layer or layer >= LAYER:
        return thing
    if isinstance(thing, list):
        return [in_layer(item, layer) for item in thing]
    if not isinstance(thing, TLObject):
        return thing
    # A copy: the world may hand out the same object to others.
    said = copy.copy(thing)
    for name, value in vars(thing).items():
        if isinstance(value, list | TLObject):
            setattr(said, name, in_layer(value, layer))
    form = FORMS.get(type(thing))
    return Older(said, form) if form is not None and layer <= form.until else said
