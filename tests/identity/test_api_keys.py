"""API keys."""

import hashlib
import json
from pathlib import Path

import pytest

from auditspan.identity.api_keys import PREFIX, ApiKeys, looks_like_api_key
from auditspan.identity.errors import ApiKeyRefused, ApiKeyUnknown, SecretFileInvalid


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.at = 1_700_000_000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Clock:
    """The injected clock."""
    return Clock()


@pytest.fixture
def keys(tmp_path: Path, clock: Clock) -> ApiKeys:
    """An empty key file."""
    return ApiKeys(tmp_path / "api_keys.json", now=clock)


def test_a_key_proves_its_agent(keys: ApiKeys, clock: Clock) -> None:
    """The principal names the agent, the key and the key's end."""
    text, key = keys.issue("agent:booking", expires_at=clock() + 60, label="ci")
    principal = keys.verify(text, "10.0.0.7")
    assert principal.id == "agent:booking"
    assert principal.agent_id == "booking"
    assert principal.method == "api_key"
    assert principal.credential == key.id
    assert principal.expires_at == 1_700_000_060
    assert principal.address == "10.0.0.7"


def test_a_key_may_belong_to_a_relay(keys: ApiKeys, clock: Clock) -> None:
    """A relay speaks for no agent of its own."""
    text, _ = keys.issue("relay:edge", expires_at=clock() + 60)
    principal = keys.verify(text, "")
    assert (principal.kind, principal.id, principal.agent_id) == ("relay", "relay:edge", "")


def test_a_key_has_256_bits_behind_its_prefix(keys: ApiKeys, clock: Clock) -> None:
    """Scanners find it, nobody guesses it, and no two are alike."""
    text, key = keys.issue("agent:a", expires_at=clock() + 60)
    other, _ = keys.issue("agent:a", expires_at=clock() + 60)
    assert looks_like_api_key(text)
    prefix, identifier, secret = text.split("_")
    assert (prefix + "_", identifier) == (PREFIX, key.id)
    assert len(bytes.fromhex(secret)) == 32
    assert secret != other.split("_")[2]


def test_only_the_hash_is_kept(keys: ApiKeys, clock: Clock, tmp_path: Path) -> None:
    """The file and the listing hold no secret, and nobody else may read the file."""
    text, key = keys.issue("agent:a", expires_at=clock() + 60)
    secret = text.split("_")[2]
    path = tmp_path / "api_keys.json"
    assert secret not in path.read_text()
    assert secret not in repr(keys.list())
    assert key.secret_sha256 == hashlib.sha256(secret.encode()).hexdigest()
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_key_ends_when_it_expires(keys: ApiKeys, clock: Clock) -> None:
    """The last second is the one before its end."""
    text, _ = keys.issue("agent:a", expires_at=clock() + 60)
    clock.at += 59
    keys.verify(text, "")
    clock.at += 1
    with pytest.raises(ApiKeyRefused, match="expired"):
        keys.verify(text, "")


def test_a_key_ends_when_it_is_revoked(keys: ApiKeys, clock: Clock) -> None:
    """It stays listed with the time of its end, which a second revocation does not move."""
    text, key = keys.issue("agent:a", expires_at=clock() + 60)
    clock.at += 5
    keys.revoke(key.id)
    with pytest.raises(ApiKeyRefused, match="revoked"):
        keys.verify(text, "")
    clock.at += 5
    assert keys.revoke(key.id).revoked_at == 1_700_000_005
    assert [k.id for k in keys.list()] == [key.id]


def test_revoking_needs_a_key(keys: ApiKeys) -> None:
    """A typing error is told, not swallowed."""
    with pytest.raises(ApiKeyUnknown, match="0123"):
        keys.revoke("0123")


@pytest.mark.parametrize("spoil", ["secret", "id", "short", "empty", "unicode", "long"])
def test_a_wrong_key_is_refused_without_a_hint(keys: ApiKeys, clock: Clock, spoil: str) -> None:
    """An unknown id and a wrong secret read the same, so that ids cannot be probed."""
    text, key = keys.issue("agent:a", expires_at=clock() + 60)
    bad = {
        "secret": text[:-1] + ("0" if text[-1] != "0" else "1"),
        "id": text.replace(key.id, "0" * 16),
        "short": text[:-1],
        "empty": PREFIX,
        "unicode": text[:-1] + "é",
        "long": text + "a" * 100_000,
    }[spoil]
    with pytest.raises(ApiKeyRefused) as refused:
        keys.verify(bad, "")
    assert str(refused.value) == "api key: not a key of ours"


def test_a_revoked_key_is_not_told_to_who_lacks_the_secret(keys: ApiKeys, clock: Clock) -> None:
    """The state of a key is known to its holder only."""
    text, key = keys.issue("agent:a", expires_at=clock() + 60)
    keys.revoke(key.id)
    with pytest.raises(ApiKeyRefused, match="not a key of ours"):
        keys.verify(text[:-4] + "0000", "")


def test_another_process_is_heard(keys: ApiKeys, clock: Clock, tmp_path: Path) -> None:
    """A key issued or revoked elsewhere counts at once, and no writer loses another's."""
    other = ApiKeys(tmp_path / "api_keys.json", now=clock)
    first, key = other.issue("agent:a", expires_at=clock() + 60)
    second, _ = keys.issue("agent:b", expires_at=clock() + 60)
    assert keys.verify(first, "").id == "agent:a"
    assert other.verify(second, "").id == "agent:b"
    other.revoke(key.id)
    with pytest.raises(ApiKeyRefused):
        keys.verify(first, "")


def test_no_file_is_no_key(keys: ApiKeys, clock: Clock, tmp_path: Path) -> None:
    """Removing the file ends every key."""
    text, _ = keys.issue("agent:a", expires_at=clock() + 60)
    (tmp_path / "api_keys.json").unlink()
    with pytest.raises(ApiKeyRefused):
        keys.verify(text, "")


@pytest.mark.parametrize(
    ("principal", "kind"), [("person:alice", "person"), ("service:g", "service")]
)
def test_a_key_may_belong_to_a_person_or_service(
    keys: ApiKeys, clock: Clock, principal: str, kind: str
) -> None:
    """It proves who it is and speaks for no agent; roles are not in it."""
    text, _ = keys.issue(principal, expires_at=clock() + 60)
    proved = keys.verify(text, "10.0.0.7")
    assert (proved.id, proved.kind, proved.agent_id) == (principal, kind, "")
    assert (proved.method, proved.expires_at) == ("api_key", 1_700_000_060)


def test_a_key_says_who_issued_it(keys: ApiKeys, clock: Clock, tmp_path: Path) -> None:
    """It is asked when somebody approves, also by another process and after a revocation."""
    _, key = keys.issue("person:bob", expires_at=clock() + 60, issued_by="person:alice")
    again = ApiKeys(tmp_path / "api_keys.json", now=clock)
    assert again.get(key.id).issued_by == "person:alice"
    keys.revoke(key.id)
    assert again.get(key.id).issued_by == "person:alice"
    with pytest.raises(ApiKeyUnknown, match="auditspan keys list"):
        keys.get("0000")


def test_a_file_from_before_that_is_read(keys: ApiKeys, clock: Clock, tmp_path: Path) -> None:
    """An upgrade takes no key out of force."""
    text, key = keys.issue("agent:a", expires_at=clock() + 60)
    path = tmp_path / "api_keys.json"
    stored = json.loads(path.read_text())
    del stored["keys"][0]["issued_by"]
    path.write_text(json.dumps(stored))
    old = ApiKeys(path, now=clock)
    assert old.verify(text, "").id == "agent:a"
    assert old.get(key.id).issued_by == ""


@pytest.mark.parametrize(
    "principal", ["", "agent:", "user:a", "anonymous", "agent", "operator", "operator:x", "person:"]
)
def test_a_key_needs_somebody_who_can_hold_one(keys: ApiKeys, clock: Clock, principal: str) -> None:
    """Nothing else holds a key."""
    with pytest.raises(ValueError, match="expected agent:<id>"):
        keys.issue(principal, expires_at=clock() + 60)


def test_a_key_needs_an_end_to_come(keys: ApiKeys, clock: Clock) -> None:
    """A key that never worked is a mistake."""
    with pytest.raises(ValueError, match="after now"):
        keys.issue("agent:a", expires_at=clock())


def test_a_file_that_others_may_read_is_refused(
    keys: ApiKeys, clock: Clock, tmp_path: Path
) -> None:
    """The message says what to do."""
    keys.issue("agent:a", expires_at=clock() + 60)
    (tmp_path / "api_keys.json").chmod(0o640)
    with pytest.raises(SecretFileInvalid, match="chmod 600"):
        ApiKeys(tmp_path / "api_keys.json")


ENTRY = {
    "id": "a",
    "principal": "agent:a",
    "secret_sha256": "",
    "issued_at": 1,
    "expires_at": 2,
}


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        '{"keys": []}',
        '{"version": 2, "keys": []}',
        '{"version": 1, "version": 1, "keys": []}',
        '{"version": 1, "keys": {}}',
        '{"version": 1, "keys": [1]}',
        '{"version": 1, "keys": [{}]}',
        json.dumps({"version": 1, "keys": [{**ENTRY, "expires_at": "2"}]}),
        json.dumps({"version": 1, "keys": [{**ENTRY, "principal": "user:a"}]}),
        json.dumps({"version": 1, "keys": [{**ENTRY, "principal": "operator"}]}),
        json.dumps({"version": 1, "keys": [{**ENTRY, "issued_by": 1}]}),
    ],
)
def test_a_broken_file_is_refused(tmp_path: Path, body: str) -> None:
    """A file that is not ours never counts as a file without keys."""
    path = tmp_path / "api_keys.json"
    path.write_text(body)
    path.chmod(0o600)
    with pytest.raises(SecretFileInvalid, match=r"api_keys\.json"):
        ApiKeys(path)
