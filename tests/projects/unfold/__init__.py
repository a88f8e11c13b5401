"""The admin under django-unfold."""
