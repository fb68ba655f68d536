"""An S3 server with object lock on this machine: moto, in a process of its own.

Its buckets are made and looked at with boto3, which shares nothing with what is tested.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import socket
from typing import Any

import boto3  # type: ignore[import-untyped]
import httpx
from botocore.config import Config  # type: ignore[import-untyped]

KEY_ID, SECRET = "AKIDTEST", "not-a-secret/of+anybody="


@contextmanager
def serving() -> Iterator[str]:
    """Its address."""
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        str(Path(sys.executable).with_name("moto_server")),
        "-H",
        "127.0.0.1",
        "-p",
        str(port),
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(url)
        yield url
    finally:
        process.terminate()
        process.wait(10)


def client(url: str) -> Any:
    """Another client than ours."""
    return boto3.client(
        "s3",
        endpoint_url=url,
        aws_access_key_id=KEY_ID,
        aws_secret_access_key=SECRET,
        region_name="us-east-1",
        config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}),
    )


def credentials(path: Path) -> Path:
    """A file with the key."""
    path.write_text(f"[default]\naws_access_key_id={KEY_ID}\naws_secret_access_key={SECRET}\n")
    path.chmod(0o600)
    return path


def _wait(url: str) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            httpx.get(url, timeout=5, trust_env=False)
        except httpx.HTTPError:
            assert time.monotonic() < until, "the S3 server did not start"
            time.sleep(0.1)
        else:
            return
