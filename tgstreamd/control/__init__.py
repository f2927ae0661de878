"""Answers the operator's commands, with the daemon running or stopped."""
