"""The second factor that any Django project can switch on in three lines."""

__version__ = "0.1.0"
