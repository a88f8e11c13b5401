"""A user to try a door with, whatever the project's user model is."""

from __future__ import annotations

import datetime
import uuid
from decimal import Decimal
from typing import Any

from django.contrib.auth import get_user_model
from django.db import models
from django.utils import timezone

TEXT = "half-authenticated"


def somebody() -> Any:
    """Return the first active user of the database, or make one where there is none.

    Raises:
        ValueError: the user model requires what cannot be made up.
    """
    model: Any = get_user_model()
    users = model._base_manager.order_by("pk").iterator()
    return next((user for user in users if user.is_active), None) or make(model)


def make(model: Any) -> Any:
    """Make a user with nothing but what the model requires, and no usable password."""
    user = model()
    required = {model.USERNAME_FIELD, *model.REQUIRED_FIELDS}
    for field in model._meta.concrete_fields:
        if field.name in required or is_required(field):
            setattr(user, field.attname, made_up(field))
    user.set_unusable_password()
    user.save()
    return user


def is_required(field: Any) -> bool:
    """True if a row without a value for this field cannot be saved."""
    return not (
        field.null
        or field.has_default()
        or getattr(field, "has_db_default", bool)()
        or isinstance(field, models.AutoField)
        or getattr(field, "auto_now", False)
        or getattr(field, "auto_now_add", False)
        or getattr(field, "generated", False)
        or (field.is_relation and field.remote_field.parent_link)
        or (field.empty_strings_allowed and not field.primary_key)
    )


def made_up(field: Any) -> Any:
    """Return a value that the database takes; the validators of forms are not asked."""
    if field.has_default():
        return field.get_default()
    if field.choices:
        return field.flatchoices[0][0]
    if field.is_relation:
        return related(field)
    value = next((value for kind, value in VALUES if isinstance(field, kind)), None)
    if value is None:
        raise ValueError(f"No {field.model.__name__} can be made up ({field.name}): give user=.")
    if isinstance(value, str):
        return value[: field.max_length]
    return value() if callable(value) else value


def related(field: Any) -> Any:
    """Return the key of the first object there is, where a field names an object."""
    target = field.target_field.attname
    first = field.remote_field.model._base_manager.order_by("pk").values_list(target, flat=True)
    key = first.first()
    if key is None:
        raise ValueError(
            f"No {field.model.__name__} can be made up: there is no "
            f"{field.remote_field.model.__name__} for its {field.name}. Give user=."
        )
    return key


# Subclasses before what they are made from.
VALUES: list[tuple[type[models.Field[Any, Any]], Any]] = [
    (models.EmailField, "half@example.org"),
    (models.URLField, "https://example.org/"),
    (models.CharField, TEXT),
    (models.TextField, TEXT),
    (models.UUIDField, uuid.uuid4),
    (models.BooleanField, True),
    (models.IntegerField, 1),
    (models.FloatField, 1.0),
    (models.DecimalField, Decimal(1)),
    (models.DateTimeField, timezone.now),
    (models.DateField, datetime.date.today),
    (models.TimeField, datetime.time),
    (models.DurationField, datetime.timedelta),
    (models.JSONField, dict),
    (models.BinaryField, b""),
    (models.GenericIPAddressField, "192.0.2.1"),
]
