"""As its documentation says."""

from __future__ import annotations

from tests.projects.tenants import parts
from tests.projects.three_lines import PLAIN_APPS, PLAIN_MIDDLEWARE, add_three_lines, templates

SHARED_APPS = ["django_tenants", "tests.projects.tenants"]
TENANT_APPS = PLAIN_APPS
INSTALLED_APPS = [*SHARED_APPS, *TENANT_APPS]
TENANT_MODEL = "tenants.Customer"
TENANT_DOMAIN_MODEL = "tenants.Domain"
MIDDLEWARE = ["django_tenants.middleware.main.TenantMainMiddleware", *PLAIN_MIDDLEWARE]
DATABASES = {"default": parts.database()}
DATABASE_ROUTERS = ["django_tenants.routers.TenantSyncRouter"]
CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": parts.redis(),
        "KEY_FUNCTION": "django_tenants.cache.make_key",
        "REVERSE_KEY_FUNCTION": "django_tenants.cache.reverse_key",
    }
}
ROOT_URLCONF = "tests.projects.tenants.urls"
TEMPLATES = templates()
STATIC_URL = "static/"
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "/admin/"
# The clock of Redis does not travel with that of the run: all codes are sent within a minute of it.
OTP_GATE = {"SENDS": [(1000, 60)], "RESEND_COOLDOWN": 0}

add_three_lines(globals())
