"""Tells the operator what needs a person: heartbeat, command, a message, and one line a day in the journal.

`decide` says what to tell and when (`alarms`, `telling`, `pulse`); here it is carried out. Nothing in here
stops a mirror, and trouble with an alert is never an alert.
"""
