"""Scripted trouble: which requests go wrong, how, and how often.

A test or the control socket adds faults; the server asks before and after every request. Floods are kept per
account and method and measured by the world's clock, so a client that comes back early is refused again and
counted. Changes no state of the world.
"""

from __future__ import annotations

import asyncio
import copy
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .dispatch import Call, RpcError
from .mtproto.tl import method_name

if TYPE_CHECKING:
    from .connection import Connection
    from .world import World

#: What can be done to a matching request; `error` and `flood` go without an action.
ACTIONS = (
    "error",  # answer with `code` and `message`, do nothing
    "flood",  # FLOOD_WAIT for `seconds` on this method and account
    "cut",  # close the connection, do nothing
    "refuse",  # answer with the transport error `code` (-404, -429), close, do nothing
    "ignore",  # do nothing and say nothing
    "apply-cut",  # execute, then close the connection instead of answering (who asks again is answered)
    "apply-silent",  # execute, and never answer
    "apply-half",  # execute, send half of the answer, close
    "apply-error",  # execute, then answer with `code` and `message`
    # Carry out the first `items` of an album (0: half of them) and no more; then close the connection, or
    # answer with `code` and `message` where there is one.
    "apply-part",
    "apply-nothing",  # of a deletion: delete none of its messages, and answer so, without an error
    "delay",  # execute, answer `seconds` later, or when `gate` is opened
    "slow",  # execute only then; until it is answered its random ids are under way, as with "delay"
    "twice",  # answer two times
    # Close while a large packet is still coming in. It is encrypted, so nobody knows its method yet: only
    # `account` and `dc` choose.
    "cut-part",
    "lose-part",  # answer true to an upload part and forget it
)
ALBUM = "messages.sendMultiMedia"


@dataclass
class Fault:
    """One rule. Matches by method (`messages.sendMessage`), peer, account, DC and `when`.

    The first `skip` matches pass; after `times` hits it is spent (None: never). `peer` is an id as it
    stands in the request or marked as clients write it (-100…).
    """

    method: str | None = None
    action: str = "error"
    code: int = 400
    message: str = ""
    seconds: float = 0.0
    peer: int | None = None
    account: int | None = None
    dc: int | None = None
    part: int | None = None
    items: int = 0
    skip: int = 0
    times: int | None = 1
    when: Callable[[Call, Any], bool] | None = None
    gate: asyncio.Event | None = None
    hits: int = 0
    #: Set when a request is held up.
    holding: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    def __post_init__(self) -> None:
        if self.action not in ACTIONS:
            raise ValueError(f"unknown action {self.action!r}; known: {', '.join(ACTIONS)}")
        if self.action == "apply-part" and self.method != ALBUM:
            raise ValueError(f"only an album ({ALBUM}) can be carried out in part")
        if self.action == "apply-nothing" and not (self.method or "").endswith(".deleteMessages"):
            raise ValueError("only a deletion can do nothing and say so")

    def matches(self, call: Call, request: Any) -> bool:
        if self.method is not None and self.method != method_name(type(request)):
            return False
        if self.account is not None and (call.account is None or call.account.id != self.account):
            return False
        if self.dc is not None and call.dc_id != self.dc:
            return False
        if self.part is not None and getattr(request, "file_part", None) != self.part:
            return False
        if self.peer is not None and self.peer not in peer_ids(request):
            return False
        return self.when is None or self.when(call, request)

    async def pause(self) -> None:
        """As long as this rule wants: until the gate opens, or some real seconds."""
        self.holding.set()
        if self.gate is not None:
            await self.gate.wait()
        else:
            await asyncio.sleep(self.seconds)

    def what_is_done(self, request: Any) -> Any:
        """The request as it is carried out: of an album perhaps its first items, of a deletion nothing."""
        part = copy.copy(request)
        if self.action == "apply-nothing":
            part.id = []
        if self.action != "apply-part":
            return part
        part.multi_media = request.multi_media[: self.items or max(1, len(request.multi_media) // 2)]
        return part


def peer_ids(request: Any) -> tuple[int, ...]:
    """The id of the peer (or channel) that a request names, bare and marked."""
    peer = next(
        (p for name in ("peer", "to_peer", "channel") if (p := getattr(request, name, None)) is not None),
        None,
    )
    if (channel := getattr(peer, "channel_id", None)) is not None:
        return channel, -1_000_000_000_000 - channel
    if (chat := getattr(peer, "chat_id", None)) is not None:
        return chat, -chat
    if (user := getattr(peer, "user_id", None)) is not None:
        return (user,)
    return ()


class Faults:
    """All rules in force, and the floods."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._rules: list[Fault] = []
        self._floods: dict[tuple[int, str], float] = {}
        #: Requests sent during a flood that they had been told of: (account, method, seconds too early).
        self.violations: list[tuple[int, str, float]] = []
        #: Whether any rule wants to cut a part on its way in (asked for every chunk received).
        self.cuts_parts = False

    def add(self, fault: Fault) -> Fault:
        self._rules.append(fault)
        self._update()
        return fault

    def remove(self, fault: Fault) -> None:
        if fault in self._rules:
            self._rules.remove(fault)
        self._update()

    def clear(self) -> None:
        """Forget all rules and floods; what was counted stays."""
        self._rules.clear()
        self._floods.clear()
        self._update()

    def flood(self, account_id: int, method: str, seconds: float) -> None:
        """Start a flood wait now, without waiting for a request."""
        self._floods[account_id, method] = self._world.now() + seconds

    def before(self, call: Call, request: Any) -> Fault | None:
        """The rule for this request, if any; raises the error of a flood that still lasts."""
        if not self._rules and not self._floods:
            return None
        method = method_name(type(request))
        account_id = call.account.id if call.account is not None else 0
        until = self._floods.get((account_id, method))
        if until is not None:
            left = until - self._world.now()
            if left > 0:
                self.violations.append((account_id, method, left))
                raise RpcError(420, f"FLOOD_WAIT_{math.ceil(left)}")
            del self._floods[account_id, method]
        fault = self._take(lambda rule: rule.action != "cut-part" and rule.matches(call, request))
        if fault is None:
            return None
        if fault.action == "flood":
            self.flood(account_id, method, fault.seconds)
            raise RpcError(420, f"FLOOD_WAIT_{math.ceil(fault.seconds)}")
        if fault.action == "error":
            raise RpcError(fault.code, fault.message)
        return fault

    def incomplete(self, connection: Connection) -> None:
        """A large packet is half in: cut it if a rule says so. Only the key shows whose it is."""
        key_id = int.from_bytes(connection.stream.first_bytes(8), "little")
        key = connection.server.keys.get(connection.dc_id, key_id)
        account_id = key.account_id if key is not None else None
        fault = self._take(
            lambda rule: (
                rule.action == "cut-part"
                and rule.account in (None, account_id)
                and rule.dc in (None, connection.dc_id)
            )
        )
        if fault is not None:
            connection.cut()

    def _take(self, matches: Callable[[Fault], bool]) -> Fault | None:
        for rule in self._rules:
            if not matches(rule):
                continue
            if rule.skip > 0:
                rule.skip -= 1
                continue
            rule.hits += 1
            if rule.times is not None and rule.hits >= rule.times:
                self._rules.remove(rule)
                self._update()
            return rule
        return None

    def _update(self) -> None:
        self.cuts_parts = any(rule.action == "cut-part" for rule in self._rules)
