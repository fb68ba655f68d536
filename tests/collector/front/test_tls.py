"""Files of certificates, checked before a port opens."""

from collections.abc import Callable
from pathlib import Path

import pytest

from auditspan.collector.errors import ConfigInvalid
from auditspan.collector.front.receiver_config import TlsConfig
from auditspan.collector.front.tls import grpc_certificates, web_context
from tests.end_to_end.proofs import Authority

Spoil = Callable[[TlsConfig, Path], TlsConfig]


def _readable(tls: TlsConfig, folder: Path) -> TlsConfig:
    tls.key_file.chmod(0o644)
    return tls


def _of_another(tls: TlsConfig, folder: Path) -> TlsConfig:
    _, key = Authority(folder / "other").server()
    return tls.model_copy(update={"key_file": key})


def _missing(tls: TlsConfig, folder: Path) -> TlsConfig:
    tls.cert_file.unlink()
    return tls


def _no_pem(tls: TlsConfig, folder: Path) -> TlsConfig:
    tls.cert_file.write_text("no certificate")
    return tls


def _no_authority(tls: TlsConfig, folder: Path) -> TlsConfig:
    empty = folder / "empty.pem"
    empty.touch()
    return tls.model_copy(update={"client_ca_file": empty, "require_client_certificate": True})


@pytest.mark.parametrize("build", [web_context, grpc_certificates])
@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (_readable, "chmod 600"),
        (_of_another, "(?i)mismatch"),
        (_missing, "No such file"),
        (_no_pem, "expected a certificate chain"),
        (_no_authority, "expected a certificate chain"),
    ],
)
def test_files_that_cannot_be_used_are_named(
    tmp_path: Path, build: Callable[[TlsConfig], object], spoil: Spoil, reason: str
) -> None:
    """With what is wrong, over both transports alike."""
    certificate, key = Authority(tmp_path / "ca").server()
    tls = spoil(TlsConfig(cert_file=certificate, key_file=key), tmp_path)
    with pytest.raises(ConfigInvalid, match=reason) as caught:
        build(tls)
    assert str(tls.key_file) in str(caught.value)
