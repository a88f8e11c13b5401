"""Whom `assertGated` logs in: with any user model, made up where nobody is there."""

from __future__ import annotations

import datetime
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import models

from otp_gate.testing import somebody
from otp_gate.testing.people import is_required, made_up


def field(made: Any, name: str = "thing") -> Any:
    """Return a field as it is in a model."""
    made.set_attributes_from_name(name)
    made.model = User
    return made


@pytest.mark.parametrize(
    "made",
    [
        models.CharField(max_length=5),
        models.EmailField(),
        models.URLField(),
        models.TextField(),
        models.UUIDField(),
        models.BooleanField(),
        models.SmallIntegerField(),
        models.FloatField(),
        models.DecimalField(max_digits=5, decimal_places=2),
        models.DateField(),
        models.DateTimeField(),
        models.TimeField(),
        models.DurationField(),
        models.JSONField(blank=True),
        models.BinaryField(),
        models.GenericIPAddressField(),
        models.SlugField(max_length=5, choices=[("Odd", [("b", "B")]), ("a", "A")]),
        models.IntegerField(default=7, choices=[(1, "one"), (7, "seven")]),
    ],
    ids=lambda made: type(made).__name__,
)
def test_a_value_for_every_field_of_djangos(made: Any) -> None:
    """One that the field itself takes."""
    field(made)
    made.clean(made_up(made), None)


def test_what_django_fills_in_is_left_to_it() -> None:
    """Defaults, what may be empty, and what counts by itself."""
    now = datetime.datetime.now
    for made in (
        models.CharField(max_length=5),
        models.IntegerField(default=1),
        models.IntegerField(null=True),
        models.IntegerField(db_default=1),
        models.DateTimeField(auto_now=True),
        models.DateTimeField(auto_now_add=True),
        models.DateTimeField(default=now),
        models.BigAutoField(primary_key=True),
        models.UUIDField(default=now),
    ):
        assert not is_required(field(made))
    for made in (
        models.IntegerField(),
        models.UUIDField(primary_key=True),
        models.CharField(max_length=5, primary_key=True),
    ):
        assert is_required(field(made))


def test_what_cannot_be_made_up_is_named() -> None:
    """With the way out."""
    with pytest.raises(ValueError, match=r"No User can be made up \(thing\): give user="):
        made_up(field(models.Field()))


def test_an_object_is_taken_from_those_that_are_there(db: None) -> None:
    """A required relation; and it says what is missing."""
    made = Group._meta.get_field("permissions").remote_field.through._meta.get_field("group")
    with pytest.raises(ValueError, match=r"there is no Group for its group\. Give user="):
        made_up(made)
    group = Group.objects.create(name="editors")
    assert made_up(made) == group.pk


def test_who_is_there_comes_first(alice: Any, bob: Any) -> None:
    """By primary key, and active."""
    assert somebody() == alice
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert somebody() == bob


@pytest.mark.parametrize("model", ["people.UUIDUser", "people.NamedUser", "people.DemandingUser"])
def test_any_user_model(model: str) -> None:
    """A UUID, a text, a parent, a relation, many required fields: made, and logged in."""
    environ = {**os.environ, "USER_MODEL": model, "DJANGO_SETTINGS_MODULE": "tests.people.settings"}
    told = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.people.doors"],
        cwd=Path(__file__).parent.parent,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (told.returncode, told.stderr[-3000:]) == (0, "")
