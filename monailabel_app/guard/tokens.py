"""JSON Web Tokens of an OpenID Connect realm such as Keycloak's."""

from __future__ import annotations

import logging
import re
from functools import cached_property
from typing import Any

import jwt
import requests

from prsmed.errors import PRSMedError

logger = logging.getLogger(__name__)

# Public-key signatures only: with a shared secret whoever can check a token can make one.
_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
_LEEWAY_SECONDS = 30
_ODD, _LONGEST_NAME = re.compile(r"[^\w.@ -]"), 64
_REQUIRED = ["exp", "iss", "aud"]


class TokenVerifier:
    """Checks signature, issuer, audience and expiry of tokens.

    Args:
        realm: URI of the realm, which is also the issuer.
        audience: Who the tokens have to be for.
        name_claim: Claim with the user's name.
        roles_claim: Claim with the roles, ``#`` between the levels (``realm_access#roles``).
        timeout: Seconds to wait for the realm.
    """

    def __init__(self, realm: str, *, audience: str, name_claim: str, roles_claim: str, timeout: float) -> None:
        self._realm = realm.rstrip("/")
        self._audience, self._name_claim, self._roles_claim = audience, name_claim, roles_claim
        self._timeout = timeout

    def verify(self, token: str) -> tuple[str, frozenset[str]]:
        """Name and roles of a token's bearer.

        Raises:
            PRSMedError: ``unauthorized``, whatever is wrong with it; ``realm_unreachable``.
        """
        try:
            key = self._keys.get_signing_key_from_jwt(token)
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=_ALGORITHMS,
                audience=self._audience,
                issuer=self._realm,
                leeway=_LEEWAY_SECONDS,
                options={"require": _REQUIRED},
            )
        except PRSMedError:
            raise
        except jwt.PyJWKClientConnectionError as error:
            raise self._unreachable() from error
        except (jwt.PyJWTError, ValueError) as error:
            logger.info("A token was refused: %s", type(error).__name__)
            raise PRSMedError("unauthorized", "the token is not valid, or no longer; sign in again") from error
        name = str(claims.get(self._name_claim) or claims.get("sub", ""))
        # It goes into the log, where a line is to stay a line.
        return _ODD.sub("_", name)[:_LONGEST_NAME], self._roles(claims)

    def token(self, username: str, password: str, client: str) -> dict[str, Any]:
        """Sign somebody in at the realm, as stock clients ask for.

        Raises:
            PRSMedError: ``unauthorized``, ``realm_unreachable``.
        """
        data = {"client_id": client, "username": username, "password": password, "grant_type": "password"}
        try:
            response = requests.post(self._endpoints["token_endpoint"], data=data, timeout=self._timeout)
        except requests.RequestException as error:
            raise self._unreachable() from error
        if not response.ok:
            raise PRSMedError("unauthorized", "name or password is wrong")
        granted = response.json()
        return {"access_token": granted["access_token"], "token_type": granted.get("token_type", "Bearer")}

    @cached_property
    def _endpoints(self) -> dict[str, str]:
        try:
            response = requests.get(f"{self._realm}/.well-known/openid-configuration", timeout=self._timeout)
            response.raise_for_status()
            found: dict[str, str] = response.json()
        except (requests.RequestException, ValueError) as error:
            raise self._unreachable() from error
        return found

    @cached_property
    def _keys(self) -> jwt.PyJWKClient:
        return jwt.PyJWKClient(self._endpoints["jwks_uri"], timeout=int(self._timeout))

    def _roles(self, claims: dict[str, Any]) -> frozenset[str]:
        found: Any = claims
        for level in self._roles_claim.split("#"):
            found = found.get(level) if isinstance(found, dict) else None
        return frozenset(role for role in found if isinstance(role, str)) if isinstance(found, list) else frozenset()

    def _unreachable(self) -> PRSMedError:
        return PRSMedError("realm_unreachable", "the server cannot reach its sign-in service; try again in a moment")
