"""``manage.py create_token NAME``: credentials for a program."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser
from django.db import transaction
from rest_framework.authtoken.models import Token

from carousel.lib.console import OneLineCommand


class Command(OneLineCommand):
    help = (
        "Print an API token for the user NAME (made if there is none, without a password), "
        "and nothing else. Send it as: Authorization: Token <token>"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME")
        parser.add_argument("--staff", action="store_true", help="the user may also clear queues")
        parser.add_argument("--rotate", action="store_true", help="make the old token useless")
        parser.add_argument("--revoke", action="store_true", help="only take the token away")

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["name"]
        if options["revoke"]:
            if not Token.objects.filter(user__username=name).delete()[0]:
                raise CommandError(f"{name!r} has no token.")
            self.stderr.write(f"The token of {name!r} is revoked.")
            return
        self.stdout.write(token_for(name, staff=options["staff"], rotate=options["rotate"]))


@transaction.atomic
def token_for(name: str, *, staff: bool = False, rotate: bool = False) -> str:
    """The token of the user ``name``, who is made if need be. Raises CommandError in words."""
    users = get_user_model()
    if "\x00" in name:
        raise CommandError("A user's name can't contain NUL.")
    user = users.objects.filter(username=name).first()
    if user is None:
        user = users(username=name)
        user.set_unusable_password()
        try:
            user.full_clean(exclude=["password"])
        except ValidationError as exc:
            raise CommandError(
                f"{name!r} can't be a user's name: {' '.join(exc.messages)}"
            ) from exc
        user.save()
    if not user.is_active:
        raise CommandError(f"The user {name!r} is not active: activate it in the admin first.")
    if staff and not user.is_staff:
        user.is_staff = True
        user.save(update_fields=["is_staff"])
    if rotate:
        Token.objects.filter(user=user).delete()
    key: str = Token.objects.get_or_create(user=user)[0].key
    return key
