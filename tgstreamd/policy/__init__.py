"""Pure decisions: what is sent, when, what an error means, whether a mirror may run, what is a copy.

No async, no I/O, no clock: each is a function of values, tested by tables and properties.
"""
