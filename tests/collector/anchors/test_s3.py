"""Notes in a bucket count only when the bucket says that nobody can delete them."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError  # type: ignore[import-untyped]

from auditspan.collector.anchors.config import S3AnchorConfig
from auditspan.collector.anchors.errors import AnchorRefused, AnchorUnavailable, AnchorUnusable
from auditspan.collector.anchors.s3 import S3Anchor
from auditspan.integrity.anchors import path_of
from tests.collector.anchors import bucket as server
from tests.collector.anchors.signed import checkpoint, note


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A running server."""
    with server.serving() as address:
        yield address


@pytest.fixture
def store(url: str) -> Any:
    """Another client."""
    return server.client(url)


def bucket(store: Any, *, lock: bool = True) -> str:
    """A new bucket."""
    name = f"anchors-{uuid4().hex[:12]}"
    store.create_bucket(Bucket=name, ObjectLockEnabledForBucket=lock)
    return name


def anchor(url: str, name: str, tmp_path: Path, **values: object) -> S3Anchor:
    """The anchor of a bucket."""
    file = server.credentials(tmp_path / "credentials")
    given = {"name": "worm", "endpoint": url, "bucket": name, "credentials_file": file, **values}
    return S3Anchor(S3AnchorConfig.model_validate(given))


def test_a_note_is_locked_under_its_size(url: str, store: Any, tmp_path: Path) -> None:
    """In compliance mode for the configured time, by the bucket's own words: nobody deletes it."""
    name = bucket(store)
    worm = anchor(url, name, tmp_path, retention_days=30)
    asyncio.run(worm.prepare())
    receipt = asyncio.run(worm.anchor(note(7)))
    key = f"anchors/{path_of(checkpoint(7))}"
    kept = store.get_object(Bucket=name, Key=key)
    assert kept["Body"].read() == note(7) == receipt.note
    assert kept["ObjectLockMode"] == "COMPLIANCE"
    ends = kept["ObjectLockRetainUntilDate"] - datetime.now(UTC)
    assert timedelta(days=29, hours=23) < ends < timedelta(days=30, minutes=1)
    assert (receipt.kind, receipt.type, receipt.size) == ("external", "s3", 7)
    assert receipt.time == int(kept["LastModified"].timestamp())
    assert receipt.place == f"{url}/{name}/{key}"
    for bypass in (False, True):
        with pytest.raises(ClientError, match="AccessDenied"):
            store.delete_object(
                Bucket=name,
                Key=key,
                VersionId=kept["VersionId"],
                BypassGovernanceRetention=bypass,
            )
    assert asyncio.run(worm.check(replace(receipt, kind="local"), note(7))) == receipt


def test_the_same_tree_again_is_no_error_and_no_new_version(
    url: str, store: Any, tmp_path: Path
) -> None:
    """As after a crash between note and receipt."""
    name = bucket(store)
    worm = anchor(url, name, tmp_path)
    first = asyncio.run(worm.anchor(note(7)))
    assert asyncio.run(worm.anchor(note(7))) == first
    assert len(store.list_object_versions(Bucket=name)["Versions"]) == 1


def test_another_tree_of_a_size_is_refused(url: str, store: Any, tmp_path: Path) -> None:
    """The first stays the only one."""
    name = bucket(store)
    worm = anchor(url, name, tmp_path)
    asyncio.run(worm.anchor(note(7)))
    with pytest.raises(AnchorRefused, match="another tree was anchored"):
        asyncio.run(worm.anchor(note(7, "other")))
    assert len(store.list_object_versions(Bucket=name)["Versions"]) == 1


def test_a_version_put_over_it_does_not_hide_it(url: str, store: Any, tmp_path: Path) -> None:
    """The receipt names the version, which is still there; new notes of that size are refused."""
    name = bucket(store)
    worm = anchor(url, name, tmp_path)
    receipt = asyncio.run(worm.anchor(note(7)))
    key = f"anchors/{path_of(checkpoint(7))}"
    store.put_object(Bucket=name, Key=key, Body=note(7, "other"))
    assert asyncio.run(worm.check(receipt, note(7))) == receipt
    with pytest.raises(AnchorRefused, match="another tree was anchored"):
        asyncio.run(worm.anchor(note(7)))
    store.delete_object(Bucket=name, Key=key)
    assert asyncio.run(worm.check(receipt, note(7))) == receipt


def test_a_bucket_without_lock_is_refused_at_the_start(
    url: str, store: Any, tmp_path: Path
) -> None:
    """With the command that makes one."""
    worm = anchor(url, bucket(store, lock=False), tmp_path)
    with pytest.raises(AnchorUnusable, match=r"has no object lock.*--object-lock-enabled"):
        asyncio.run(worm.prepare())


def test_a_bucket_that_is_not_there_is_refused_at_the_start(url: str, tmp_path: Path) -> None:
    """By its name."""
    with pytest.raises(AnchorUnusable, match=r"no-such-bucket: .* NoSuchBucket: make it"):
        asyncio.run(anchor(url, "no-such-bucket", tmp_path).prepare())


@pytest.mark.parametrize("mode", ["GOVERNANCE", ""])
def test_a_note_that_somebody_can_delete_does_not_count(
    url: str, store: Any, tmp_path: Path, mode: str
) -> None:
    """Put there before us, with a lock that a permission lifts, or none."""
    name = bucket(store)
    lock = {"ObjectLockMode": mode, "ObjectLockRetainUntilDate": datetime(2040, 1, 1, tzinfo=UTC)}
    store.put_object(
        Bucket=name,
        Key=f"anchors/{path_of(checkpoint(7))}",
        Body=note(7),
        **(lock if mode else {}),
    )
    with pytest.raises(AnchorRefused, match=f"has lock mode {mode or 'none'}, expected COMPLIANCE"):
        asyncio.run(anchor(url, name, tmp_path).anchor(note(7)))


def test_an_ended_lock_does_not_count(url: str, store: Any, tmp_path: Path) -> None:
    """By then somebody may have put another note there."""
    worm = anchor(url, bucket(store), tmp_path, retention_days=1)
    receipt = asyncio.run(worm.anchor(note(7)))
    later = replace(worm, now=lambda: receipt.time + 2 * 86_400.0)
    with pytest.raises(AnchorRefused, match=r"the lock of .* ended at"):
        asyncio.run(later.check(receipt, note(7)))


def test_a_receipt_of_another_note_or_damaged_is_refused(
    url: str, store: Any, tmp_path: Path
) -> None:
    """By `check`."""
    worm = anchor(url, bucket(store), tmp_path)
    receipt = asyncio.run(worm.anchor(note(7)))
    with pytest.raises(AnchorRefused, match="another tree was anchored"):
        asyncio.run(worm.check(receipt, note(8)))
    with pytest.raises(AnchorRefused):
        asyncio.run(worm.check(replace(receipt, raw=b"[]"), note(7)))
    gone = json.dumps({"version": str(uuid4())}).encode()
    with pytest.raises(AnchorRefused, match="NoSuchVersion"):
        asyncio.run(worm.check(replace(receipt, raw=gone), note(7)))


def test_a_server_that_does_not_answer_is_tried_again(tmp_path: Path) -> None:
    """At the start too."""
    worm = anchor("http://127.0.0.1:1", "anchors", tmp_path)
    for step in (worm.prepare(), worm.anchor(note(7))):
        with pytest.raises(AnchorUnavailable, match="no answer"):
            asyncio.run(step)


@pytest.mark.parametrize(
    "values",
    [
        {"endpoint": "http://s3.example"},
        {"endpoint": "https://s3.example/bucket"},
        {"bucket": "Big_Bucket"},
        {"retention_days": 0},
    ],
)
def test_what_cannot_be_is_no_configuration(tmp_path: Path, values: dict[str, object]) -> None:
    """Plain text off this machine, a bucket in the address, a name that S3 does not take."""
    with pytest.raises(ValueError):
        anchor("https://s3.example", "anchors", tmp_path, **values)
