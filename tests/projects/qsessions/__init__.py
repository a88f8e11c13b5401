"""django-qsessions, beside packages that note the session key: django-cas-ng and django-axes."""
