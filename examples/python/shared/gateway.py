"""The gateway, as the examples use it: an address, and credentials that renew themselves."""

import asyncio
import os
import ssl
from collections.abc import AsyncGenerator

import httpx
import jwt

from .browser_login import log_in_with_browser
from .discover import Protected, discover
from .kept_login import keep_login, read_login
from .refused import GatewayRefused
from .verify_access_token import verify_access_token

MAX_WAITS = 3
LONGEST_WAIT_SECONDS = 60


def gateway_url() -> str:
    """`SALLYPORT_URL`: the address of the profile."""
    url = os.environ.get("SALLYPORT_URL", "https://localhost:3443/api/mcp/default")
    if not url.startswith("https://"):
        raise GatewayRefused("SALLYPORT_URL must begin with https://")
    return url


def trusting_client(**options) -> httpx.AsyncClient:
    """An HTTP client that trusts what SSL_CERT_FILE, or else the system, vouches for."""
    options.setdefault("timeout", httpx.Timeout(30, read=300))
    # Without redirects: a token goes to the address it was made for, and nowhere else.
    options["follow_redirects"] = False
    transport = _TellingTransport(verify=ssl.create_default_context())
    return httpx.AsyncClient(transport=transport, **options)


class _TellingTransport(httpx.AsyncHTTPTransport):
    """Says why there is no connection; libraries tend to hide that behind an error of their own."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            return await super().handle_async_request(request)
        except httpx.ConnectError as error:
            if "CERTIFICATE_VERIFY_FAILED" not in str(error):
                raise GatewayRefused(
                    f"Nothing answers at {request.url}. Is `pnpm dev:https` running?"
                ) from error
            raise GatewayRefused(
                "The certificate of the gateway is not trusted here: set SSL_CERT_FILE to the "
                "bundle.pem beside the ca.pem that `pnpm dev:https` names."
            ) from error


def mcp_client_factory(headers=None, timeout=None, auth=None) -> httpx.AsyncClient:
    """`trusting_client` in the form that MCP libraries ask for."""
    options = {"headers": headers, "auth": auth}
    return trusting_client(**options, **({"timeout": timeout} if timeout else {}))


class GatewayAuth(httpx.Auth):
    """Brings the credentials of every request.

    With `SALLYPORT_API_KEY` the key is sent, which only the gateway can check. Else an access token
    is obtained as soon as the gateway asks for one. A 401 leads to one new token and one more try,
    a 429 to a few later ones.
    """

    requires_request_body = True

    def __init__(self, url: str) -> None:
        self._url = url
        self._api_key = os.environ.get("SALLYPORT_API_KEY")
        self._token = self._api_key
        self._renewing = asyncio.Lock()

    async def log_in(self) -> None:
        """Obtains the token now, before the time limits of a library begin."""
        async with trusting_client(auth=self) as http:
            await http.post(self._url)

    async def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        if str(request.url) != self._url:
            raise GatewayRefused(f"{request.url} is not the address of the gateway.")
        used = self._token
        response = yield self._with_token(request)
        if response.status_code == 401:
            await self._renew(used, response.headers.get("www-authenticate", ""))
            response = yield self._with_token(request)
            if response.status_code == 401:
                raise GatewayRefused("The gateway refuses the token it gave.")
        for _ in range(MAX_WAITS):
            if response.status_code != 429:
                return
            await asyncio.sleep(_seconds_to_wait(response))
            response = yield self._with_token(request)
        if response.status_code == 429:
            raise GatewayRefused("The gateway is still busy.")

    def _with_token(self, request: httpx.Request) -> httpx.Request:
        if self._token:
            request.headers["authorization"] = f"Bearer {self._token}"
        return request

    async def _renew(self, used: str | None, challenge: str) -> None:
        if self._api_key:
            raise GatewayRefused("The gateway does not accept SALLYPORT_API_KEY for this profile.")
        # Requests that are refused at the same time share one login.
        async with self._renewing:
            if self._token == used:
                self._token = await asyncio.to_thread(obtain_access_token, self._url, challenge)


def obtain_access_token(url: str, challenge: str) -> str:
    """Obtains an access token for the profile whose 401 said `challenge`.

    By the refresh token of an earlier run, else by asking the owner in a browser. A token that does
    not verify is neither kept nor returned.
    """
    with httpx.Client(verify=ssl.create_default_context(), timeout=30) as http:
        found = discover(http, url, challenge)
        client_id, tokens = _refresh(http, found) or log_in_with_browser(http, found)
    names = {"issuer": found.issuer, "resource": found.resource}
    try:
        verify_access_token(tokens.get("access_token", ""), jwks_uri=found.jwks_uri, **names)
    except jwt.PyJWTError as error:
        raise GatewayRefused(
            f"The access token does not verify, so it is not used: {error}"
        ) from error
    if "refresh_token" in tokens:
        login = {"clientId": client_id, "refreshToken": tokens["refresh_token"]}
        keep_login(login, **names)
    return tokens["access_token"]


def _refresh(http: httpx.Client, found: Protected) -> tuple[str, dict] | None:
    """None when there is nothing to renew, or the gateway ended it: then the owner is asked."""
    kept = read_login(found.issuer, found.resource)
    if not kept:
        return None
    form = {
        "grant_type": "refresh_token",
        "client_id": kept["clientId"],
        "refresh_token": kept["refreshToken"],
        "resource": found.resource,
    }
    response = http.post(found.token_endpoint, data=form)
    if response.status_code in (400, 401):
        return None
    return kept["clientId"], {
        "refresh_token": kept["refreshToken"],
        **response.raise_for_status().json(),
    }


def _seconds_to_wait(response: httpx.Response) -> float:
    said = response.headers.get("retry-after", "1")
    seconds = float(said) if said.isdigit() else LONGEST_WAIT_SECONDS + 1
    if seconds > LONGEST_WAIT_SECONDS:
        raise GatewayRefused(f"The gateway is busy; come back in {said} s.")
    return seconds
