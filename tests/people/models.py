"""Users as other projects have them: other primary keys, other names for name and address."""

from __future__ import annotations

import uuid

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models


class UserManager(BaseUserManager["Person"]):
    def get_by_natural_key(self, username: str | None) -> Person:
        return self.get(**{self.model.USERNAME_FIELD: username})


class Person(AbstractBaseUser):
    """No `username`, no `email`, no `is_staff`."""

    handle = models.CharField(max_length=50, unique=True)
    contact = models.EmailField()

    USERNAME_FIELD = "handle"
    EMAIL_FIELD = "contact"
    objects = UserManager()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return str(self.handle)


class UUIDUser(Person):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)


class NamedUser(Person):
    key = models.CharField(primary_key=True, max_length=100)


class EmailUser(AbstractBaseUser):
    """Logs in by the address, and says nowhere that it is the email field."""

    email = models.EmailField(unique=True)

    USERNAME_FIELD = "email"
    objects = UserManager()

    def __str__(self) -> str:
        return str(self.email)


class Member(Person):
    """A parent table of its own."""

    number = models.UUIDField(unique=True)

    class Meta:
        abstract = False


class DemandingUser(Member):
    """Wants to know a lot."""

    kind = models.CharField(max_length=1, choices=[("a", "A"), ("b", "B")])
    born = models.DateField()
    shoes = models.DecimalField(max_digits=3, decimal_places=1)
    group = models.ForeignKey("auth.Group", models.CASCADE)
    joined = models.DateTimeField(auto_now_add=True)

    REQUIRED_FIELDS = ("contact", "kind", "born")  # type: ignore[assignment]
