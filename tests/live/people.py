"""Accounts that take part: logged in by test numbers and known codes, or by a person at the keyboard.

Each is an unmodified Telethon client with a session in memory. Never prints a number, a code or a key.
"""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from telethon import TelegramClient, errors
from telethon.crypto import rsa
from telethon.sessions import StringSession
from telethon.tl import functions, types

from .places import Place

#: Numbers that are drawn before the place is given up: one may have a password, or be blocked.
DRAWS = 5


class LoginRefused(Exception):
    """Nobody could be logged in; the text says why, without the number."""


@dataclass(frozen=True)
class Api:
    """Whose program this is: https://my.telegram.org."""

    id: int
    hash: str


@dataclass
class Person:
    """A logged-in account. `signed_up`: it was made for this run."""

    role: str
    phone: str
    client: Any
    me: Any
    signed_up: bool = False

    @property
    def session(self) -> str:
        return str(self.client.session.save())

    async def log_out(self) -> None:
        """End the login at Telegram's."""
        try:
            await self.client(functions.auth.LogOutRequest())
        finally:
            await self.client.disconnect()


def new_client(place: Place, api: Api, session: str = "") -> Any:
    """A client of the place, not connected."""
    # Telethon keeps the server's configuration in the class; one class each keeps places apart.
    own = type("LiveClient", (TelegramClient,), {"_config": None})
    kept = StringSession(session)
    if place.address and not session:
        kept.set_dc(place.dc_id, place.address, place.port)
    if place.public_key:
        rsa.add_key(place.public_key, old=False)
    return own(
        kept,
        api.id,
        api.hash,
        request_retries=2,
        raise_last_call_error=True,
        flood_sleep_threshold=300,
        receive_updates=False,
    )


async def log_in(place: Place, api: Api, role: str, phone: str = "") -> Person:
    """Log one account in; a test number without an account is signed up. Raises LoginRefused."""
    if not place.has_test_numbers:
        return await _ask_a_person(place, api, role, phone)
    refused = "no number was tried"
    for _ in range(1 if phone else DRAWS):
        number = phone or place.number()
        try:
            return await _with_test_number(place, api, role, number)
        except errors.RPCError as error:
            refused = f"{type(error).__name__}: {error}".replace(number, "the number").replace(
                number.lstrip("+"), "the number"
            )
    raise LoginRefused(f"{role}: {refused}")


async def _with_test_number(place: Place, api: Api, role: str, number: str) -> Person:
    client = new_client(place, api)
    try:
        await client.connect()
        sent = await client.send_code_request(number)
        code = place.code * (getattr(sent.type, "length", 0) or 5)
        signed_up = False
        try:
            me = await client.sign_in(number, code, phone_code_hash=sent.phone_code_hash)
        except errors.PhoneNumberUnoccupiedError:
            answer = await client(
                functions.auth.SignUpRequest(number, sent.phone_code_hash, f"Live {role}", "", True)
            )
            me, signed_up = await client._on_login(answer.user), True
    except BaseException:
        await client.disconnect()
        raise
    return Person(role, number, client, me, signed_up)


async def _ask_a_person(place: Place, api: Api, role: str, phone: str) -> Person:
    """By phone, code and password, typed in."""
    client = new_client(place, api)
    number = phone or await _typed(input, f"{role}: phone number (with the country's code): ")
    await client.connect()
    try:
        sent = await client.send_code_request(number)
        code = await _typed(input, f"{role}: the code that Telegram sent: ")
        try:
            me = await client.sign_in(number, code, phone_code_hash=sent.phone_code_hash)
        except errors.SessionPasswordNeededError:
            me = await client.sign_in(password=await _typed(getpass.getpass, f"{role}: password: "))
    except (errors.RPCError, EOFError) as error:
        await client.disconnect()
        raise LoginRefused(f"{role}: {type(error).__name__}") from error
    return Person(role, number, client, me)


async def _typed(ask: Callable[[str], str], prompt: str) -> str:
    return (await asyncio.to_thread(ask, prompt)).strip()


def is_premium(person: Person) -> bool:
    return isinstance(person.me, types.User) and bool(person.me.premium)
