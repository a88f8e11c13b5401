"""`python -m tests.parallel.people NAME[=ADDRESS]...`: make the tables and people of a site."""

from __future__ import annotations

import sys

import django


def main() -> None:
    django.setup()
    from django.contrib.auth import get_user_model
    from django.core.management import call_command

    from tests.helpers import PASSWORD

    call_command("migrate", verbosity=0)
    for argument in sys.argv[1:]:
        name, _, address = argument.partition("=")
        address = address or f"{name}@example.org"
        get_user_model().objects.create_user(name, address, PASSWORD)


if __name__ == "__main__":
    main()
