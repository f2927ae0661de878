"""What Telegram's error names mean, in words for the operator, and what to do.

Only words: which error of ours a name becomes is decided in `translate`. A name without a saying is shown
as it is.
"""

from __future__ import annotations

from typing import Final

#: What is left to do for an account, or a number, that Telegram has banned or deleted.
RECOVER: Final = "its owner may write to recover@telegram.org; with another account: tgstreamd login"

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
    "API_ID_PUBLISHED_FLOOD": "this api_id is public, and Telegram refuses it for new logins",
    "PHONE_NUMBER_BANNED": "Telegram has banned this phone number",
    "PHONE_NUMBER_FLOOD": "too many codes were asked for this phone number",
    "PHONE_PASSWORD_FLOOD": "the password was wrong too often",
    "PHONE_CODE_EXPIRED": "the code has expired",
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
    "API_ID_PUBLISHED_FLOOD": "get your own at https://my.telegram.org",
    "PHONE_NUMBER_BANNED": RECOVER,
    "PHONE_NUMBER_FLOOD": "try again tomorrow; `tgstreamd login --qr` needs no code",
    "PHONE_PASSWORD_FLOOD": "try again tomorrow",
    "PHONE_CODE_EXPIRED": "`tgstreamd login` asks for a new one",
    "SEND_CODE_UNAVAILABLE": "`tgstreamd login --qr` needs no code",
    "UPDATE_APP_TO_LOGIN": "install a newer tgstreamd",
    "AUTH_TOKEN_EXPIRED": "`tgstreamd login --qr` draws a new one",
    "AUTH_RESTART": "tgstreamd login",
    "USER_BANNED_IN_CHANNEL": "ask @SpamBot in the app whether the account is limited",
    "PEER_FLOOD": "ask @SpamBot in the app; sending goes on by itself later",
    "FROZEN_METHOD_INVALID": "its owner must appeal in the app",
    "FROZEN_PARTICIPANT_MISSING": "its owner must appeal in the app",
    "CHAT_FORWARDS_RESTRICTED": "an owner can lift it: Chat settings, Restrict saving content",
    "CHAT_WRITE_FORBIDDEN": "make the account an administrator of the target",
    "TOPIC_CLOSED": "reopen the topic, or give the account the right to manage topics",
}
