"""A decorator on a class changes the class that it is put on, and nothing else."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from django.contrib.auth.views import LogoutView
from django.contrib.syndication.views import Feed
from django.views.generic import TemplateView

from otp_gate.decorators import otp_exempt, otp_required
from tests import views
from tests.clock import Clock
from tests.commands import manage
from tests.gates import assert_held
from tests.urlconfs import class_views
from tests.urlconfs.class_views import ANY_AGE, FRESH, OPEN, SHUT

DECORATORS = [otp_exempt, otp_required]


@pytest.fixture(autouse=True)
def urls(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.urlconfs.class_views"


@pytest.mark.parametrize("name", OPEN)
def test_exempt_class_is_open(held: Any, name: str) -> None:
    """And sees nobody."""
    assert b"secret of nobody" in held.get(f"/{name}/").content


@pytest.mark.parametrize("name", SHUT)
def test_relative_of_exempt_class_is_gated(held: Any, name: str) -> None:
    """A parent, a subclass, the same class at another address."""
    assert_held(held.get(f"/{name}/"), f"/{name}/")


def test_list_of_urls_agrees(settings: Any) -> None:
    """Open is what was named, and nothing else."""
    lines = [line.split() for line in manage("urls").out.splitlines()]
    found = {line[1]: line[2] for line in lines if len(line) > 2}
    assert {found[name] for name in OPEN} == {"exempt"}
    assert {found[name] for name in SHUT} == {"gated"}


@pytest.mark.parametrize("name", FRESH)
def test_required_class_and_its_subclasses_ask_again(passed: Any, clock: Clock, name: str) -> None:
    """A subclass is as sensitive as what it is made from."""
    assert b"secret of alice" in passed.get(f"/{name}/").content
    clock.advance(301)
    views.RAN.clear()
    assert_held(passed.get(f"/{name}/"), f"/{name}/")


@pytest.mark.parametrize("name", ANY_AGE)
def test_class_that_was_required_elsewhere_asks_for_nothing(
    passed: Any, clock: Clock, name: str
) -> None:
    """A step-up was wanted for another address."""
    clock.advance(301)
    assert b"secret of alice" in passed.get(f"/{name}/").content


def test_class_after_decorated_one_is_asked(verified: Any) -> None:
    """`super` goes on through all bases of a subclass."""
    assert verified.get("/pay-mixed/").status_code == 200
    assert views.RAN["mixin"] == 1


@pytest.mark.parametrize("decorate", DECORATORS)
def test_decorated_class_passes_for_the_class_it_was(decorate: Any) -> None:
    """By name, text and relatives; and the class that it was made of has not changed."""
    before = dict(vars(LogoutView))
    decorated = decorate(LogoutView)
    assert dict(vars(LogoutView)) == before
    for name in ("__name__", "__qualname__", "__module__", "__doc__"):
        assert getattr(decorated, name) == getattr(LogoutView, name)
    assert issubclass(decorated.as_view().view_class, LogoutView)
    assert isinstance(decorated(), LogoutView)
    assert repr(decorated) == repr(LogoutView)


@pytest.mark.parametrize("name", ["About", "OpenByName", "Pay", "RequiredByName"])
def test_decorated_class_can_be_pickled(name: str) -> None:
    """As any class, by the name under which its module has it; and so can its objects."""
    view_class = getattr(class_views, name)
    assert pickle.loads(pickle.dumps(view_class)) is view_class  # noqa: S301
    assert type(pickle.loads(pickle.dumps(view_class()))) is view_class  # noqa: S301


@pytest.mark.parametrize("decorate", DECORATORS)
def test_as_view_takes_and_refuses_what_it_did(decorate: Any) -> None:
    """Options of the class, no others; and it is a method of the class alone."""
    decorated = decorate(TemplateView)
    assert decorated.as_view(template_name="x").view_initkwargs == {"template_name": "x"}
    with pytest.raises(TypeError, match="invalid keyword"):
        decorated.as_view(unheard_of=1)
    with pytest.raises(AttributeError, match="only on the class"):
        decorated().as_view()


@pytest.mark.parametrize("decorate", DECORATORS)
def test_class_without_as_view_is_refused(decorate: Any) -> None:
    """At once, with what to do."""
    with pytest.raises(TypeError, match=r"Feed has no as_view\(\)"):
        decorate(Feed)
