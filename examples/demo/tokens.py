"""The identity provider of the demo: a key of its own, and tokens for alice, bob and carol.

A real company has one already; auditspan needs its issuer name and its public keys (JWKS).
"""

import json
import time
import uuid
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

ISSUER = "https://login.lumen.example"
AUDIENCE = "auditspan"
CLIENT = "lumen-desk"
_KEY_ID = "demo-1"

USERS: dict[str, dict[str, Any]] = {
    "alice": {"name": "Alice Amundsen", "roles": ["support"], "scope": "tickets orders"},
    # Bob let the support agent call the finance agent in his name (RFC 8693 §4.1).
    "bob": {
        "name": "Bob Berg",
        "roles": ["finance"],
        "scope": "ledger payments",
        "act": {"sub": "finance-agent", "act": {"sub": "support-agent"}},
    },
    "carol": {"name": "Carol Dahl", "roles": ["analyst"], "scope": "reports"},
}


def issue(folder: Path) -> dict[str, Path]:
    """Write the issuer's public keys and one token a user; the files by user, and `jwks`."""
    key = Ed25519PrivateKey.generate()
    public = json.loads(OKPAlgorithm.to_jwk(key.public_key()))
    jwks = folder / "issuer.jwks"
    jwks.write_text(
        json.dumps({"keys": [{**public, "kid": _KEY_ID, "alg": "EdDSA", "use": "sig"}]})
    )
    files = {"jwks": jwks}
    for user, claims in USERS.items():
        files[user] = private(folder / f"{user}.token", _token(key, user, claims))
    return files


def private(path: Path, text: str) -> Path:
    """Write a file that nobody else may read."""
    path.touch(mode=0o600)
    path.write_text(text)
    return path


def _token(key: Ed25519PrivateKey, user: str, claims: dict[str, Any]) -> str:
    now = int(time.time())
    standard = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "azp": CLIENT,
        "sub": user,
        "iat": now,
        "exp": now + 600,
        "jti": str(uuid.uuid4()),
        "email": f"{user}@lumen.example",
        "email_verified": True,
        "org_id": "lumen",
        "amr": ["pwd", "otp"],
    }
    return jwt.encode({**standard, **claims}, key, algorithm="EdDSA", headers={"kid": _KEY_ID})
