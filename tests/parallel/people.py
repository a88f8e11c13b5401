"""`python -m tests.parallel.people NAME...`: make the tables and the people of a site."""

from __future__ import annotations

import sys

import django


def main() -> None:
    django.setup()
    from django.contrib.auth import get_user_model
    from django.core.management import call_command

    from tests.helpers import PASSWORD

    call_command("migrate", verbosity=0)
    for name in sys.argv[1:]:
        get_user_model().objects.create_user(name, f"{name}@example.org", PASSWORD)


if __name__ == "__main__":
    main()
