"""Logging in by code, password, QR code and bot token, into both data centres, with both client libraries."""

from __future__ import annotations

import asyncio
from typing import Any

import pyrogram.errors
import pytest
import telethon.errors
from pyrogram import raw
from pyrogram.qrlogin import QRLogin
from telethon.tl import functions

from tests.telegram.server import TelegramServer
from tests.telegram.world.peers import Account

from .conftest import Make


def somebody(tg: TelegramServer, **fields: Any) -> Account:
    return tg.world.peers.add_account("Bob", **({"phone": "+10000000002", "code": "12345"} | fields))


# By code


@pytest.mark.parametrize("home_dc", [2, 4])
async def test_telethon_logs_in_by_code(tg: TelegramServer, telethon_client: Make, home_dc: int) -> None:
    bob = somebody(tg, home_dc=home_dc)
    client = await telethon_client(tg)
    sent = await client.send_code_request("+10000000002")
    with pytest.raises(telethon.errors.PhoneCodeInvalidError):
        await client.sign_in("+10000000002", "54321", phone_code_hash=sent.phone_code_hash)
    me = await client.sign_in("+10000000002", "12345", phone_code_hash=sent.phone_code_hash)
    assert me.id == bob.id
    assert client.session.dc_id == home_dc
    assert [key.dc_id for key in tg.keys.of_account(bob.id)] == [home_dc]


@pytest.mark.parametrize("home_dc", [2, 4])
async def test_kurigram_logs_in_by_code(tg: TelegramServer, kurigram_client: Make, home_dc: int) -> None:
    bob = somebody(tg, home_dc=home_dc)
    client = await kurigram_client(tg)
    sent = await client.send_phone_number_code("+10000000002")
    with pytest.raises(pyrogram.errors.PhoneCodeInvalid):
        await client.sign_in("+10000000002", sent.phone_code_hash, "54321")
    me = await client.sign_in("+10000000002", sent.phone_code_hash, "12345")
    assert me.id == bob.id
    assert await client.storage.dc_id() == home_dc


async def test_an_unknown_number_is_asked_to_sign_up(tg: TelegramServer, telethon_client: Make) -> None:
    client = await telethon_client(tg)
    sent = await client.send_code_request("+19999999999")
    with pytest.raises(telethon.errors.PhoneNumberUnoccupiedError):
        await client.sign_in("+19999999999", "00000", phone_code_hash=sent.phone_code_hash)


async def test_what_is_no_number_is_refused(tg: TelegramServer, telethon_client: Make) -> None:
    client = await telethon_client(tg)
    with pytest.raises(telethon.errors.PhoneNumberInvalidError):
        await client.send_code_request("+12")


# By password


async def test_telethon_gives_the_password(tg: TelegramServer, telethon_client: Make) -> None:
    bob = somebody(tg, password="correct horse")
    client = await telethon_client(tg)
    sent = await client.send_code_request("+10000000002")
    with pytest.raises(telethon.errors.SessionPasswordNeededError):
        await client.sign_in("+10000000002", "12345", phone_code_hash=sent.phone_code_hash)
    assert await client.get_me() is None
    with pytest.raises(telethon.errors.PasswordHashInvalidError):
        await client.sign_in(password="battery staple")
    me = await client.sign_in(password="correct horse")
    assert me.id == bob.id


async def test_kurigram_gives_the_password(tg: TelegramServer, kurigram_client: Make) -> None:
    bob = somebody(tg, password="пароль")
    client = await kurigram_client(tg)
    sent = await client.send_phone_number_code("+10000000002")
    with pytest.raises(pyrogram.errors.SessionPasswordNeeded):
        await client.sign_in("+10000000002", sent.phone_code_hash, "12345")
    with pytest.raises(pyrogram.errors.PasswordHashInvalid):
        await client.check_password("parol")
    me = await client.check_password("пароль")
    assert me.id == bob.id


# By QR code


@pytest.mark.parametrize("home_dc", [2, 4])
async def test_telethon_shows_a_code_that_telethon_scans(
    tg: TelegramServer, telethon_client: Make, home_dc: int
) -> None:
    bob = somebody(tg, home_dc=home_dc)
    phone = await telethon_client(tg, bob)
    client = await telethon_client(tg)
    qr = await client.qr_login()
    waiting = asyncio.Task(qr.wait(10), loop=asyncio.get_running_loop(), eager_start=True)
    await phone(functions.auth.AcceptLoginTokenRequest(qr.token))
    assert (await waiting).id == bob.id
    assert client.session.dc_id == home_dc
    with pytest.raises(telethon.errors.AuthTokenInvalidError):
        await phone(functions.auth.AcceptLoginTokenRequest(qr.token))


@pytest.mark.parametrize("home_dc", [2, 4])
async def test_kurigram_shows_a_code(tg: TelegramServer, kurigram_client: Make, home_dc: int) -> None:
    bob = somebody(tg, home_dc=home_dc)
    phone = await kurigram_client(tg, bob)
    client = await kurigram_client(tg)
    qr = QRLogin(client, [])
    await qr.recreate()
    waiting = asyncio.Task(qr.wait(10), loop=asyncio.get_running_loop(), eager_start=True)
    await phone.invoke(raw.functions.auth.AcceptLoginToken(token=qr.r.token))
    assert (await waiting).id == bob.id
    assert await client.storage.dc_id() == home_dc


async def test_a_scanned_code_still_asks_for_the_password(tg: TelegramServer, telethon_client: Make) -> None:
    bob = somebody(tg, password="secret")
    client = await telethon_client(tg)
    qr = await client.qr_login()
    waiting = asyncio.Task(qr.wait(10), loop=asyncio.get_running_loop(), eager_start=True)
    tg.logins.accept(qr.token, bob)
    with pytest.raises(telethon.errors.SessionPasswordNeededError):
        await waiting
    assert (await client.sign_in(password="secret")).id == bob.id


async def test_an_old_code_cannot_be_scanned(tg: TelegramServer, telethon_client: Make) -> None:
    bob = somebody(tg)
    phone = await telethon_client(tg, bob)
    client = await telethon_client(tg)
    tg.logins.token_lifetime = -1
    qr = await client.qr_login()
    with pytest.raises(telethon.errors.AuthTokenExpiredError):
        await phone(functions.auth.AcceptLoginTokenRequest(qr.token))


# Bots


@pytest.mark.parametrize("home_dc", [2, 4])
async def test_telethon_logs_in_as_a_bot(tg: TelegramServer, telethon_client: Make, home_dc: int) -> None:
    robot = tg.world.peers.add_account("Robot", bot=True, home_dc=home_dc)
    client = await telethon_client(tg)
    with pytest.raises(telethon.errors.AccessTokenInvalidError):
        await client.sign_in(bot_token="1:nonsense")
    me = await client.sign_in(bot_token=robot.bot_token)
    assert (me.id, me.bot) == (robot.id, True)
    with pytest.raises(telethon.errors.BotMethodInvalidError):
        await client(functions.help.GetAppConfigRequest(0))


@pytest.mark.parametrize("home_dc", [2, 4])
async def test_kurigram_logs_in_as_a_bot(tg: TelegramServer, kurigram_client: Make, home_dc: int) -> None:
    robot = tg.world.peers.add_account("Robot", bot=True, home_dc=home_dc)
    client = await kurigram_client(tg)
    me = await client.sign_in_bot(robot.bot_token)
    assert (me.id, me.is_bot) == (robot.id, True)


# The end of a login


async def test_logging_out_ends_the_key(tg: TelegramServer, telethon_client: Make) -> None:
    bob = somebody(tg)
    client = await telethon_client(tg, bob)
    assert await client.log_out()
    assert tg.keys.of_account(bob.id) == []


async def test_telethon_meets_a_revoked_session(
    tg: TelegramServer, account: Account, telethon_client: Make
) -> None:
    client = await telethon_client(tg, account)
    tg.revoke(account)
    with pytest.raises(telethon.errors.SessionRevokedError):
        await client(functions.users.GetUsersRequest([telethon.tl.types.InputUserSelf()]))


async def test_kurigram_meets_a_revoked_session(
    tg: TelegramServer, account: Account, kurigram_client: Make
) -> None:
    client = await kurigram_client(tg, account)
    tg.revoke(account, error="AUTH_KEY_UNREGISTERED")
    with pytest.raises(pyrogram.errors.AuthKeyUnregistered):
        await client.invoke(raw.functions.users.GetUsers(id=[raw.types.InputUserSelf()]))


async def test_a_deactivated_account_is_told(
    tg: TelegramServer, account: Account, telethon_client: Make
) -> None:
    client = await telethon_client(tg, account)
    account.deactivated = True
    with pytest.raises(telethon.errors.UserDeactivatedError):
        await client(functions.users.GetUsersRequest([telethon.tl.types.InputUserSelf()]))
