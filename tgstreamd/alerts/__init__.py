"""Notifies the operator of what needs attention: heartbeat, command, message, and a daily line in the
journal.

`policy` decides what to report and when (`alert_conditions`, `alert_state`); this package carries it out.
Nothing here stops a mirror, and a failing alert never raises another alert.
"""
