"""django-allauth, with a social provider and login by code."""
