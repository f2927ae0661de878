"""auth.* and account.getPassword: logging in and out, and taking a login to another data centre.

Sources: telegram-facts.md, sections 1.5 and 7; https://core.telegram.org/api/auth and /api/qr-login.
"""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from typing import Any

from telethon.tl import functions, types

from tests.telegram.codes import Sent
from tests.telegram.dispatch import Call, Dispatcher, RpcError
from tests.telegram.logins import LoginToken
from tests.telegram.mtproto.keyring import AuthKey
from tests.telegram.srp import Verifier
from tests.telegram.world.peers import Account


def register(dispatcher: Dispatcher) -> None:
    """Add the methods of this module."""
    _register_codes(dispatcher)
    _register_password(dispatcher)
    _register_tokens(dispatcher)
    _register_keys(dispatcher)


def _key(call: Call) -> AuthKey:
    key = call.server.keys.get(call.dc_id, call.key_id)
    assert key is not None, "a request came over this key"
    return key


def _log_in(call: Call, account: Account) -> Any:
    """Make the key the account's; the Authorization to answer with."""
    if account.deactivated:
        raise RpcError(401, "USER_DEACTIVATED")
    key = _key(call)
    key.account_id = account.id
    key.half_login = None
    key.refusal = None
    call.server.save_keys()
    return types.auth.Authorization(call.world.peers.user(account, account.id))


def _log_in_or_ask(call: Call, account: Account) -> Any:
    """As `_log_in`, but an account with a password has to give it first."""
    if account.password is None:
        return _log_in(call, account)
    _key(call).half_login = account.id
    raise RpcError(401, "SESSION_PASSWORD_NEEDED")


def _digits(phone: str) -> str:
    return "".join(ch for ch in phone if ch.isdigit())


def code_without_account(phone: str) -> str:
    """The code of a number that nobody has: of Telegram's test numbers 99966XYYYY, five times X."""
    return phone[5] * 5 if re.fullmatch(r"99966\d{5}", phone) else "00000"


def _sent_code(call: Call, phone: str, sent: Sent, code_hash: str) -> Any:
    """The answer to sendCode and resendCode: in place of a code perhaps the login, or the password's turn."""
    account = call.world.peers.by_phone(phone)
    if sent.kind == "success":
        signed_up = _log_in(call, account) if account else types.auth.AuthorizationSignUpRequired()
        return types.auth.SentCodeSuccess(signed_up)
    if sent.kind == "password" and account is not None:
        return types.auth.SentCodeSuccess(_log_in_or_ask(call, account))
    usual = account.code if account is not None else code_without_account(phone)
    return sent.answer(code_hash, len(sent.code or usual))


def _check_application(request: Any) -> None:
    if request.api_id <= 0 or not request.api_hash:
        raise RpcError(400, "API_ID_INVALID")


def _register_codes(dispatcher: Dispatcher) -> None:
    on = dispatcher.on

    @on(functions.auth.SendCodeRequest)
    async def send_code(call: Call, request: Any) -> Any:
        _check_application(request)
        phone = _digits(request.phone_number)
        if not 7 <= len(phone) <= 15:
            raise RpcError(400, "PHONE_NUMBER_INVALID")
        account = call.world.peers.by_phone(phone)
        if account is not None and account.home_dc != call.dc_id:
            raise RpcError(303, f"PHONE_MIGRATE_{account.home_dc}")
        return _sent_code(call, phone, *call.server.logins.send_code(phone))

    @on(functions.auth.ResendCodeRequest)
    async def resend_code(call: Call, request: Any) -> Any:
        phone = _digits(request.phone_number)
        return _sent_code(call, phone, *call.server.logins.resend_code(phone, request.phone_code_hash))

    @on(functions.auth.CancelCodeRequest)
    async def cancel_code(call: Call, request: Any) -> bool:
        call.server.logins.cancel_code(_digits(request.phone_number))
        return True

    @on(functions.auth.SignInRequest)
    async def sign_in(call: Call, request: Any) -> Any:
        phone = _digits(request.phone_number)
        account = call.world.peers.by_phone(phone)
        expected = account.code if account is not None else code_without_account(phone)
        call.server.logins.check_code(phone, request, expected)
        if account is None:
            call.server.logins.may_sign_up[phone] = request.phone_code_hash
            return types.auth.AuthorizationSignUpRequired()
        return _log_in_or_ask(call, account)

    @on(functions.auth.SignUpRequest)
    async def sign_up(call: Call, request: Any) -> Any:
        phone = _digits(request.phone_number)
        if call.server.logins.may_sign_up.pop(phone, None) != request.phone_code_hash:
            raise RpcError(400, "PHONE_CODE_EXPIRED")
        if not request.first_name.strip():
            raise RpcError(400, "FIRSTNAME_INVALID")
        account = call.world.peers.add_account(
            request.first_name,
            last_name=request.last_name,
            phone=f"+{phone}",
            code=code_without_account(phone),
        )
        return _log_in(call, account)


def _register_password(dispatcher: Dispatcher) -> None:
    on = dispatcher.on

    def whose(call: Call) -> Account:
        half = _key(call).half_login
        return call.world.peers.by_id(half) if half is not None else call.me

    @on(functions.account.GetPasswordRequest)
    async def get_password(call: Call, request: Any) -> Any:
        account = whose(call)
        fresh = types.PasswordKdfAlgoSHA256SHA256PBKDF2HMACSHA512iter100000SHA256ModPow(
            os.urandom(8), os.urandom(16), 3, Verifier.PRIME
        )
        common: dict[str, Any] = {
            "new_algo": fresh,
            "new_secure_algo": types.SecurePasswordKdfAlgoPBKDF2HMACSHA512iter100000(os.urandom(8)),
            "secure_random": os.urandom(256),
        }
        if account.password is None:
            return types.account.Password(**common)
        verifier, srp = call.server.logins.begin_password(account)
        return types.account.Password(
            has_password=True,
            current_algo=verifier.algorithm(),
            srp_B=srp.b_public,
            hint=account.password_hint,
            srp_id=srp.id,
            **common,
        )

    @on(functions.auth.CheckPasswordRequest)
    async def check_password(call: Call, request: Any) -> Any:
        account = whose(call)
        proof = request.password
        if account.password is None or not isinstance(proof, types.InputCheckPasswordSRP):
            raise RpcError(400, "PASSWORD_HASH_INVALID")
        call.server.logins.check_password(account, proof.srp_id, proof.A, proof.M1)
        return _log_in(call, account)


def _register_tokens(dispatcher: Dispatcher) -> None:
    on = dispatcher.on

    def finish(call: Call, token: LoginToken) -> Any:
        account = call.world.peers.by_id(token.account_id or 0)
        if account.home_dc != call.dc_id:
            return types.auth.LoginTokenMigrateTo(account.home_dc, token.token)
        call.server.logins.use_up(token)
        return types.auth.LoginTokenSuccess(_log_in_or_ask(call, account))

    @on(functions.auth.ExportLoginTokenRequest)
    async def export_login_token(call: Call, request: Any) -> Any:
        _check_application(request)
        token = call.server.logins.show_token(_key(call))
        if token.account_id is not None:
            return finish(call, token)
        return types.auth.LoginToken(datetime.fromtimestamp(int(token.expires), UTC), token.token)

    @on(functions.auth.ImportLoginTokenRequest)
    async def import_login_token(call: Call, request: Any) -> Any:
        return finish(call, call.server.logins.import_token(request.token))

    @on(functions.auth.AcceptLoginTokenRequest)
    async def accept_login_token(call: Call, request: Any) -> Any:
        call.server.logins.accept(request.token, call.me)
        now = datetime.fromtimestamp(int(call.world.now()), UTC)
        return types.Authorization(
            hash=1,
            device_model="?",
            platform="?",
            system_version="?",
            api_id=_key(call).api_id,
            app_name="?",
            app_version="?",
            date_created=now,
            date_active=now,
            ip="127.0.0.1",
            country="",
            region="",
        )


def _register_keys(dispatcher: Dispatcher) -> None:
    on = dispatcher.on

    @on(functions.auth.ImportBotAuthorizationRequest)
    async def import_bot_authorization(call: Call, request: Any) -> Any:
        _check_application(request)
        account = call.world.peers.by_token(request.bot_auth_token)
        if account is None:
            raise RpcError(400, "ACCESS_TOKEN_INVALID")
        if account.home_dc != call.dc_id:
            raise RpcError(303, f"USER_MIGRATE_{account.home_dc}")
        return _log_in(call, account)

    @on(functions.auth.LogOutRequest)
    async def log_out(call: Call, request: Any) -> Any:
        key = _key(call)
        call.server.log_out(key)
        return types.auth.LoggedOut()

    @on(functions.auth.ExportAuthorizationRequest)
    async def export_authorization(call: Call, request: Any) -> Any:
        if request.dc_id == call.dc_id or request.dc_id not in call.server.dcs:
            raise RpcError(400, "DC_ID_INVALID")
        number, data = call.server.logins.export(call.me, _key(call), request.dc_id)
        return types.auth.ExportedAuthorization(number, data)

    @on(functions.auth.ImportAuthorizationRequest)
    async def import_authorization(call: Call, request: Any) -> Any:
        export = call.server.logins.import_(request.id, request.bytes, call.dc_id)
        answer = _log_in(call, call.world.peers.by_id(export.account_id))
        _key(call).parent = export.from_key.id
        return answer
