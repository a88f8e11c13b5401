"""Whole logins in a row, while servers die, slots move, and everybody comes at once.

`make torture` runs all of it for as long as it takes; with `OTP_GATE_TORTURE=short` it is over in
a minute, with everything tried once.
"""
