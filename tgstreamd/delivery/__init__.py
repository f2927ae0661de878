"""Turns jobs into calls to the target: schedules, prepares and sends them, and handles their outcomes and
errors."""
