"""OTLP/gRPC: `TraceService/Export`, taken as bytes, so that what was sent is what is hashed.

https://opentelemetry.io/docs/specs/otlp/#otlpgrpc. Refusals carry their details in
`grpc-status-details-bin`; what may not be tried again carries no `RetryInfo`.
"""

import logging
from typing import Any, Final

import grpc
import grpc.aio
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from auditspan.collector.front.admission import Admission
from auditspan.collector.front.receiver_config import GrpcConfig, TlsConfig
from auditspan.collector.front.status import problem_of
from auditspan.identity.credentials import Credentials
from auditspan.identity.files import read_private

LOG = logging.getLogger("auditspan.collector.front")

_SERVICE: Final = "opentelemetry.proto.collector.trace.v1.TraceService"
_SUCCESS: Final = ExportTraceServiceResponse().SerializeToString()


class GrpcServer:
    """The OTLP/gRPC port."""

    def __init__(self, config: GrpcConfig, admission: Admission) -> None:
        self._config = config
        self._admission = admission
        self._server: Any = None
        self.port = 0
        """The port in use, once started."""

    async def start(self) -> None:
        """Listen. Raises `OSError` if the port cannot be had."""
        handler = grpc.unary_unary_rpc_method_handler(self._export)
        generic = grpc.method_handlers_generic_handler(_SERVICE, {"Export": handler})
        self._server = grpc.aio.server(
            options=[
                ("grpc.max_receive_message_length", self._config.max_request),
                ("grpc.so_reuseport", 0),
            ]
        )
        self._server.add_generic_rpc_handlers((generic,))
        self.port = self._bind()
        await self._server.start()

    async def stop(self) -> None:
        """Answer what has begun, then close."""
        if self._server is not None:
            await self._server.stop(5.0)

    def _bind(self) -> int:
        address = f"{self._config.host}:{self._config.port}"
        if self._config.tls is None:
            return int(self._server.add_insecure_port(address))
        return int(self._server.add_secure_port(address, _credentials(self._config.tls)))

    async def _export(self, body: bytes, context: Any) -> bytes:
        try:
            await self._admission.admit(body, "protobuf", _credentials_of(context))
        except Exception as error:
            await self._refuse(error, context)
        return _SUCCESS

    async def _refuse(self, error: Exception, context: Any) -> None:
        problem = problem_of(error)
        self._admission.metrics.refused(problem.reason)
        if problem.reason == "internal":
            LOG.error("request failed", exc_info=error)
        details = problem.status().SerializeToString()
        await context.abort(
            getattr(grpc.StatusCode, problem.grpc),
            problem.message,
            (("grpc-status-details-bin", details),),
        )


def _credentials_of(context: Any) -> Credentials:
    metadata = dict(context.invocation_metadata() or ())
    header = metadata.get("authorization")
    pem = (context.auth_context().get("x509_pem_cert") or [None])[0]
    der = x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER) if pem else None
    return Credentials(header, der, _address(context.peer()))


def _address(peer: str) -> str:
    """`ipv4:127.0.0.1:40000` or `ipv6:%5B::1%5D:40000` as an address."""
    host = peer.partition(":")[2].rpartition(":")[0]
    return host.replace("%5B", "").replace("%5D", "").strip("[]")


def _credentials(tls: TlsConfig) -> Any:
    roots = tls.client_ca_file.read_bytes() if tls.client_ca_file else None
    return grpc.ssl_server_credentials(
        _pairs(tls), roots, require_client_auth=tls.require_client_certificate
    )


def _pairs(tls: TlsConfig) -> list[tuple[bytes, bytes]]:
    return [(read_private(tls.key_file), tls.cert_file.read_bytes())]
