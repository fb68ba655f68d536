"""Addresses of a ClickHouse interface are told apart from all else before anybody is asked."""

import pytest

from auditspan.storage.address import address


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("http://h:8123", "h", 8123),
        ("https://h", "h", None),
        ("http://[::1]:9/", "::1", 9),
        ("HTTP://H", "h", None),
    ],
)
def test_an_address_has_a_host(url: str, host: str, port: int | None) -> None:
    """The port may be left out."""
    parts = address(url)
    assert (parts.hostname, parts.port) == (host, port)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "found ''"),
        ("h:8123", "found 'h:8123'"),
        ("ftp://h", "found 'ftp://h'"),
        ("http://", "found 'http://'"),
        ("http://:8123", "found"),
        ("http://h:0", "found"),
        ("http://h:99999", "out of range"),
        ("http://h:x", "expected http://host:port or https://host:port: "),
        ("http://[::1", "expected http://host:port"),
        ("http://h/path", "nothing behind it"),
        ("http://h?database=x", "nothing behind it"),
        ("http://me:secret@h", "no user or password"),
    ],
)
def test_what_is_none_is_said_with_what_was_expected(url: str, words: str) -> None:
    """And a password is not said again."""
    with pytest.raises(ValueError, match="expected http") as refused:
        address(url)
    assert words in str(refused.value)
    assert "secret" not in str(refused.value)
