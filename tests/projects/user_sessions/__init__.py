"""The project `qsessions` on the engine of django-user-sessions, in the same environment."""
