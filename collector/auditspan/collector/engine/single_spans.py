"""The frame that a decoded record came in, with no other span in it.

A frame is what can be tried again, by this release or a later one; a decoded row is not.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from auditspan.collector.engine.cutting import open_in, spans_of
from auditspan.wire.damage import pieces
from auditspan.wire.envelope import OTLP_TRACES, Envelope, frame, parse
from auditspan.wire.varint import MAX_BYTES, decode_varint


def frames_of(segment: bytes, bad: Collection[int], wanted: Collection[int]) -> Mapping[int, bytes]:
    """The frames of some records by their places among the decoded ones.

    `bad` are the offsets of frames that were not decoded.
    """
    found: dict[int, bytes] = {}
    at = 0
    for envelope in _readable(segment, bad):
        request = ExportTraceServiceRequest.FromString(envelope.request)
        for resource, scope, span in spans_of(request):
            if at in wanted:
                alone = ExportTraceServiceRequest()
                into, _ = open_in(alone, resource, scope, new=True)
                into.spans.append(span)
                found[at] = frame(replace(envelope, request=alone.SerializeToString()))
            at += 1
    return found


def _readable(segment: bytes, bad: Collection[int]) -> Iterator[Envelope]:
    for piece in pieces(segment):
        if not piece.problem and piece.offset not in bad:
            _, width = decode_varint(piece.data[:MAX_BYTES])
            envelope = parse(piece.data[width:])
            if envelope.kind == OTLP_TRACES:
                yield envelope
