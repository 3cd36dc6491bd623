"""Authorization code with PKCE and a redirect to this machine (RFC 8252)."""

import base64
import hashlib
import secrets
import sys
import time
import webbrowser
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx

from .discover import Protected
from .refused import GatewayRefused

# How long the owner may take, s; the gateway forgets the request after ten minutes.
PATIENCE = 600


def log_in_with_browser(http: httpx.Client, found: Protected) -> tuple[str, dict]:
    """Returns the client id that was registered, and the answer of the token endpoint."""
    with _RedirectServer() as server:
        client_id = _register(http, found, server.redirect_uri)
        verifier = secrets.token_urlsafe(48)
        digest = hashlib.sha256(verifier.encode()).digest()
        state = secrets.token_urlsafe(24)
        query = {
            "client_id": client_id,
            "response_type": "code",
            "redirect_uri": server.redirect_uri,
            **({"scope": found.scope} if found.scope else {}),
            "state": state,
            "resource": found.resource,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        url = f"{found.authorization_endpoint}?{urlencode(query)}"
        print(f"Allow this program in your browser:\n  {url}", file=sys.stderr)
        webbrowser.open(url)
        answer = server.wait()
    # RFC 9207: a code of another issuer is never sent to this one.
    if answer.get("state") != state or answer.get("iss", found.issuer) != found.issuer:
        raise GatewayRefused("The browser came back with an answer to something else.")
    if "code" not in answer:
        raise GatewayRefused(f"The gateway gave no access: {answer.get('error')}.")
    form = {
        "grant_type": "authorization_code",
        "client_id": client_id,
        "code": answer["code"],
        "redirect_uri": query["redirect_uri"],
        "code_verifier": verifier,
        "resource": found.resource,
    }
    return client_id, http.post(found.token_endpoint, data=form).raise_for_status().json()


def _register(http: httpx.Client, found: Protected, redirect_uri: str) -> str:
    """Dynamic registration (RFC 7591), as a program without a secret."""
    metadata = {
        "client_name": "Sallyport example",
        "redirect_uris": [redirect_uri],
        "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
    }
    response = http.post(found.registration_endpoint, json=metadata)
    return response.raise_for_status().json()["client_id"]


class _RedirectServer(HTTPServer):
    """Waits on a loopback port for the browser to come back."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _RedirectHandler)
        self.timeout = 1
        self.answer: dict[str, str] | None = None
        self.redirect_uri = f"http://127.0.0.1:{self.server_port}/callback"

    def wait(self) -> dict[str, str]:
        deadline = time.monotonic() + PATIENCE
        while self.answer is None:
            if time.monotonic() > deadline:
                raise GatewayRefused("Nobody allowed it.")
            self.handle_request()
        return self.answer


class _RedirectHandler(BaseHTTPRequestHandler):
    server: _RedirectServer
    timeout = 10

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        is_redirect = url.path == "/callback"
        if is_redirect:
            self.server.answer = {name: values[0] for name, values in parse_qs(url.query).items()}
        self.send_response(200 if is_redirect else 404)
        self.end_headers()
        self.wfile.write(b"You may close this window." if is_redirect else b"")

    def log_message(self, *_: object) -> None:
        """Says nothing: the code is in the address."""
