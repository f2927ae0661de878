"""Telegram's waits and our own pace: when an account may ask, read and send."""
