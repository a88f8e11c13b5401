"""django-oscar, a shop."""
