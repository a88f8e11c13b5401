"""As its documentation says, installed by hand."""

from __future__ import annotations

from tests.projects.three_lines import PLAIN_APPS, PLAIN_MIDDLEWARE, add_three_lines, templates

INSTALLED_APPS = [
    *PLAIN_APPS,
    "django.contrib.sites",
    "cms",
    "menus",
    "treebeard",
    "sekizai",
    "djangocms_text",
]
SITE_ID = 1
MIDDLEWARE = [
    *PLAIN_MIDDLEWARE,
    "django.middleware.locale.LocaleMiddleware",
    "cms.middleware.user.CurrentUserMiddleware",
    "cms.middleware.page.CurrentPageMiddleware",
    "cms.middleware.toolbar.ToolbarMiddleware",
    "cms.middleware.language.LanguageCookieMiddleware",
]
ROOT_URLCONF = "tests.projects.cms.urls"
TEMPLATES = templates(
    "django.template.context_processors.i18n",
    "sekizai.context_processors.sekizai",
    "cms.context_processors.cms_settings",
    dirs=("tests/projects/cms/templates",),
)
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "German")]
CMS_CONFIRM_VERSION4 = True
CMS_TEMPLATES = [("page.html", "Page")]
X_FRAME_OPTIONS = "SAMEORIGIN"
STATIC_URL = "static/"
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "/en/admin/"

add_three_lines(globals())
