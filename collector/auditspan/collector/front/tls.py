"""Certificates of our ports, checked before anything listens."""

import ssl
from typing import Any

import grpc

from auditspan.collector.errors import ConfigInvalid
from auditspan.collector.front.receiver_config import TlsConfig
from auditspan.identity.errors import SecretFileInvalid
from auditspan.identity.files import read_private


def web_context(tls: TlsConfig) -> ssl.SSLContext:
    """For HTTP. Raises `ConfigInvalid`."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        read_private(tls.key_file)
        context.load_cert_chain(tls.cert_file, tls.key_file)
        if tls.client_ca_file is not None:
            context.load_verify_locations(tls.client_ca_file)
            required = tls.require_client_certificate
            context.verify_mode = ssl.CERT_REQUIRED if required else ssl.CERT_OPTIONAL
    except (OSError, ssl.SSLError, SecretFileInvalid) as error:
        raise ConfigInvalid(
            f"tls: {tls.cert_file}, {tls.key_file}: expected a certificate chain and its key in "
            f"PEM, and a client_ca_file if there is one: {error}"
        ) from error
    return context


def grpc_certificates(tls: TlsConfig) -> Any:
    """For gRPC. Raises `ConfigInvalid`."""
    web_context(tls)  # gRPC itself does not say what is wrong with a file.
    pair = (read_private(tls.key_file), tls.cert_file.read_bytes())
    roots = tls.client_ca_file.read_bytes() if tls.client_ca_file else None
    return grpc.ssl_server_certificate_configuration([pair], roots)
