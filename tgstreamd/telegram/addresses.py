"""Stores the addresses of Telegram's data centres and returns them in the order to try.

Learns addresses from `help.getConfig` and its updates, remembers for a while which failed, and never returns
one that plain TCP cannot use (obfuscated-only, or a proxy's with a secret).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Final, Literal

import msgspec

#: What a connection is for: everything but files, parts of files, or files on a CDN.
Purpose = Literal["main", "files", "cdn"]

#: Seconds after a failure during which other addresses go first; doubled by each further failure, up to
#: REST_MAX.
REST: Final = 30.0
REST_MAX: Final = 600.0


class Address(msgspec.Struct, frozen=True):
    """An address of a data centre (https://core.telegram.org/constructor/dcOption)."""

    dc: int
    host: str
    port: int
    #: For `upload.*` only; any number of connections is allowed there.
    media_only: bool = False
    cdn: bool = False

    @property
    def ipv6(self) -> bool:
        return ":" in self.host

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if self.ipv6 else f"{self.host}:{self.port}"


class AddressBook:
    """The addresses by data centre: `of` returns them in order, `try_each` connects."""

    def __init__(self, monotonic: Callable[[], float], known: Iterable[Address] = ()) -> None:
        """`known` are the addresses stored by an earlier process."""
        self._monotonic = monotonic
        self._named: tuple[Address, ...] = tuple(known)
        #: The configured server's address, or the one used for the login: kept whatever Telegram names.
        self._first: tuple[Address, ...] = ()
        #: By address: the time until which it goes last, and the next delay.
        self._rests: dict[Address, tuple[float, float]] = {}
        self._good: set[Address] = set()

    @property
    def named(self) -> tuple[Address, ...]:
        """The addresses that Telegram named last, to be stored for the next process."""
        return self._named

    def put_first(self, *addresses: Address) -> None:
        """Set addresses of main connections that are tried before all that Telegram names."""
        self._first = addresses

    def learn(self, options: Iterable[Any]) -> bool:
        """Replace the addresses by those that Telegram names now (`DcOption`s). Return whether any
        changed."""
        named = tuple(
            Address(o.id, o.ip_address, o.port, bool(o.media_only), bool(o.cdn))
            for o in options
            if not (o.tcpo_only or o.secret)
        )
        if not named or named == self._named:
            return False
        self._named = named
        return True

    def of(self, dc: int, purpose: Purpose) -> list[Address]:
        """Return the addresses of a data centre for that purpose, in the order to try; none if none is known.

        Files use `media_only` addresses if any is named, and then never a main one: more sessions there than
        Telegram allows end the login (https://core.telegram.org/api/datacenter#parallel-sessions).
        """
        named = [address for address in self._named if address.dc == dc]
        if purpose == "cdn":
            return self._in_order([address for address in named if address.cdn])
        media = [address for address in named if address.media_only and not address.cdn]
        if purpose == "files" and media:
            return self._in_order(media)
        main = [address for address in named if not (address.media_only or address.cdn)]
        first = [address for address in self._first if address.dc == dc]
        return self._in_order([*first, *(address for address in main if address not in first)])

    def _in_order(self, addresses: list[Address]) -> list[Address]:
        """Sort addresses: recently failed ones last; otherwise those that have worked first, then IPv4, since
        many machines only appear to have IPv6."""
        now = self._monotonic()

        def rank(address: Address) -> tuple[bool, bool, bool, float]:
            until = self._rests.get(address, (0.0, 0.0))[0]
            rests = until > now
            doubtful = address.ipv6 and address not in self._first
            return rests, address not in self._good, doubtful, until if rests else 0.0

        # `sorted` is stable: equal ranks stay in Telegram's order.
        return sorted(dict.fromkeys(addresses), key=rank)

    async def try_each[T](
        self, addresses: Sequence[Address], connect: Callable[[Address], Awaitable[T]]
    ) -> T:
        """Return the connection that `connect` makes to the first address at which Telegram answers.

        Raises the last address's error; an error unrelated to the address is raised at once.
        """
        assert addresses, "whoever knows no address says so"
        for address in addresses:
            try:
                made = await connect(address)
            except asyncio.CancelledError:
                self.failed(address)  # perhaps it took all the time there was
                raise
            except (OSError, EOFError):
                self.failed(address)
                if address is addresses[-1]:
                    raise
            else:
                self.worked(address)
                return made
        raise AssertionError("the last one was returned or raised")

    def failed(self, address: Address) -> None:
        """Record that the address could not be reached."""
        _, rest = self._rests.get(address, (0.0, REST))
        self._rests[address] = self._monotonic() + rest, min(2 * rest, REST_MAX)

    def worked(self, address: Address) -> None:
        """Record that Telegram answered at the address."""
        self._rests.pop(address, None)
        self._good.add(address)
