"""How each column is sealed. Generated from registry/*.yaml and columns.yaml by `make
semconv`; do not edit."""

from typing import Final

from auditspan.integrity.seal_schema import SealSchema

GROUPS: Final = {
    "core": {
        "RecordId": "string",
        "RecordKind": "string",
        "Timestamp": "int",
        "Duration": "int",
        "ReceivedAt": "int",
        "BatchId": "string",
        "TraceId": "string",
        "SpanId": "string",
        "ParentSpanId": "string",
        "SpanKind": "string",
        "StatusCode": "string",
        "Dialect": "string",
        "ActionType": "string",
        "AgentId": "string",
        "AgentProvenance": "string",
        "UserProvenance": "string",
        "ConversationId": "string",
        "GrantId": "string",
        "Effect": "string",
        "PolicyOutcome": "string",
        "PolicyRuleIds": "strings",
        "PolicyVersion": "string",
        "Enforcement": "string",
        "OutcomeStatus": "string",
        "Findings": "strings",
        "InputTokens": "int",
        "OutputTokens": "int",
        "Severity": "int",
        "RetentionClass": "string",
        "ExpiresOn": "int",
        "LogId": "string",
        "LogIndex": "int",
        "SealedAt": "int",
    },
    "principal": {
        "PrincipalId": "string",
    },
    "user": {
        "UserId": "string",
        "OrganizationId": "string",
        "SessionId": "string",
    },
    "authorization": {
        "AuthorizedBy": "string",
        "Purpose": "string",
    },
    "names": {
        "SpanName": "string",
        "ServiceName": "string",
        "AgentName": "string",
        "Environment": "string",
        "ErrorType": "string",
    },
    "tool": {
        "Operation": "string",
        "ToolName": "string",
        "TargetType": "string",
        "ModelName": "string",
    },
    "arguments": {
        "ToolArguments": "string",
        "ArgumentsHash": "string",
    },
    "result": {
        "ToolResult": "string",
        "ResultHash": "string",
    },
    "target": {
        "TargetId": "string",
        "DataSubjectIds": "strings",
    },
    "text": {
        "StatusMessage": "string",
        "PolicyReason": "string",
        "Summary": "string",
    },
    "request": {
        "RequestDigest": "string",
    },
    "resource": {
        "ResourceAttributes": "map",
    },
    "attributes": {
        "SpanAttributes": "map",
        "AttributeTypes": "map",
        "OtlpExtras": "map",
    },
    "events": {
        "Events": "[int,string,map]",
        "Links": "[string,string,string,map]",
    },
    "derived": {
        "Derived": "map",
    },
}
"""Kinds of values by column by group, of version 1."""

SCHEMA: Final = SealSchema.of(1, GROUPS)
"""What is sealed, and how, in version 1."""
