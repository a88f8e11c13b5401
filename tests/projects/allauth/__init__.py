"""django-allauth, with a social provider, login by code, its second factors, sessions and headless."""
