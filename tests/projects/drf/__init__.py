"""A DRF API with simplejwt and dj-rest-auth, by session and by token."""
