"""The address book: keeps every address that Telegram names for its data centres, and answers which to try.

Learns from `help.getConfig` and its updates, remembers for a while which addresses failed, and never offers
one that plain TCP cannot use (an obfuscated-only one, a proxy's with a secret).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Final, Literal

import msgspec

#: The use of a connection: everything but files, parts of files, or files that lie with a CDN.
Purpose = Literal["main", "files", "cdn"]

#: Seconds after a failure in which other addresses go first: doubled by each further one, up to the most.
REST: Final = 30.0
REST_MAX: Final = 600.0


class Address(msgspec.Struct, frozen=True):
    """An address of a data centre (https://core.telegram.org/constructor/dcOption)."""

    dc: int
    host: str
    port: int
    #: Only for `upload.*`; any number of connections is allowed there.
    media_only: bool = False
    cdn: bool = False

    @property
    def ipv6(self) -> bool:
        return ":" in self.host

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if self.ipv6 else f"{self.host}:{self.port}"


class AddressBook:
    """`of` answers in the order to try; `try_each` tries."""

    def __init__(self, monotonic: Callable[[], float], known: Iterable[Address] = ()) -> None:
        """`known` are the addresses of an earlier process."""
        self._monotonic = monotonic
        self._named: tuple[Address, ...] = tuple(known)
        #: The configured server's address, or the one that a login was made through: it stays in the book
        #: whatever Telegram names.
        self._first: tuple[Address, ...] = ()
        #: Until when an address rests, and for how long the next failure makes it rest.
        self._rests: dict[Address, tuple[float, float]] = {}
        self._good: set[Address] = set()

    @property
    def named(self) -> tuple[Address, ...]:
        """All addresses that Telegram named last, to be kept for the next process."""
        return self._named

    def put_first(self, *addresses: Address) -> None:
        """Addresses of main connections that are tried before all that Telegram names."""
        self._first = addresses

    def learn(self, options: Iterable[Any]) -> bool:
        """Take what Telegram names now (`DcOption`s) for what it named before. Whether anything changed."""
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
        """The addresses of a data centre for that purpose, in the order to try; none where none is known.

        Files go over `media_only` addresses wherever one is named, and never over a main one then: more
        sessions there than Telegram allows end the login
        (https://core.telegram.org/api/datacenter#parallel-sessions).
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
        """Those that rest go last. Of the others those go first that have worked, then IPv4, since many
        machines only seem to have IPv6."""
        now = self._monotonic()

        def rank(address: Address) -> tuple[bool, bool, bool, float]:
            until = self._rests.get(address, (0.0, 0.0))[0]
            rests = until > now
            doubtful = address.ipv6 and address not in self._first
            return rests, address not in self._good, doubtful, until if rests else 0.0

        # `sorted` is stable: what ranks alike stays in the order in which Telegram names it.
        return sorted(dict.fromkeys(addresses), key=rank)

    async def try_each[T](
        self, addresses: Sequence[Address], connect: Callable[[Address], Awaitable[T]]
    ) -> T:
        """The connection that `connect` makes to the first address at which Telegram answers.

        Raises the last one's error, and at once what is no matter of addresses.
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
        """Nobody could be reached there."""
        _, rest = self._rests.get(address, (0.0, REST))
        self._rests[address] = self._monotonic() + rest, min(2 * rest, REST_MAX)

    def worked(self, address: Address) -> None:
        """Telegram answered there."""
        self._rests.pop(address, None)
        self._good.add(address)
