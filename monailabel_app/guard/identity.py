"""Who asks, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass

from monailabel.config import settings

from monailabel_app.guard.api_keys import ROLE_NAMES, ApiKeys
from monailabel_app.guard.tokens import TokenVerifier
from monailabel_app.settings import server_settings
from prsmed.errors import PRSMedError

ROLES = {name: getattr(settings, f"MONAI_LABEL_AUTH_ROLE_{name.upper()}") for name in ROLE_NAMES}
"""Our short names of MONAI Label's roles, and its own."""


@dataclass(frozen=True)
class Person:
    """Who sent a request: name and short names of roles."""

    name: str
    roles: frozenset[str]

    def may(self, role: str) -> bool:
        """Whether they have the role, or one that is mightier."""
        return any(ROLE_NAMES.index(own) <= ROLE_NAMES.index(role) for own in self.roles)


EVERYONE = Person("local", frozenset(ROLES))
"""Whoever is at this machine, when no keys and no tokens are asked for."""


class Doorkeeper:
    """Tells who somebody is from what they show.

    Keys (``PRSMED_API_KEYS``) and tokens (``MONAI_LABEL_AUTH_ENABLE``) may be used together. With neither, only this
    machine itself is let in.
    """

    def __init__(self) -> None:
        chosen = server_settings()
        self.keys = ApiKeys(chosen.api_keys) if chosen.api_keys else None
        self.tokens: TokenVerifier | None = None
        if settings.MONAI_LABEL_AUTH_ENABLE:
            self.tokens = TokenVerifier(
                settings.MONAI_LABEL_AUTH_REALM_URI,
                audience=chosen.jwt_audience or settings.MONAI_LABEL_AUTH_CLIENT_ID,
                name_claim=settings.MONAI_LABEL_AUTH_TOKEN_USERNAME,
                roles_claim=settings.MONAI_LABEL_AUTH_TOKEN_ROLES,
                timeout=settings.MONAI_LABEL_AUTH_TIMEOUT,
            )

    @property
    def is_asking(self) -> bool:
        """Whether people have to say who they are."""
        return self.keys is not None or self.tokens is not None

    def person(self, shown: str | None) -> Person:
        """Who shows a key or token.

        Raises:
            PRSMedError: ``unauthorized``.
        """
        if not self.is_asking:
            return EVERYONE
        if not shown:
            raise PRSMedError("unauthorized", "no key was shown; send the header Authorization: Bearer KEY")
        if self.keys is not None and (found := self.keys.find(shown)):
            return Person(*found)
        if self.tokens is not None:
            name, roles = self.tokens.verify(shown)
            return Person(name, frozenset(short for short, long in ROLES.items() if long in roles))
        raise PRSMedError("unauthorized", "the key is not known; ask whoever runs the server for one")
