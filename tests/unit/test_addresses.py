"""The address book: which addresses are offered for what, and in which order after some failed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from telethon.tl import types

from tests.fakes import FakeClock
from tgstreamd.telegram.addresses import REST, REST_MAX, Address, AddressBook, Purpose


def option(host: str, dc: int = 2, **flags: Any) -> Any:
    return types.DcOption(dc, host, 443, **flags)


def book(*options: Any, clock: FakeClock | None = None) -> AddressBook:
    made = AddressBook((clock or FakeClock()).monotonic)
    made.learn(options)
    return made


def hosts(book: AddressBook, purpose: Purpose = "main", dc: int = 2) -> list[str]:
    return [address.host for address in book.of(dc, purpose)]


ALL = [
    option("6::1", ipv6=True),
    option("1.1.1.1"),
    option("1.1.1.2", static=True),
    option("2.2.2.1", media_only=True),
    option("6::2", media_only=True, ipv6=True),
    option("3.3.3.1", cdn=True),
    option("3.3.3.2", cdn=True, media_only=True),
    option("4.4.4.1", tcpo_only=True),
    option("4.4.4.2", media_only=True, secret=b"\xdd" + bytes(16)),
    option("9.9.9.9", dc=4),
]


def test_each_purpose_has_its_addresses_ipv4_first() -> None:
    found = book(*ALL)
    assert hosts(found) == ["1.1.1.1", "1.1.1.2", "6::1"]
    assert hosts(found, "files") == ["2.2.2.1", "6::2"]
    assert hosts(found, "cdn") == ["3.3.3.1", "3.3.3.2"]


def test_files_go_over_the_main_addresses_only_where_none_is_for_media() -> None:
    found = book(*ALL)
    assert hosts(found, "files", dc=4) == ["9.9.9.9"]
    for address in found.of(2, "files"):
        for _ in range(20):
            found.failed(address)
    assert hosts(found, "files") == ["2.2.2.1", "6::2"]


def test_nothing_is_offered_for_a_centre_that_nobody_named() -> None:
    assert hosts(book(*ALL), dc=5) == hosts(book(*ALL), "cdn", dc=4) == []


def test_the_configured_address_goes_first_and_stays_whatever_is_named() -> None:
    found = book(*ALL)
    found.put_first(Address(2, "::1", 4430))
    assert hosts(found) == ["::1", "1.1.1.1", "1.1.1.2", "6::1"]
    assert hosts(found, dc=4) == ["9.9.9.9"]
    found.learn([option("5.5.5.5", dc=4)])
    assert hosts(found) == ["::1"]


def test_what_is_named_anew_replaces_what_was_named() -> None:
    found = book(*ALL)
    assert not found.learn(ALL)
    assert found.learn([option("7.7.7.7")])
    assert hosts(found) == ["7.7.7.7"]
    assert hosts(found, "files") == ["7.7.7.7"]
    # An answer without any address would leave nobody to ask.
    assert not found.learn([])
    assert hosts(AddressBook(FakeClock().monotonic, found.named)) == ["7.7.7.7"]


def test_an_address_that_failed_rests_longer_each_time() -> None:
    clock = FakeClock()
    found = book(*ALL, clock=clock)
    first = found.of(2, "main")[0]
    rest = REST
    for _ in range(8):
        found.failed(first)
        assert hosts(found)[-1] == first.host
        clock.advance(rest - 1)
        assert hosts(found)[-1] == first.host
        clock.advance(2)
        assert hosts(found)[0] == first.host
        rest = min(2 * rest, REST_MAX)
    found.failed(first)
    found.worked(first)
    assert hosts(found)[0] == first.host
    found.failed(first)
    clock.advance(REST + 1)
    assert hosts(found)[0] == first.host


def test_what_works_is_kept_to() -> None:
    found = book(*ALL)
    six = found.of(2, "main")[-1]
    assert six.ipv6
    found.worked(six)
    assert hosts(found) == ["6::1", "1.1.1.1", "1.1.1.2"]
    # In an outage nothing works: what did goes first all the same.
    for address in found.of(2, "main"):
        found.failed(address)
    assert hosts(found)[0] == "6::1"


async def test_addresses_are_tried_in_turn_until_one_answers() -> None:
    found = book(*ALL)
    tried = []

    async def connect(address: Address) -> str:
        tried.append(address.host)
        if address.host == "1.1.1.2":
            return "connected"
        raise TimeoutError if len(tried) % 2 else ConnectionRefusedError

    assert await found.try_each(found.of(2, "main"), connect) == "connected"
    assert tried == ["1.1.1.1", "1.1.1.2"]
    assert hosts(found) == ["1.1.1.2", "6::1", "1.1.1.1"]
    tried.clear()
    assert await found.try_each(found.of(2, "main"), connect) == "connected"
    assert tried == ["1.1.1.2"]


async def test_the_last_error_is_raised_and_one_that_is_no_matter_of_addresses_at_once() -> None:
    found = book(*ALL)
    tried = []

    async def refused(address: Address) -> None:
        tried.append(address.host)
        raise ConnectionRefusedError(address.host)

    with pytest.raises(ConnectionRefusedError, match="6::1"):
        await found.try_each(found.of(2, "main"), refused)
    assert tried == ["1.1.1.1", "1.1.1.2", "6::1"]

    async def answered(_address: Address) -> None:
        tried.append("again")
        raise BufferError("Telegram does not know the key")

    with pytest.raises(BufferError):
        await found.try_each(found.of(2, "main"), answered)
    assert tried[3:] == ["again"]


async def test_an_address_that_took_all_the_time_is_not_tried_first_again() -> None:
    found = book(*ALL)

    async def silent(_address: Address) -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await found.try_each(found.of(2, "main"), silent)
    assert hosts(found) == ["1.1.1.2", "6::1", "1.1.1.1"]
