"""The caller's identity: makes a tenant and its tags from the data that the gateway's authorizer verified.

Only data that an AWS authorizer put into the request context is trusted. Headers are not: the caller writes them, and
those of a load balancer (``x-amzn-oidc-*``) could be trusted only after checking their signature. A request without a
verified identity is refused, even if the gateway accepted it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from handler.caller import Caller
from handler.settings import Settings

MAX_TENANT: Final = 200
"""The most characters of a tenant's name in a key; a longer name is shortened with a hash."""

_CLAIM_SAFE: Final = "-_.@|=+"
_PRINCIPAL_SAFE: Final = _CLAIM_SAFE + ":"
"""A colon is kept in principals but encoded in claims, so that no token can name the tenant of an IAM principal."""
_ASSUMED_ROLE: Final = re.compile(r"(arn:[^:]*:sts::[^:]*:assumed-role/[^/]+)/.+")
_ARN: Final = "arn:"
"""The beginning of every IAM principal. So none can be the queue's tenant, whose name begins with a colon."""
_ALIEN_PRINCIPALS: Final = frozenset({"", "anonymous"})


def identify(event: Mapping[str, Any], settings: Settings) -> Caller | None:
    """The caller of an HTTP event, or ``None`` if no authorizer verified one."""
    context = event.get("requestContext")
    authorizer = context.get("authorizer") if isinstance(context, Mapping) else None
    principal, claims = _principal(context), _claims(authorizer)
    name, safe = (claims.get(settings.tenant_claim), _CLAIM_SAFE) if claims else (principal, _PRINCIPAL_SAFE)
    tenant = _encode(name, safe)
    if tenant is None:
        return None
    return Caller(
        tenant=tenant,
        principal=_shorten(claims.get(settings.principal_claim) if claims else principal),
        tags=_tags(claims.get(settings.tags_claim), settings.tags_claim),
        step_limit=settings.step_limit,
        payload_limit=settings.payload_limit,
        max_running_jobs=settings.max_running_jobs,
    )


def _claims(authorizer: Any) -> Mapping[str, Any]:
    """The claims of a JWT (HTTP API) or a Cognito user pool (REST API), or a Lambda authorizer's context."""
    if not isinstance(authorizer, Mapping):
        return {}
    jwt = authorizer.get("jwt")
    for claims in (
        jwt.get("claims") if isinstance(jwt, Mapping) else None,
        authorizer.get("claims"),
        authorizer.get("lambda"),
    ):
        if isinstance(claims, Mapping) and claims:
            return claims
    if "principalId" in authorizer:  # a Lambda authorizer of a REST API returns its context and the principal
        return {"sub": authorizer["principalId"], **authorizer}
    return {}


def _principal(context: Any) -> Any:
    """The ARN of the IAM principal that signed the request, without the session of an assumed role."""
    if not isinstance(context, Mapping):
        return None
    authorizer, identity = context.get("authorizer"), context.get("identity")
    iam = authorizer.get("iam") if isinstance(authorizer, Mapping) else None
    arn = iam.get("userArn") if isinstance(iam, Mapping) else None
    if arn is None and isinstance(identity, Mapping):
        arn = identity.get("userArn")
    if not isinstance(arn, str) or not arn.startswith(_ARN):
        return None
    session = _ASSUMED_ROLE.fullmatch(arn)
    return session[1] if session else arn


def _encode(name: Any, safe: str) -> str | None:
    """A tenant's name, encoded so that it contains no separator of keys or event ids."""
    if not isinstance(name, str) or name.strip() in _ALIEN_PRINCIPALS:
        return None
    encoded = quote(name.encode("utf-8", "surrogatepass"), safe=safe)
    if len(encoded) <= MAX_TENANT:
        return encoded
    return f"{encoded[:100]}%~{hashlib.sha256(encoded.encode()).hexdigest()}"  # "%~" occurs in no encoded name


def _shorten(principal: Any) -> str | None:
    """A principal in the form for showing and comparing: a string or ``None``. A long one is shortened with a hash."""
    if not isinstance(principal, str) or not principal:
        return None
    if len(principal) <= MAX_TENANT:
        return principal
    return f"{principal[:100]}~{hashlib.sha256(principal.encode('utf-8', 'surrogatepass')).hexdigest()}"


def _tags(value: Any, claim: str) -> frozenset[str]:
    """The words of a claim.

    The claim may be a list, ``a b`` (a scope), ``[a b]`` (a list, flattened by an HTTP API) or ``a,b`` (by a REST API).
    """
    if isinstance(value, (list, tuple)):
        return frozenset(word for word in value if isinstance(word, str) and word)
    if not isinstance(value, str):
        return frozenset()
    if value.startswith("[") and value.endswith("]"):
        value = value[1:-1]
    if claim != "scope":  # a scope may contain a comma: only spaces separate scopes (RFC 6749, 3.3)
        value = value.replace(",", " ")
    return frozenset(value.split())
