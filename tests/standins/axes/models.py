from __future__ import annotations

from typing import Any

from django.db import models


class AccessLog(models.Model):
    username: Any = models.CharField(max_length=255)
    session_hash: Any = models.CharField(max_length=64, default="", blank=True)
    logout_time: Any = models.DateTimeField(null=True, blank=True)

    class Meta:
        app_label = "axes"
