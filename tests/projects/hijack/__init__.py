"""django-hijack: staff act as other users."""
