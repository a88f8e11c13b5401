"""The answer to each word of the model: its status, and what it says or where it leads."""

from __future__ import annotations

from tests.helpers import VERIFY

HTML_ANSWERS = {
    "out": (302, "/login/"),
    "in": (302, "/"),
    "disowned": (302, "/login/"),
    "signed out": (302, "/login/"),
    "alive": (200, 'name="code"'),
    "issued": (200, 'name="code"'),
    "reload": (200, 'name="code"'),
    "sent": (302, VERIFY),
    "cooldown": (429, "Please wait"),
    "too_many": (429, 'name="code"'),
    "locked": (429, "Codes are locked"),
    "held": (429, "No codes are sent at the moment"),
    "none": (200, "No code"),
    "expired": (200, "One-time password has expired"),
    "used_up": (200, "Too many wrong"),
    "superseded": (200, "earlier"),
    "invalid": (200, "Invalid one-time password"),
    "accepted": (302, "/"),
    "link done": (200, ""),
    "link used": (200, "password"),
    "link invalid": (400, ""),
}
JSON_ANSWERS = {
    "out": (403, '"login_required"'),
    "in": (200, '"verified"'),
    "disowned": (403, '"login_required"'),
    "disowned (poll)": (403, '"login_required"'),
    "signed out": (200, '"logged_out"'),
    "alive (poll)": (200, '"pending"'),
    "none (poll)": (200, '"none"'),
    "expired (poll)": (200, '"expired"'),
    "used_up (poll)": (200, '"used_up"'),
    "locked (poll)": (429, '"locked"'),
    "held (poll)": (429, '"held"'),
    "sent": (200, '"sent"'),
    "cooldown": (429, '"cooldown"'),
    "too_many": (429, '"cooldown"'),
    "locked": (429, '"locked"'),
    "held": (429, '"held"'),
    "none": (400, "No code is waiting"),
    "expired": (400, '"expired"'),
    "used_up": (400, '"invalid"'),
    "superseded": (400, '"superseded"'),
    "invalid": (400, '"invalid"'),
    "accepted": (200, '"verified"'),
    "link done": (200, '"done"'),
    "link used": (200, '"used"'),
    "link invalid": (400, '"invalid"'),
}
ANSWERS = {False: HTML_ANSWERS, True: JSON_ANSWERS}
