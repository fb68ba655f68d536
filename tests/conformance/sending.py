"""A request on its way to a collector, over each transport in each packing."""

import gzip
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import grpc
import httpx

from tests.end_to_end.bodies import JSON, PROTOBUF

TRANSPORTS: Final = [f"{way} {packing}" for way in ("grpc", "protobuf", "json")
                     for packing in ("plain", "gzip")]  # fmt: skip
_METHOD: Final = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


@dataclass(frozen=True, slots=True)
class Senders:
    """Connections that are kept."""

    http: httpx.Client
    url: str
    channel: Any

    def send(self, body: bytes, transport: str) -> int:
        """200 if it was taken, otherwise the HTTP status or the number of the gRPC status."""
        way, packing = transport.split()
        if way == "grpc":
            return self._call(body, packing)
        headers = {"content-type": JSON if way == "json" else PROTOBUF}
        if packing == "gzip":
            body, headers["content-encoding"] = gzip.compress(body, 1), "gzip"
        return self.http.post(self.url, content=body, headers=headers).status_code

    def _call(self, body: bytes, packing: str) -> int:
        how = grpc.Compression.Gzip if packing == "gzip" else None
        try:
            self.channel.unary_unary(_METHOD)(body, timeout=30, compression=how)
        except grpc.RpcError as error:
            return int(error.code().value[0])
        return 200


@contextmanager
def senders(addresses: Mapping[str, str]) -> Iterator[Senders]:
    """To the ports of a collector."""
    options = [("grpc.max_send_message_length", -1), ("grpc.enable_http_proxy", 0)]
    target = addresses["grpc"].partition("//")[2]
    with (
        httpx.Client(trust_env=False, timeout=60) as http,
        grpc.insecure_channel(target, options) as channel,
    ):
        yield Senders(http, f"{addresses['http']}/v1/traces", channel)
