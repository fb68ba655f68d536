"""Certificates that are renewed on disk are used without a restart.

The files are looked at when somebody connects. New ones that cannot be used are said once, and the
old ones stay: a file that is half written is followed by a whole one.
"""

import logging
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

import grpc

from auditspan.collector.errors import ConfigInvalid
from auditspan.collector.front.receiver_config import TlsConfig
from auditspan.collector.front.tls import grpc_certificates, web_context

LOG = logging.getLogger("auditspan.collector.front")

_LOOK_SECONDS: Final = 1.0
_T = TypeVar("_T")


class Renewed(Generic[_T]):
    """What is made of a port's certificates, made anew when a file changes."""

    def __init__(
        self,
        tls: TlsConfig,
        build: Callable[[TlsConfig], _T],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Raises `ConfigInvalid`."""
        self._tls, self._build, self._clock = tls, build, clock
        self._lock = threading.Lock()
        self._stamp = _stamp(tls)
        self._looked_at = clock()
        self._current = build(tls)

    def current(self) -> _T:
        """The newest that can be used."""
        with self._lock:
            if self._clock() - self._looked_at >= _LOOK_SECONDS:
                self._looked_at = self._clock()
                self._look()
            return self._current

    def _look(self) -> None:
        stamp = _stamp(self._tls)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._current = self._build(self._tls)
        except ConfigInvalid as error:
            LOG.error("the certificates of before stay in use: %s", error)
        else:
            LOG.info("new certificates in use: %s", self._tls.cert_file)


def renewed_web_context(tls: TlsConfig) -> ssl.SSLContext:
    """For HTTP; each connection gets the newest certificates. Raises `ConfigInvalid`."""
    renewed = Renewed(tls, web_context)
    context = web_context(tls)

    def newest(connection: ssl.SSLObject, name: str | None, first: ssl.SSLContext) -> None:
        # Called for a client that names no host as well.
        connection.context = renewed.current()

    context.sni_callback = newest
    return context


def renewed_grpc_credentials(tls: TlsConfig) -> Any:
    """For gRPC; each connection gets the newest certificates. Raises `ConfigInvalid`."""
    renewed = Renewed(tls, grpc_certificates)
    return grpc.dynamic_ssl_server_credentials(
        renewed.current(), renewed.current, tls.require_client_certificate
    )


def _stamp(tls: TlsConfig) -> tuple[object, ...]:
    paths = (tls.cert_file, tls.key_file, tls.client_ca_file)
    return tuple(_changed(path) for path in paths if path)


def _changed(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size
