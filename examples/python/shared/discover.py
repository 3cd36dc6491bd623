"""From the 401 to the authorization server: RFC 9728, then RFC 8414."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from .refused import GatewayRefused


@dataclass(frozen=True)
class Protected:
    """A profile that asks for a token, and the authorization server that gives one."""

    resource: str
    scope: str
    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    registration_endpoint: str
    jwks_uri: str


def discover(http: httpx.Client, url: str, challenge: str) -> Protected:
    """The challenge names the resource's metadata, which names the issuer, which has its own.

    Raises GatewayRefused when a document is not about the address it was asked for.
    """
    found = re.search(r'\bresource_metadata="([^"]+)"', challenge)
    if not found:
        raise GatewayRefused(f"{url} asks for credentials, but names no way to a token.")
    resource = _read(http, found[1])
    if resource.get("resource") != url:
        raise GatewayRefused(f"The metadata of {url} is about {resource.get('resource')!r}.")
    issuer = next(iter(resource.get("authorization_servers", [])), None)
    if not issuer:
        raise GatewayRefused(f"{url} names no authorization server.")
    parts = urlsplit(issuer)
    well_known = "/.well-known/oauth-authorization-server" + parts.path.rstrip("/")
    server = _read(http, parts._replace(path=well_known).geturl())
    if server.get("issuer") != issuer:
        raise GatewayRefused(f"The issuer {issuer} calls itself {server.get('issuer')!r}.")
    scope = re.search(r'\bscope="([^"]+)"', challenge)
    return Protected(
        resource=url,
        scope=scope[1] if scope else "",
        issuer=issuer,
        authorization_endpoint=_require_https(server.get("authorization_endpoint")),
        token_endpoint=_require_https(server.get("token_endpoint")),
        registration_endpoint=_require_https(server.get("registration_endpoint")),
        jwks_uri=_require_https(server.get("jwks_uri")),
    )


def _read(http: httpx.Client, url: str) -> dict:
    return http.get(_require_https(url)).raise_for_status().json()


def _require_https(url: str | None) -> str:
    if url and urlsplit(url).scheme == "https":
        return url
    raise GatewayRefused(f"{url!r} is no HTTPS address, so its answer could be anybody's.")
