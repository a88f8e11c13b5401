"""What wagtail start makes."""
