"""A bucket with object lock in compliance mode: until its day nobody can delete or change a note,
not even the owner of the account (https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html).

A bucket without object lock is refused before anything is anchored, and a note counts only when the
bucket itself says that it is locked: governance mode, which a permission lifts, does not count. A
name is written once (`If-None-Match: *`); what is there already must be of the same tree.
"""

import base64
import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import urlsplit

import httpx

from auditspan.collector.anchors.config import S3AnchorConfig
from auditspan.collector.anchors.errors import (
    AnchorError,
    AnchorRefused,
    AnchorUnavailable,
    AnchorUnusable,
)
from auditspan.collector.anchors.http import HttpAnswer, client, exchange
from auditspan.collector.anchors.sigv4 import (
    Scope,
    encoded_path,
    encoded_query,
    read_credentials,
    signed_headers,
)
from auditspan.integrity.anchors import Receipt, check_same_tree, path_of
from auditspan.integrity.checkpoint import checkpoint_of
from auditspan.integrity.errors import NoteInvalid
from auditspan.integrity.note import MAX_BYTES

TYPE: Final = "s3"
COMPLIANCE: Final = "COMPLIANCE"
_MODE, _UNTIL = "x-amz-object-lock-mode", "x-amz-object-lock-retain-until-date"
_VERSION: Final = "x-amz-version-id"
_LATER: Final = (409, 429, 500, 502, 503, 504)
_EXISTS: Final = 412


@dataclass(frozen=True, slots=True)
class S3Anchor:
    """See `anchor.Anchor`."""

    config: S3AnchorConfig
    now: Callable[[], float] = time.time

    @property
    def name(self) -> str:
        """As the configuration calls it."""
        return self.config.name

    @property
    def cadence(self) -> float:
        """Seconds between two notes."""
        return self.config.cadence_seconds

    async def prepare(self) -> None:
        """Raises `AnchorUnusable` for a bucket without object lock, `AnchorUnavailable`."""
        answer = await self._ask("GET", "", {"object-lock": ""})
        if answer.status == 200 and b"<ObjectLockEnabled>Enabled<" in answer.body:
            return
        if answer.status == 200 or b"ObjectLockConfigurationNotFoundError" in answer.body:
            raise AnchorUnusable(
                f"anchor {self.name}: bucket {self.config.bucket} has no object lock, so that "
                "whoever may write to it may delete every note: make a bucket with it (aws s3api "
                "create-bucket --object-lock-enabled-for-bucket), in an account of its own"
            )
        raise self._refusal(answer, "whether it has object lock")

    async def anchor(self, note: bytes) -> Receipt:
        """See `anchor.Anchor`."""
        key = _key(note)
        answer = await self._ask("PUT", key, {}, note, self._lock_headers(note))
        if answer.status not in (200, _EXISTS):
            raise self._refusal(answer, f"PUT {key}")
        version = answer.headers.get(_VERSION, "") if answer.status == 200 else ""
        return await self._kept(key, version, note)

    async def check(self, receipt: Receipt, note: bytes) -> Receipt:
        """The bucket is asked again, for the version that the receipt names."""
        try:
            check_same_tree(receipt.note, note, f"anchor {self.name}")
            version = json.loads(receipt.raw)["version"]
        except (NoteInvalid, ValueError, KeyError, TypeError) as error:
            raise AnchorRefused(f"anchor {self.name}: {error}") from error
        return await self._kept(_key(note), str(version), note)

    async def _kept(self, key: str, version: str, note: bytes) -> Receipt:
        """What the bucket has, as the bucket says it."""
        answer = await self._ask("GET", key, {"versionId": version} if version else {})
        if answer.status != 200:
            raise self._refusal(answer, f"GET {key}")
        try:
            check_same_tree(answer.body, note, f"anchor {self.name}: {key}")
        except NoteInvalid as error:
            raise AnchorRefused(str(error)) from error
        self._check_lock(answer.headers, key)
        at = _time(answer.headers.get("last-modified", ""))
        raw = {
            "bucket": self.config.bucket,
            "key": key,
            "version": answer.headers.get(_VERSION, ""),
            "mode": answer.headers[_MODE],
            "until": answer.headers[_UNTIL],
        }
        place = f"{self.config.endpoint.rstrip('/')}/{self.config.bucket}/{key}"
        receipt = Receipt(TYPE, self.name, at, answer.body, json.dumps(raw).encode(), place)
        return receipt.checked(at)

    def _check_lock(self, headers: Mapping[str, str], key: str) -> None:
        mode, until = headers.get(_MODE, "none"), headers.get(_UNTIL, "")
        if mode != COMPLIANCE or not until:
            raise AnchorRefused(
                f"anchor {self.name}: {key} has lock mode {mode}, expected {COMPLIANCE}: allow "
                "s3:PutObjectRetention and s3:GetObjectRetention to these credentials"
            )
        if _iso(until) <= self.now():
            raise AnchorRefused(f"anchor {self.name}: the lock of {key} ended at {until[:40]}")

    def _lock_headers(self, note: bytes) -> dict[str, str]:
        until = datetime.fromtimestamp(self.now(), UTC) + timedelta(days=self.config.retention_days)
        # S3 takes a lock only with a checksum of the body; MD5 is the one that all servers know.
        md5 = hashlib.md5(note, usedforsecurity=False).digest()
        return {
            "content-md5": base64.b64encode(md5).decode(),
            "content-type": "text/plain; charset=utf-8",
            "if-none-match": "*",
            _MODE: COMPLIANCE,
            _UNTIL: f"{until:%Y-%m-%dT%H:%M:%SZ}",
        }

    async def _ask(
        self,
        method: str,
        key: str,
        query: Mapping[str, str],
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> HttpAnswer:
        config, digest = self.config, hashlib.sha256(body).hexdigest()
        path = f"/{config.bucket}/{key}" if key else f"/{config.bucket}"
        sent = signed_headers(
            method,
            path,
            query,
            {
                "host": urlsplit(config.endpoint).netloc,
                "x-amz-content-sha256": digest,
                **(headers or {}),
            },
            digest,
            read_credentials(config.credentials_file),
            Scope(config.region),
            datetime.fromtimestamp(self.now(), UTC),
        )
        url = f"{config.endpoint.rstrip('/')}{encoded_path(path)}"
        url += f"?{encoded_query(query)}" if query else ""
        async with client(config.ca_file, config.timeout_seconds, self.name) as http:
            request = httpx.Request(method, url, content=body, headers=sent)
            return await exchange(http, request, MAX_BYTES, self.name)

    def _refusal(self, answer: HttpAnswer, what: str) -> AnchorError:
        code = _between(answer.body, b"<Code>", b"</Code>") or "no code"
        says = f"anchor {self.name}: bucket {self.config.bucket}: {what}: {answer.status} {code}"
        if answer.status in _LATER:
            return AnchorUnavailable(says)
        if code == "RequestTimeTooSkewed":
            return AnchorRefused(f"{says}: set the clock of this machine")
        if code == "NoSuchBucket":
            return AnchorUnusable(f"{says}: make it, with object lock")
        return AnchorRefused(says)


def _key(note: bytes) -> str:
    return f"anchors/{path_of(checkpoint_of(note))}"


def _between(body: bytes, first: bytes, last: bytes) -> str:
    """A word of an error's XML, which needs no parser for that."""
    found = body.partition(first)[2].partition(last)[0][:80]
    return "".join(c for c in found.decode("ascii", "replace") if c.isalnum())


def _time(text: str) -> int:
    try:
        return int(parsedate_to_datetime(text).timestamp())
    except ValueError:
        return 0


def _iso(text: str) -> float:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return 0.0
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
