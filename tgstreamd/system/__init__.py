"""Interfaces to the machine: systemd, journald, log set-up, lock, kernel settings, permissions, resources."""
