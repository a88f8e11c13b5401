"""Signals of the gate. Receivers run after the fact and cannot change what was decided.

All but `guessing_suspected` are sent with the user's class as sender and `user`; all but
`operator_code_made` with `request`.
They are sent robustly: a receiver that raises is logged (`django.dispatch`) and stops nobody.
"""

from __future__ import annotations

from otp_gate.django_internals import RobustSignal as Signal

code_sent = Signal()
"""A code left for a person. Arguments: `user`, `request`, `factor` (id), `reference`."""

code_accepted = Signal()
"""A session was verified. Arguments: `user`, `request`, `factor` (id)."""

session_key_changed = Signal(quiet=True)
"""The session got a new key because a code was right. Arguments: `user`, `request`, `old_key`,
`new_key`. Sent before `code_accepted`, when the session is stored under its new key and gone from
the old one. A receiver that fails is logged by the class of its exception only: a database quotes
the row, and so the session key."""

code_refused = Signal()
"""What was typed was refused. Arguments: `user`, `request`, `reason` (an `Outcome`)."""

user_locked = Signal()
"""A user's second step was locked. Arguments: `user`, `request`, `retry_after` (seconds, or None
where only an administrator or a new password unlocks it)."""

login_disowned = Signal()
"""A person said "this wasn't me". Arguments: `user`, `request`, `code_used` (bool: the code had
been accepted already, so somebody is in)."""

user_held = Signal()
"""No codes are sent to a user for a while, since a login was disowned. Arguments: `user`,
`request`, `retry_after` (seconds; a new password ends it before)."""

guessing_suspected = Signal()
"""Suspiciously many wrong answers on the whole site. Arguments: `request`, `number`, `window`
(seconds). Sent again at each multiple of the number in ALARM; of one user only ten count."""

operator_code_made = Signal()
"""An operator made a code to read out. Arguments: `user`, `operator` (who ran the command),
`expires_in` (seconds). There is no request."""

request_refused = Signal()
"""The gate turned a half-authenticated request away, or would have. Arguments: `request`,
`enforced` (bool: False with MODE "report"). The sender is the middleware's class, and the user is
not passed, since turning away loads none."""
