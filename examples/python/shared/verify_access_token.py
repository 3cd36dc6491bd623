"""Is this access token really one of the issuer's, for this profile, and still good?"""

import ssl

import jwt

# Asymmetric ones only: with HS256 the public key would do as the secret, and "none" needs no key.
ALGORITHMS = ["RS256", "ES256"]


def verify_access_token(token: str, *, issuer: str, jwks_uri: str, resource: str) -> dict:
    """Verifies a JWT access token (RFC 9068 section 4) with the issuer's published keys.

    `jwks_uri` is from the issuer's metadata, never from the token; `resource` has to be the only
    audience. Raises jwt.PyJWTError when the token does not hold, and also when that cannot be found
    out: a token that was not verified is not good.
    """
    keys = jwt.PyJWKClient(jwks_uri, timeout=10, ssl_context=ssl.create_default_context())
    decoded = jwt.decode_complete(
        token,
        keys.get_signing_key_from_jwt(token),
        algorithms=ALGORITHMS,
        issuer=issuer,
        audience=resource,
        leeway=30,
        options={"require": ["exp", "sub", "iss", "aud"]},
    )
    if decoded["header"].get("typ", "").lower() not in ("at+jwt", "application/at+jwt"):
        raise jwt.InvalidTokenError('"typ" is not that of an access token')
    claims = decoded["payload"]
    # Whoever else it is good for could use it here as well.
    if claims["aud"] not in (resource, [resource]):
        raise jwt.InvalidAudienceError('"aud" must name this resource alone')
    return claims
