"""What Telegram's error names mean, in words for the operator, and what to do.

Only words: which error of ours a name becomes is decided in `translate`. A name without a saying is shown
as it is.
"""

from __future__ import annotations

from typing import Final

#: What is left to do for an account, or a number, that Telegram has banned or deleted.
RECOVER: Final = "its owner may write to recover@telegram.org; with another account: tgstreamd login"
#: The way where no code comes, what an expired one needs, and what there is to do about an e-mail address.
NO_CODE: Final = "`tgstreamd login --qr` needs no code"
NEW_CODE: Final = "`tgstreamd login` asks for a new one"
EMAIL: Final = f"set one up in an official app (Settings, Privacy and Security, Login Email), or: {NO_CODE}"
#: Who need not pay where messages cost Stars.
FREE: Final = "administrators write there for nothing: make this account one, or choose another target"

SAYINGS: Final[dict[str, str]] = {
    "AUTH_KEY_UNREGISTERED": "this session is not logged in, or its login was ended",
    "AUTH_KEY_INVALID": "this session is not valid",
    "AUTH_KEY_DUPLICATED": "this session was used from two places at once, and Telegram ended it",
    "SESSION_REVOKED": "this login was ended from another device",
    "SESSION_EXPIRED": "this login has expired",
    "SESSION_PASSWORD_NEEDED": "the login was not completed: the 2FA password is missing",
    "USER_DEACTIVATED": "the account was deleted",
    "USER_DEACTIVATED_BAN": "the account was banned",
    "API_ID_INVALID": "the pair of api_id and api_hash is not valid",
    "CONNECTION_API_ID_INVALID": "the api_id is not valid",
    "API_ID_PUBLISHED_FLOOD": "this api_id is public, and Telegram refuses it for new logins",
    "PHONE_NUMBER_BANNED": "Telegram has banned this phone number",
    "PHONE_NUMBER_FLOOD": "too many codes were asked for this phone number",
    "PHONE_PASSWORD_FLOOD": "the password was wrong too often",
    "PHONE_PASSWORD_PROTECTED": "this phone number has a password, and Telegram sends it no code",
    "PHONE_NUMBER_APP_SIGNUP_FORBIDDEN": "this phone number has no Telegram account, and gets none from here",
    "PHONE_NUMBER_UNOCCUPIED": "this phone number has no Telegram account",
    "PHONE_CODE_EXPIRED": "the code has expired",
    "PHONE_HASH_EXPIRED": "the code has expired",
    "EMAIL_VERIFY_EXPIRED": "the code has expired",
    "EMAIL_HASH_EXPIRED": "the code has expired",
    "EMAIL_INSTALL_MISSING": "Telegram sends its codes by e-mail, and the account has no address for them",
    "EMAIL_NOT_SETUP": "Telegram sends its codes by e-mail, and the account has no address for them",
    "EMAIL_NOT_ALLOWED": "Telegram sends no code to that e-mail address",
    "EMAIL_INVALID": "Telegram sends no code to that e-mail address",
    "EMAIL_UNCONFIRMED": "the account's e-mail address for logins is not confirmed yet",
    "SMS_CODE_CREATE_FAILED": "Telegram could not make a code to send by SMS",
    "SRP_PASSWORD_CHANGED": "the password was changed just now",
    "SEND_CODE_UNAVAILABLE": "Telegram sends no further code to this number now",
    "UPDATE_APP_TO_LOGIN": "Telegram wants a newer program for this login",
    "AUTH_TOKEN_EXPIRED": "the QR code has expired",
    "AUTH_RESTART": "Telegram wants the login from the beginning",
    "CHANNEL_PRIVATE": "the chat is private, or the account was removed from it",
    "CHANNEL_INVALID": "there is no such chat for this account",
    "CHANNEL_PUBLIC_GROUP_NA": "the chat is not available to this account",
    "CHANNEL_FORUM_MISSING": "the chat has no topics",
    "CHAT_ID_INVALID": "there is no such group for this account",
    "CHAT_FORBIDDEN": "the account was removed from the group",
    "PEER_ID_INVALID": "there is no such chat for this account",
    "USER_NOT_PARTICIPANT": "the account is not a member",
    "CHAT_ADMIN_REQUIRED": "this needs an administrator of the chat",
    "CHAT_WRITE_FORBIDDEN": "the account may not write there",
    "CHAT_RESTRICTED": "the account is restricted there",
    "CHAT_GUEST_SEND_FORBIDDEN": "only members may write there",
    "USER_BANNED_IN_CHANNEL": "the account may not write in groups of this kind",
    "CHAT_FORWARDS_RESTRICTED": "the source is protected against copying",
    "ALLOW_PAYMENT_REQUIRED": "each message costs Stars there, and tgstreamd never pays",
    "BALANCE_TOO_LOW": "this costs Stars, and tgstreamd never pays",
    "TOPIC_CLOSED": "topic closed",
    "TOPIC_DELETED": "topic deleted",
    "PEER_FLOOD": "Telegram holds this account for a sender of bulk",
    "FROZEN_METHOD_INVALID": "the account is frozen",
    "FROZEN_PARTICIPANT_MISSING": "the account is frozen",
    "RANDOM_ID_DUPLICATE": "this call is still under way",
    "MESSAGE_TOO_LONG": "the text is too long",
    "MEDIA_CAPTION_TOO_LONG": "the caption is too long",
    "MESSAGE_EMPTY": "the message is empty",
    "REPLY_MESSAGE_ID_INVALID": "the answered message is gone",
    "QUOTE_TEXT_INVALID": "the quoted words are not in the answered message",
    "PREMIUM_ACCOUNT_REQUIRED": "this needs a Premium account",
    "FILE_PARTS_INVALID": "the uploaded parts have expired or do not fit together",
    "MULTI_MEDIA_TOO_LONG": "an album has at most ten items",
}

HINTS: Final[dict[str, str]] = {
    "AUTH_KEY_DUPLICATED": "stop the other program that uses this session, then: tgstreamd login",
    "USER_DEACTIVATED": RECOVER,
    "USER_DEACTIVATED_BAN": RECOVER,
    "API_ID_INVALID": "take both from https://my.telegram.org",
    "CONNECTION_API_ID_INVALID": "take both from https://my.telegram.org",
    "API_ID_PUBLISHED_FLOOD": "get your own at https://my.telegram.org",
    "PHONE_NUMBER_BANNED": RECOVER,
    "PHONE_NUMBER_FLOOD": f"try again tomorrow; {NO_CODE}",
    "PHONE_PASSWORD_FLOOD": "try again tomorrow",
    "PHONE_PASSWORD_PROTECTED": NO_CODE,
    "PHONE_NUMBER_APP_SIGNUP_FORBIDDEN": "sign up in a Telegram app first",
    "PHONE_NUMBER_UNOCCUPIED": "sign up in a Telegram app first",
    "PHONE_CODE_EXPIRED": NEW_CODE,
    "PHONE_HASH_EXPIRED": NEW_CODE,
    "EMAIL_VERIFY_EXPIRED": NEW_CODE,
    "EMAIL_HASH_EXPIRED": NEW_CODE,
    "EMAIL_INSTALL_MISSING": EMAIL,
    "EMAIL_NOT_SETUP": EMAIL,
    "EMAIL_NOT_ALLOWED": EMAIL,
    "EMAIL_INVALID": EMAIL,
    "EMAIL_UNCONFIRMED": EMAIL,
    "SMS_CODE_CREATE_FAILED": f"try again later; {NO_CODE}",
    "SRP_PASSWORD_CHANGED": "log in again with the new one",
    "SEND_CODE_UNAVAILABLE": NO_CODE,
    "UPDATE_APP_TO_LOGIN": "`tgstreamd login --qr` may do without; else install a newer tgstreamd",
    "AUTH_TOKEN_EXPIRED": "`tgstreamd login --qr` draws a new one",
    "AUTH_RESTART": "tgstreamd login",
    "USER_BANNED_IN_CHANNEL": "ask @SpamBot in the app whether the account is limited",
    "ALLOW_PAYMENT_REQUIRED": FREE,
    "BALANCE_TOO_LOW": FREE,
    "PEER_FLOOD": "ask @SpamBot in the app; sending goes on by itself later",
    "FROZEN_METHOD_INVALID": "its owner must appeal in the app",
    "FROZEN_PARTICIPANT_MISSING": "its owner must appeal in the app",
    "CHAT_FORWARDS_RESTRICTED": "an owner can lift it: Chat settings, Restrict saving content",
    "CHAT_WRITE_FORBIDDEN": "make the account an administrator of the target",
    "TOPIC_CLOSED": "reopen the topic, or give the account the right to manage topics",
}
