"""Pure decisions: what is sent and when, what follows an error, whether a mirror may run, what is a copy.

No async, no I/O, no clock: each decision is a function of values, tested by tables and properties.
"""
