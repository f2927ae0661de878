"""tgstreamd: mirrors a Telegram group, message by message, as a systemd daemon."""

__version__ = "0.1.0"
