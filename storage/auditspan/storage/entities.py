"""What a resource says it is about, as JSON: `EntityRef` of OTLP names keys of its attributes.

The text is the message in OTLP/JSON
(https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/common/v1/common.proto).
"""

import json

import pyarrow as pa
from opentelemetry.proto.common.v1.common_pb2 import EntityRef


def entity_texts(lists: pa.Array) -> pa.Array:
    """A text for each list of messages; empty for none."""
    if not len(lists.flatten()):
        return pa.repeat(pa.scalar(""), len(lists))
    return pa.array([_text(messages) for messages in lists.to_pylist()], pa.string())


def _text(messages: list[bytes]) -> str:
    said = [_said(EntityRef.FromString(message)) for message in messages]
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")) if said else ""


def _said(entity: EntityRef) -> dict[str, object]:
    fields: dict[str, object] = {
        "schemaUrl": entity.schema_url,
        "type": entity.type,
        "idKeys": list(entity.id_keys),
        "descriptionKeys": list(entity.description_keys),
    }
    return {name: value for name, value in fields.items() if value}
