"""Requests are signed as AWS's own test suite has it, and as its documentation of S3 shows."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from auditspan.collector.anchors.errors import AnchorUnusable
from auditspan.collector.anchors.sigv4 import (
    Credentials,
    Scope,
    encoded_query,
    read_credentials,
    signed_headers,
)

# The AWS Signature Version 4 Test Suite, Apache-2.0; as of boto/botocore 0e6e240.
VECTORS = Path(__file__).parents[2] / "vectors" / "sigv4"
SUITE = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
# https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
PAGE = Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
EMPTY = hashlib.sha256(b"").hexdigest()


def parsed(text: str) -> tuple[str, str, Mapping[str, str], dict[str, str], bytes]:
    """Method, path, query, headers and body of a request of the suite."""
    head, _, body = text.partition("\n\n")
    first, *lines = head.split("\n")
    method, rest = first.removesuffix(" HTTP/1.1").split(" ", 1)
    path, _, query = rest.partition("?")
    headers = dict(line.split(":", 1) for line in lines if line)
    return method, path, dict(parse_qsl(query, keep_blank_values=True)), headers, body.encode()


@pytest.mark.parametrize("case", sorted(path.stem for path in VECTORS.glob("*.req")))
def test_the_suite_of_aws(case: str) -> None:
    """The whole header, letter for letter."""
    method, path, query, headers, body = parsed((VECTORS / f"{case}.req").read_text())
    at = datetime.strptime(headers.pop("X-Amz-Date"), "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    digest = hashlib.sha256(body).hexdigest()
    scope = Scope("us-east-1", "service")
    sent = signed_headers(method, path, query, headers, digest, SUITE, scope, at)
    assert sent["authorization"] == (VECTORS / f"{case}.authz").read_text().strip()


@pytest.mark.parametrize(
    ("method", "path", "query", "headers", "body", "signature"),
    [
        (
            "GET", "/test.txt", {}, {"range": "bytes=0-9"}, b"",
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        (
            "PUT", "/test$file.text", {},
            {"date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY"},
            b"Welcome to Amazon S3.",
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        ),
        (
            "GET", "/", {"lifecycle": ""}, {}, b"",
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
        ),
        (
            "GET", "/", {"max-keys": "2", "prefix": "J"}, {}, b"",
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ],
)  # fmt: skip
def test_the_examples_of_s3(
    method: str,
    path: str,
    query: Mapping[str, str],
    headers: Mapping[str, str],
    body: bytes,
    signature: str,
) -> None:
    """Its page has four, with the digest of the body as a header."""
    digest = hashlib.sha256(body).hexdigest()
    named = {
        "host": "examplebucket.s3.amazonaws.com",
        "x-amz-content-sha256": digest,
        **headers,
    }
    at = datetime(2013, 5, 24, tzinfo=UTC)
    sent = signed_headers(method, path, query, named, digest, PAGE, Scope("us-east-1"), at)
    assert sent["authorization"].rpartition("Signature=")[2] == signature


def test_a_session_token_is_sent_and_signed() -> None:
    """Of temporary credentials."""
    credentials = Credentials("A", "b", "the token")
    at = datetime(2026, 1, 1, tzinfo=UTC)
    sent = signed_headers("GET", "/", {}, {"host": "h"}, EMPTY, credentials, Scope("r"), at)
    assert sent["x-amz-security-token"] == "the token"
    assert "SignedHeaders=host;x-amz-date;x-amz-security-token," in sent["authorization"]


def test_a_query_is_sent_as_it_is_signed() -> None:
    """Sorted, and encoded once."""
    assert encoded_query({"versionId": "a b/+", "object-lock": ""}) == (
        "object-lock=&versionId=a%20b%2F%2B"
    )


def written(path: Path, text: str, mode: int = 0o600) -> Path:
    """A file of that mode."""
    path.write_text(text)
    path.chmod(mode)
    return path


def test_credentials_are_read_as_the_tools_of_aws_write_them(tmp_path: Path) -> None:
    """And are not shown."""
    text = "[default]\naws_access_key_id = AK\naws_secret_access_key = s%e/c=\n"
    found = read_credentials(written(tmp_path / "aws", text + "aws_session_token = t\n"))
    assert found == Credentials("AK", "s%e/c=", "t")
    assert "s%e/c" not in repr(found)


@pytest.mark.parametrize(
    ("text", "mode", "says"),
    [
        ("[default]\naws_access_key_id=A\naws_secret_access_key=geheim\n", 0o640, "chmod 600"),
        ("[other]\naws_access_key_id=A\naws_secret_access_key=geheim\n", 0o600, "KeyError"),
        ("[default]\naws_access_key_id=A\n", 0o600, "KeyError"),
        ("aws_secret_access_key=geheim\n", 0o600, "MissingSectionHeaderError"),
    ],
)
def test_bad_credentials_say_what_to_do_and_nothing_of_themselves(
    tmp_path: Path, text: str, mode: int, says: str
) -> None:
    """No secret in a message or its causes."""
    path = written(tmp_path / "aws", text, mode)
    with pytest.raises(AnchorUnusable, match=says) as caught:
        read_credentials(path)
    error: BaseException | None = caught.value
    while error is not None:
        assert "geheim" not in str(error)
        error = error.__cause__
    with pytest.raises(AnchorUnusable, match="No such file"):
        read_credentials(tmp_path / "none")
