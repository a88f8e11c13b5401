"""As django-cas-ng 5.1: the tickets of a single sign-on server, by session key."""
