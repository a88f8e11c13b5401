from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models


class SessionTicket(models.Model):
    session_key: Any = models.CharField(max_length=736)
    ticket: Any = models.CharField(max_length=1024)

    class Meta:
        app_label = "django_cas_ng"


class ProxyGrantingTicket(models.Model):
    session_key: Any = models.CharField(max_length=736, blank=True, null=True)
    user: Any = models.ForeignKey(
        settings.AUTH_USER_MODEL, related_name="+", null=True, on_delete=models.CASCADE
    )
    pgt: Any = models.CharField(max_length=255)

    class Meta:
        app_label = "django_cas_ng"
        unique_together = ("session_key", "user")
