"""As django-axes 8.3: when a session began and ended, by a digest of its key."""
