"""Prompts the user: lines, lists to pick from, a login, a mirror's options; and writes the configuration
file."""
