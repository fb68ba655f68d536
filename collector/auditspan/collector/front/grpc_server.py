"""OTLP/gRPC: `TraceService/Export`, taken as bytes, so that what was sent is what is hashed.

https://opentelemetry.io/docs/specs/otlp/#otlpgrpc. Refusals carry their details in
`grpc-status-details-bin`; what may not be tried again carries no `RetryInfo`. The call is served as
a stream of one message, which looks the same to the client: so the sender is known before its
message is read.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from functools import lru_cache
from typing import Any, Final

import grpc
import grpc.aio

from auditspan.collector.front.admission import Admission
from auditspan.collector.front.decompress import BodyInvalid
from auditspan.collector.front.receiver_config import GrpcConfig
from auditspan.collector.front.refusals import Unavailable
from auditspan.collector.front.status import problem_of, tell
from auditspan.collector.front.success import answer
from auditspan.collector.front.tls_reload import renewed_grpc_credentials
from auditspan.identity.credentials import Credentials

_SERVICE: Final = "opentelemetry.proto.collector.trace.v1.TraceService"
_MESSAGE_SECONDS: Final = 60.0
"""How long the message of a call may take."""


class GrpcServer:
    """The OTLP/gRPC port."""

    def __init__(self, config: GrpcConfig, admission: Admission) -> None:
        self._config = config
        self._admission = admission
        self._server: Any = None
        self.port = 0
        """The port in use, once started."""

    async def start(self) -> None:
        """Listen. Raises `OSError` if the port cannot be had, `ConfigInvalid`."""
        handler = grpc.stream_unary_rpc_method_handler(self._export)
        generic = grpc.method_handlers_generic_handler(_SERVICE, {"Export": handler})
        self._server = grpc.aio.server(
            options=[
                ("grpc.max_receive_message_length", self._config.max_request),
                ("grpc.max_concurrent_streams", 128),
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

    @property
    def url(self) -> str:
        """Where it listens."""
        scheme = "https" if self._config.tls else "http"
        return f"{scheme}://{self._config.authority(self.port)}"

    def _bind(self) -> int:
        address = self._config.authority(self._config.port)
        tls = self._config.tls and renewed_grpc_credentials(self._config.tls)
        try:
            if tls is None:
                return int(self._server.add_insecure_port(address))
            return int(self._server.add_secure_port(address, tls))
        except RuntimeError as error:
            raise OSError(f"{address}: cannot be bound") from error

    async def _export(self, messages: AsyncIterator[bytes], context: Any) -> bytes:
        try:
            principal = await self._admission.authenticate(_credentials_of(context))
            body = await _only(messages)
            with self._admission.budget.hold() as hold:
                hold.grow(len(body))
                rejected = await self._admission.admit(body, "protobuf", principal)
                return answer(rejected, json=False)
        except Exception as error:
            await self._refuse(error, context)
            raise

    async def _refuse(self, error: Exception, context: Any) -> None:
        problem = problem_of(error)
        self._admission.metrics.refused(problem.reason)
        tell(problem, error)
        details = problem.status().SerializeToString()
        await context.abort(
            getattr(grpc.StatusCode, problem.grpc),
            problem.message,
            (("grpc-status-details-bin", details),),
        )


async def _only(messages: AsyncIterator[bytes]) -> bytes:
    """The one message of a call."""
    first: bytes | None = None
    try:
        async with asyncio.timeout(_MESSAGE_SECONDS):
            async for message in messages:
                if first is not None:
                    raise BodyInvalid("call: expected one message, got 2 or more")
                first = message
    except TimeoutError as error:
        words = f"message: not whole after {_MESSAGE_SECONDS:g} s, send it again"
        raise Unavailable(words, 1.0) from error
    if first is None:
        raise BodyInvalid("call: expected one message, got 0")
    return first


def _credentials_of(context: Any) -> Credentials:
    values = [v for name, v in context.invocation_metadata() or () if name == "authorization"]
    # Of two, somebody in between may have looked at the other one: together they prove nobody.
    header = ", ".join(values) if values else None
    chain = context.auth_context().get("x509_pem_cert")
    der = ssl.PEM_cert_to_DER_cert(chain[0].decode("ascii")) if chain else None
    return Credentials(header, der, _address(context.peer()))


@lru_cache(1024)
def _address(peer: str) -> str:
    """`ipv4:127.0.0.1:40000` or `ipv6:%5B::1%5D:40000` as an address."""
    host = peer.partition(":")[2].rpartition(":")[0]
    return host.replace("%5B", "").replace("%5D", "").replace("%25", "%").strip("[]")
