"""A form that waited for its code goes on once, and no more are saved than may be, however many
ask at one moment."""

from __future__ import annotations

import time

import pytest

from tests.helpers import VERIFY
from tests.parallel.conftest import Site
from tests.parallel.few_forms import SAVED_REQUESTS
from tests.parallel.visitors import Visitor, at_once, codes_in, half_way

pytestmark = pytest.mark.once


def paid(site: Site, times: int) -> int:
    """Send a payment that wants a fresh code, type it, and follow at once so many times.

    Returns how often the view ran with what had been sent.
    """
    site.redis.flushall()
    visitor, code = half_way(site.port, site.box)
    visitor.send("POST", VERIFY, {"code": code})
    time.sleep(4.1)  # Now the view wants another one.
    assert visitor.send("POST", "/pay/", {"amount": "100"}).status == 302
    visitor.send("GET", VERIFY)
    way = visitor.send("POST", VERIFY, {"code": codes_in(site.box)[-1]}).location
    answers = at_once(site.port, [Visitor.request(visitor, "GET", way)] * times)
    assert {answer.status for answer in answers} <= {200, 302, 410}
    return sum(answer.text == "POST 100" for answer in answers)


def test_a_kept_form_goes_on_once(site: Site) -> None:
    """One of forty requests, in several workers, is the payment."""
    assert paid(site, 40) == 1


def test_proof_is_not_blind_to_a_form_that_goes_on_twice(broken_site: Site) -> None:
    """With get-then-delete it goes red."""
    assert any(paid(broken_site, 40) > 1 for _ in range(5))


def saved(site: Site, times: int) -> int:
    """Let two users send so many forms each at one moment; return how many are saved then."""
    site.redis.flushall()
    visitors = []
    for name in ("alice", "bob"):
        visitor, code = half_way(site.port, site.box, name)
        visitor.send("POST", VERIFY, {"code": code})
        visitors.append(visitor)
    time.sleep(4.1)  # Now the view wants another code of each.
    forms = [Visitor.request(one, "POST", "/pay/", {"amount": "100"}) for one in visitors]
    answers = at_once(site.port, forms * times)
    assert {answer.status for answer in answers} == {302}
    [key] = site.redis.keys("*:saved")
    return sum(field.startswith("r") for field in site.redis.hkeys(key))


def test_limit_of_the_site_holds_for_all_workers_together(site: Site) -> None:
    """Forty forms at one moment, counted and saved in one step each."""
    assert 1 <= saved(site, 20) <= SAVED_REQUESTS


def test_proof_is_not_blind_to_forms_beyond_the_limit(broken_site: Site) -> None:
    """With count-then-save it goes red."""
    assert any(saved(broken_site, 20) > SAVED_REQUESTS for _ in range(5))
