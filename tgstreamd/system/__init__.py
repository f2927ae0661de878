"""The machine: systemd, journald, log set-up, the lock, kernel settings, permissions, resources."""
