"""Signs a request for S3 and what speaks like it: AWS Signature Version 4 in a header
(https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html).

The path is encoded once and never normalised, as S3 wants it and other services do not.
"""

import hashlib
import hmac
from collections.abc import Mapping
from configparser import ConfigParser
from configparser import Error as ConfigParserError
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import quote

from auditspan.collector.anchors.errors import AnchorUnusable
from auditspan.identity.errors import SecretFileInvalid
from auditspan.identity.files import read_private

_ALGORITHM: Final = "AWS4-HMAC-SHA256"
_UNRESERVED: Final = "-_.~"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Of one account."""

    key_id: str
    secret: str = field(repr=False)
    token: str = field(default="", repr=False)
    """Of temporary credentials."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What a signature is good for."""

    region: str
    service: str = "s3"


def read_credentials(path: Path) -> Credentials:
    """From a file as the AWS tools have it, `[default]`, mode 0600. Raises `AnchorUnusable`."""
    parser = ConfigParser(interpolation=None)
    try:
        parser.read_string(read_private(path).decode())
        section = parser["default"]
        key_id, secret = section["aws_access_key_id"], section["aws_secret_access_key"]
    except SecretFileInvalid as error:
        raise AnchorUnusable(f"credentials_file {error}") from error
    except OSError as error:
        raise AnchorUnusable(f"credentials_file {path}: {error.strerror}") from error
    except (KeyError, UnicodeDecodeError, ConfigParserError) as error:
        # The parser's own words may repeat a line of the file.
        raise AnchorUnusable(
            f"credentials_file {path}: expected [default] with aws_access_key_id and "
            f"aws_secret_access_key ({type(error).__name__})"
        ) from None
    return Credentials(key_id, secret, section.get("aws_session_token", ""))


def signed_headers(
    method: str,
    path: str,
    query: Mapping[str, str],
    headers: Mapping[str, str],
    body_sha256: str,
    credentials: Credentials,
    scope: Scope,
    at: datetime,
) -> dict[str, str]:
    """The headers to send, `host` among those given: with date, token and `authorization`."""
    moment = f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    sent = {name.lower(): " ".join(value.split()) for name, value in headers.items()}
    sent["x-amz-date"] = moment
    if credentials.token:
        sent["x-amz-security-token"] = credentials.token
    names = ";".join(sorted(sent))
    request = _canonical(method, path, query, sent, names, body_sha256)
    within = f"{moment[:8]}/{scope.region}/{scope.service}/aws4_request"
    text = f"{_ALGORITHM}\n{moment}\n{within}\n{hashlib.sha256(request.encode()).hexdigest()}"
    signature = hmac.new(_key(credentials, within), text.encode(), hashlib.sha256).hexdigest()
    sent["authorization"] = (
        f"{_ALGORITHM} Credential={credentials.key_id}/{within}, SignedHeaders={names}, "
        f"Signature={signature}"
    )
    return sent


def encoded_query(query: Mapping[str, str]) -> str:
    """As it is signed and sent: sorted by code point, each part encoded."""
    pairs = sorted((quote(k, _UNRESERVED), quote(v, _UNRESERVED)) for k, v in query.items())
    return "&".join(f"{name}={value}" for name, value in pairs)


def encoded_path(path: str) -> str:
    """As it is signed and sent; slashes stay."""
    return quote(path, "/" + _UNRESERVED)


def _canonical(
    method: str,
    path: str,
    query: Mapping[str, str],
    sent: Mapping[str, str],
    names: str,
    body_sha256: str,
) -> str:
    lines = "".join(f"{name}:{sent[name]}\n" for name in sorted(sent))
    parts = (method, encoded_path(path), encoded_query(query), lines, names, body_sha256)
    return "\n".join(parts)


def _key(credentials: Credentials, within: str) -> bytes:
    key = f"AWS4{credentials.secret}".encode()
    for part in within.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key
