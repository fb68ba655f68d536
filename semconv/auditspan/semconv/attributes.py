# ruff: noqa: E501, S105
"""Names of attributes. Generated from registry/*.yaml by `make semconv`; do not edit."""

from typing import Final

SCHEMA_VERSION: Final = "0.1.0"
"""Version of the conventions, of `registry/manifest.yaml`."""

AUDIT_RECORD_ID: Final = "audit.record.id"
"""Identifier of the record, a UUIDv7 of the time of receipt."""
AUDIT_RECORD_KIND: Final = "audit.record.kind"
"""What the record is about."""
AUDIT_RECORD_ACTION_TYPE: Final = "audit.record.action_type"
"""Kind of act."""
AUDIT_SCHEMA_VERSION: Final = "audit.schema.version"
"""Version of these conventions that the record was made with."""
AUDIT_REGISTRY_VERSION: Final = "audit.registry.version"
"""Digest of the registry (agents, tools, grants) in force at the action."""
AUDIT_CONTROL_BODY: Final = "audit.control.body"
"""The control record as JSON."""
AUDIT_DIALECT_NAME: Final = "audit.dialect.name"
"""Whose words the span used, as detected by `dialects.yaml`."""
AUDIT_INSTRUMENTATION_NAME: Final = "audit.instrumentation.name"
"""Name of the instrumentation that made the span, for exports."""
AUDIT_SEQUENCE_NUMBER: Final = "audit.sequence.number"
"""Number of the span within the agent's instance, from 1."""
AUDIT_SEQUENCE_MARK: Final = "audit.sequence.mark"
"""First or last span of an instance; absent on all others."""
AUDIT_LOSS_COUNT: Final = "audit.loss.count"
"""Spans that could not be written, because the agent's spool was full."""
AUDIT_COVERAGE_GUARDED_FRAMEWORKS: Final = "audit.coverage.guarded_frameworks"
"""Frameworks whose tool calls are guarded in the agent's process, with their versions."""
AUDIT_COVERAGE_UNGUARDED_FRAMEWORKS: Final = "audit.coverage.unguarded_frameworks"
"""Frameworks that are installed there and whose tool calls pass unguarded, each with the reason."""
AUDIT_COVERAGE_DISABLED_FRAMEWORKS: Final = "audit.coverage.disabled_frameworks"
"""Frameworks that are left unguarded on purpose."""
AUDIT_TASK_ID: Final = "audit.task.id"
"""The agent's task or goal that the action serves."""
AUDIT_TURN_ID: Final = "audit.turn.id"
"""Turn of the conversation that the action belongs to."""
AUDIT_PRECEDING_ACTION_ID: Final = "audit.preceding.action.id"
"""Span id of the action before this one."""
AUDIT_PROVENANCE: Final = "audit.provenance"
"""How the value of the attribute named in the key is known: `claimed`, `verified` or `derived`."""
AUDIT_SUMMARY: Final = "audit.summary"
"""One plain sentence made of the other columns."""
SERVICE_NAME: Final = "service.name"
"""Name of the service that made the span."""
SERVICE_NAMESPACE: Final = "service.namespace"
"""Namespace of the service."""
SERVICE_VERSION: Final = "service.version"
"""Version of the service."""
SERVICE_INSTANCE_ID: Final = "service.instance.id"
"""Instance of the service."""
DEPLOYMENT_ENVIRONMENT_NAME: Final = "deployment.environment.name"
"""Environment that the agent runs in."""
GEN_AI_AGENT_ID: Final = "gen_ai.agent.id"
"""Identifier of the agent as registered."""
GEN_AI_AGENT_NAME: Final = "gen_ai.agent.name"
"""Name of the agent."""
GEN_AI_AGENT_VERSION: Final = "gen_ai.agent.version"
"""Version of the agent."""
GEN_AI_AGENT_DESCRIPTION: Final = "gen_ai.agent.description"
"""What the agent is for, in its own words."""
GEN_AI_MAIN_AGENT_ID: Final = "gen_ai.main_agent.id"
"""Identifier of the agent that the process is there for."""
GEN_AI_MAIN_AGENT_NAME: Final = "gen_ai.main_agent.name"
"""Name of the agent that the process is there for."""
GEN_AI_MAIN_AGENT_DESCRIPTION: Final = "gen_ai.main_agent.description"
"""Description of the agent that the process is there for."""
GEN_AI_WORKFLOW_NAME: Final = "gen_ai.workflow.name"
"""Workflow that the agent runs in."""
GEN_AI_SKILL_NAME: Final = "gen_ai.skill.name"
"""Skill that was loaded."""
GEN_AI_SKILL_DESCRIPTION: Final = "gen_ai.skill.description"
"""Description of the skill."""
GEN_AI_SKILL_SOURCE_URI: Final = "gen_ai.skill.source.uri"
"""Where the skill was loaded from."""
GEN_AI_SKILL_RESOURCE_NAME: Final = "gen_ai.skill.resource.name"
"""Resource of the skill that was read."""
AUDIT_AGENT_INSTANCE_ID: Final = "audit.agent.instance.id"
"""The running instance of the agent."""
AUDIT_AGENT_BUILD_ID: Final = "audit.agent.build.id"
"""Build of the agent: commit, image digest or release."""
AUDIT_AGENT_FRAMEWORK: Final = "audit.agent.framework"
"""Framework that the agent is built with."""
AUDIT_AGENT_DEFINITION_HASH: Final = "audit.agent.definition.hash"
"""Hash of the agent's instructions (system prompt, charter)."""
AUDIT_AGENT_OWNER_ID: Final = "audit.agent.owner.id"
"""Team or person who answers for the agent."""
AUDIT_AGENT_OWNER_NAME: Final = "audit.agent.owner.name"
"""Name of the owner."""
AUDIT_AGENT_OWNER_EMAIL: Final = "audit.agent.owner.email"
"""E-mail address of the owner."""
AUDIT_AGENT_RISK_TIER: Final = "audit.agent.risk_tier"
"""Risk tier of the agent as registered."""
AUDIT_AGENT_SYSTEM_ID: Final = "audit.agent.system.id"
"""System that the agent is part of, as registered."""
AUDIT_AGENT_IDENTITY_ID: Final = "audit.agent.identity.id"
"""What the agent authenticated as: key id, hash of a token's id, certificate fingerprint or SPIFFE id."""
AUDIT_AGENT_IDENTITY_TYPE: Final = "audit.agent.identity.type"
"""Kind of that identity."""
AUDIT_AGENT_STATEMENT: Final = "audit.agent.statement"
"""Signed statement of who the agent is, for spans that come through a relay."""
AUDIT_AGENT_PARENT_ID: Final = "audit.agent.parent.id"
"""Agent that started this one."""
AUDIT_AGENT_PEER_ID: Final = "audit.agent.peer.id"
"""The other agent that this act is addressed to."""
AUDIT_DELEGATION_ID: Final = "audit.delegation.id"
"""Identifier of the delegation that the agent works under."""
AUDIT_DELEGATION_PARENT_ID: Final = "audit.delegation.parent.id"
"""Delegation that this one was made from."""
AUDIT_DELEGATION_DEPTH: Final = "audit.delegation.depth"
"""How many agents stand between the user and this one."""
USER_ID: Final = "user.id"
"""The user on whose behalf the agent acts."""
USER_NAME: Final = "user.name"
"""Name of the user."""
USER_EMAIL: Final = "user.email"
"""E-mail address of the user."""
USER_FULL_NAME: Final = "user.full_name"
"""Full name of the user."""
USER_HASH: Final = "user.hash"
"""Pseudonym of the user."""
USER_ROLES: Final = "user.roles"
"""Roles of the user."""
ENDUSER_ID: Final = "enduser.id"
"""Older name for `user.id`."""
SESSION_ID: Final = "session.id"
"""Session of the user."""
AUDIT_ORGANIZATION_ID: Final = "audit.organization.id"
"""Organisation of the user, from the identity statement."""
AUDIT_TENANT_ID: Final = "audit.tenant.id"
"""Tenant that the sending principal belongs to."""
AUDIT_IDENTITY_STATEMENT: Final = "audit.identity.statement"
"""Signed identity statement of `POST /v1/identities`."""
AUDIT_IDENTITY_TOKEN: Final = "audit.identity.token"
"""A user's raw token, from a sender that cannot exchange it itself."""
AUDIT_IDENTITY_ERROR: Final = "audit.identity.error"
"""Why the recorder could not exchange the user's token."""
AUDIT_IDENTITY_DIGEST: Final = "audit.identity.digest"
"""SHA-256 of the identity statement that came with the span."""
AUDIT_ACTOR_ID: Final = "audit.actor.id"
"""Actor of the draft, for exports: the agent, else the user."""
AUDIT_ACTOR_TYPE: Final = "audit.actor.type"
"""Kind of the actor, for exports."""
AUDIT_OAUTH_SUBJECT: Final = "audit.oauth.subject"
"""Subject (`sub`) of the user's token."""
AUDIT_OAUTH_ISSUER: Final = "audit.oauth.issuer"
"""Issuer of the user's token."""
AUDIT_OAUTH_CLIENT_ID: Final = "audit.oauth.client.id"
"""Client that the user's token was issued to."""
AUDIT_OAUTH_SCOPES: Final = "audit.oauth.scopes"
"""Scopes of the user's token."""
AUDIT_OAUTH_AUDIENCE: Final = "audit.oauth.audience"
"""Audience of the user's token."""
AUDIT_OAUTH_TOKEN_ID: Final = "audit.oauth.token.id"
"""Hash of the token's id (`jti`)."""
AUDIT_OAUTH_ACTOR: Final = "audit.oauth.actor"
"""Actors of the token (`act`), outermost first."""
AUDIT_AUTHENTICATION_PRINCIPAL_ID: Final = "audit.authentication.principal.id"
"""The sender that was authenticated: agent, relay or anonymous."""
AUDIT_AUTHENTICATION_METHOD: Final = "audit.authentication.method"
"""How the sender was authenticated."""
AUDIT_AUTHENTICATION_MFA: Final = "audit.authentication.mfa"
"""Whether the user authenticated with more than one factor."""
AUDIT_AUTHENTICATION_ASSURANCE_LEVEL: Final = "audit.authentication.assurance_level"
"""Assurance level of the user's authentication (`acr`)."""
AUDIT_AUTHENTICATION_TIME: Final = "audit.authentication.time"
"""When the user authenticated, RFC 3339."""
CLIENT_ADDRESS: Final = "client.address"
"""Address that the sender connected from."""
CLIENT_PORT: Final = "client.port"
"""Port of the client."""
USER_AGENT_ORIGINAL: Final = "user_agent.original"
"""User agent of the client."""
AUDIT_AUTHORIZATION_ID: Final = "audit.authorization.id"
"""Grant that covers the action."""
AUDIT_AUTHORIZATION_PRINCIPAL_ID: Final = "audit.authorization.principal.id"
"""User, role or policy that authorised the action."""
AUDIT_AUTHORIZATION_ROLE: Final = "audit.authorization.role"
"""Role that was exercised."""
AUDIT_AUTHORIZATION_SCOPES: Final = "audit.authorization.scopes"
"""What the grant allows: operations, tools, targets."""
AUDIT_AUTHORIZATION_GRANTED_AT: Final = "audit.authorization.granted_at"
"""When the grant was given, RFC 3339."""
AUDIT_AUTHORIZATION_EXPIRES_AT: Final = "audit.authorization.expires_at"
"""When the grant ends, RFC 3339."""
AUDIT_AUTHORIZATION_TICKET: Final = "audit.authorization.ticket"
"""Ticket under which the grant was given."""
AUDIT_AUTHORIZATION_LEGAL_BASIS: Final = "audit.authorization.legal_basis"
"""Legal basis that the grant names."""
AUDIT_PERMISSION_PROFILE: Final = "audit.permission.profile"
"""Permission profile in force: roles and grants of the agent, by name."""
AUDIT_PURPOSE: Final = "audit.purpose"
"""Purpose of the action."""
AUDIT_APPROVAL_ID: Final = "audit.approval.id"
"""One identifier for a chain of approvals."""
AUDIT_APPROVAL_STEP: Final = "audit.approval.step"
"""Step within the chain."""
AUDIT_APPROVAL_STATUS: Final = "audit.approval.status"
"""State of the approval."""
AUDIT_APPROVAL_APPROVER_ID: Final = "audit.approval.approver.id"
"""Who was asked or answered."""
AUDIT_APPROVAL_APPROVER_TYPE: Final = "audit.approval.approver.type"
"""Kind of the approver."""
AUDIT_APPROVAL_METHOD: Final = "audit.approval.method"
"""How the approval was given."""
AUDIT_APPROVAL_REASON: Final = "audit.approval.reason"
"""What the approver said."""
AUDIT_APPROVAL_REQUESTED_AT: Final = "audit.approval.requested_at"
"""When the approval was asked for, RFC 3339."""
AUDIT_APPROVAL_RESOLVED_AT: Final = "audit.approval.resolved_at"
"""When the approval was answered, RFC 3339."""
AUDIT_APPROVAL_EXPIRES_AT: Final = "audit.approval.expires_at"
"""When the approval ends, RFC 3339."""
AUDIT_APPROVAL_CONTEXT_HASH: Final = "audit.approval.context.hash"
"""Hash of what the approver saw, the arguments above all."""
AUDIT_APPROVAL_CHAIN: Final = "audit.approval.chain"
"""Approvals of the grant as JSON: approver, time, method."""
GEN_AI_OPERATION_NAME: Final = "gen_ai.operation.name"
"""Operation."""
AUDIT_ACTION: Final = "audit.action"
"""Verb of the draft, for exports."""
GEN_AI_TOOL_NAME: Final = "gen_ai.tool.name"
"""Name of the tool."""
GEN_AI_TOOL_TYPE: Final = "gen_ai.tool.type"
"""Kind of tool."""
GEN_AI_TOOL_DESCRIPTION: Final = "gen_ai.tool.description"
"""Description of the tool that the model was given."""
GEN_AI_TOOL_DEFINITIONS: Final = "gen_ai.tool.definitions"
"""Tools that the model was offered."""
GEN_AI_TOOL_CALL_ID: Final = "gen_ai.tool.call.id"
"""Identifier of the call."""
AUDIT_CALL_NESTED: Final = "audit.call.nested"
"""Whether the call is part of one that was decided already."""
AUDIT_CALL_INTENT: Final = "audit.call.intent"
"""Whether the record was made before the call, because nobody told of its end."""
AUDIT_CALL_SPAN_ID: Final = "audit.call.span.id"
"""Span of the guard's record of the same call."""
GEN_AI_TOOL_CALL_ARGUMENTS: Final = "gen_ai.tool.call.arguments"
"""Arguments of the call."""
GEN_AI_TOOL_CALL_RESULT: Final = "gen_ai.tool.call.result"
"""Result of the call."""
AUDIT_TOOL_SERVER: Final = "audit.tool.server"
"""Server or system that offers the tool."""
AUDIT_TOOL_VERSION: Final = "audit.tool.version"
"""Version of the tool as registered."""
AUDIT_TOOL_SCHEMA_HASH: Final = "audit.tool.schema.hash"
"""Hash of the tool's input schema as registered."""
AUDIT_TOOL_DESCRIPTION_HASH: Final = "audit.tool.description.hash"
"""Hash of the tool's description as registered."""
AUDIT_TOOL_EFFECT: Final = "audit.tool.effect"
"""What the act does to the world."""
AUDIT_ARGUMENTS_HASH: Final = "audit.arguments.hash"
"""Hash of the arguments."""
AUDIT_TARGET_TYPE: Final = "audit.target.type"
"""Kind of the target."""
AUDIT_TARGET_ID: Final = "audit.target.id"
"""Identifier of the target."""
AUDIT_TARGET_PATH: Final = "audit.target.path"
"""Path or address of the target."""
AUDIT_TARGET_OWNER: Final = "audit.target.owner"
"""Owner of the target."""
AUDIT_RECIPIENT_ID: Final = "audit.recipient.id"
"""Who receives what is sent."""
AUDIT_AUTOMATED_DECISION: Final = "audit.automated_decision"
"""Whether the act decides about a person without a person."""
AUDIT_DATA_SUBJECT_IDS: Final = "audit.data.subject.ids"
"""People whom the data is about, each as HMAC."""
MCP_METHOD_NAME: Final = "mcp.method.name"
"""Method of the MCP message."""
MCP_SESSION_ID: Final = "mcp.session.id"
"""Session of MCP."""
MCP_RESOURCE_URI: Final = "mcp.resource.uri"
"""Resource of MCP."""
MCP_PROTOCOL_VERSION: Final = "mcp.protocol.version"
"""Version of MCP."""
JSONRPC_REQUEST_ID: Final = "jsonrpc.request.id"
"""Identifier of the JSON-RPC request."""
RPC_METHOD: Final = "rpc.method"
"""Method of a remote call."""
RPC_RESPONSE_STATUS_CODE: Final = "rpc.response.status_code"
"""Status of a remote call."""
HTTP_REQUEST_METHOD: Final = "http.request.method"
"""Method of an HTTP request."""
HTTP_RESPONSE_STATUS_CODE: Final = "http.response.status_code"
"""Status of an HTTP response."""
URL_FULL: Final = "url.full"
"""Address that was called."""
URL_PATH: Final = "url.path"
"""Path that was called."""
FILE_PATH: Final = "file.path"
"""File that was used."""
DB_SYSTEM_NAME: Final = "db.system.name"
"""Kind of database."""
DB_NAMESPACE: Final = "db.namespace"
"""Database or schema."""
DB_COLLECTION_NAME: Final = "db.collection.name"
"""Table or collection."""
DB_OPERATION_NAME: Final = "db.operation.name"
"""Operation on the database."""
DB_QUERY_TEXT: Final = "db.query.text"
"""Query, with literals replaced."""
SERVER_ADDRESS: Final = "server.address"
"""Address of the server that was called."""
SERVER_PORT: Final = "server.port"
"""Port of the server that was called."""
NETWORK_TRANSPORT: Final = "network.transport"
"""Transport of the call."""
NETWORK_PEER_ADDRESS: Final = "network.peer.address"
"""Address of the peer."""
PROCESS_EXECUTABLE_NAME: Final = "process.executable.name"
"""Program that was run."""
PROCESS_EXIT_CODE: Final = "process.exit.code"
"""Exit code of the program."""
CLOUD_RESOURCE_ID: Final = "cloud.resource_id"
"""Identifier of the cloud resource."""
GEN_AI_DATA_SOURCE_ID: Final = "gen_ai.data_source.id"
"""Source of documents."""
GEN_AI_MEMORY_STORE_ID: Final = "gen_ai.memory.store.id"
"""Memory store."""
GEN_AI_MEMORY_RECORD_ID: Final = "gen_ai.memory.record.id"
"""Record of a memory store."""
GEN_AI_MEMORY_RECORD_COUNT: Final = "gen_ai.memory.record.count"
"""Number of memory records."""
GEN_AI_MEMORY_QUERY_TEXT: Final = "gen_ai.memory.query.text"
"""What memory was asked."""
GEN_AI_MEMORY_RECORDS: Final = "gen_ai.memory.records"
"""Memory records read or written."""
GEN_AI_CONVERSATION_ID: Final = "gen_ai.conversation.id"
"""Conversation that the action belongs to."""
GEN_AI_CONVERSATION_COMPACTED: Final = "gen_ai.conversation.compacted"
"""Whether the conversation was compacted."""
AUDIT_TRIGGER_TYPE: Final = "audit.trigger.type"
"""What set the agent off."""
AUDIT_TRIGGER_ID: Final = "audit.trigger.id"
"""Identifier of what set the agent off."""
AUDIT_JUSTIFICATION_TEXT: Final = "audit.justification.text"
"""Why the action is needed, in the words of who asked."""
AUDIT_TICKET_ID: Final = "audit.ticket.id"
"""Ticket or change that the action belongs to."""
AUDIT_TICKET_SYSTEM: Final = "audit.ticket.system"
"""System that keeps the ticket."""
AUDIT_TICKET_URL: Final = "audit.ticket.url"
"""Address of the ticket."""
AUDIT_DECISION_RATIONALE: Final = "audit.decision.rationale"
"""Why the agent decided so: a summary."""
AUDIT_CONTEXT_SOURCES: Final = "audit.context.sources"
"""Where context was taken from: documents, records, memories."""
AUDIT_CONTEXT_HASHES: Final = "audit.context.hashes"
"""Hashes of that context, in the same order."""
AUDIT_MEMORY_PROVENANCE: Final = "audit.memory.provenance"
"""Where a memory record came from."""
GEN_AI_PROMPT_NAME: Final = "gen_ai.prompt.name"
"""Template of the prompt."""
GEN_AI_PROMPT_VERSION: Final = "gen_ai.prompt.version"
"""Version of the template."""
GEN_AI_PROMPT_VARIABLE: Final = "gen_ai.prompt.variable"
"""Variable of the template that is named in the key."""
GEN_AI_SYSTEM_INSTRUCTIONS: Final = "gen_ai.system_instructions"
"""System prompt."""
GEN_AI_INPUT_MESSAGES: Final = "gen_ai.input.messages"
"""Messages that the model was given."""
GEN_AI_OUTPUT_MESSAGES: Final = "gen_ai.output.messages"
"""Messages that the model gave."""
GEN_AI_RETRIEVAL_QUERY_TEXT: Final = "gen_ai.retrieval.query.text"
"""What was looked up."""
GEN_AI_RETRIEVAL_DOCUMENTS: Final = "gen_ai.retrieval.documents"
"""Documents that were found."""
GEN_AI_RETRIEVAL_TOP_K: Final = "gen_ai.retrieval.top_k"
"""How many documents were asked for."""
GEN_AI_EMBEDDINGS_DIMENSION_COUNT: Final = "gen_ai.embeddings.dimension.count"
"""Dimensions of the embedding."""
VCS_CHANGE_ID: Final = "vcs.change.id"
"""Change in version control."""
VCS_REF_HEAD_REVISION: Final = "vcs.ref.head.revision"
"""Revision in version control."""
CICD_PIPELINE_RUN_ID: Final = "cicd.pipeline.run.id"
"""Run of a pipeline."""
CLOUD_REGION: Final = "cloud.region"
"""Region that the agent runs in."""
CLOUD_ACCOUNT_ID: Final = "cloud.account.id"
"""Cloud account that the agent runs in."""
AUDIT_POLICY_OUTCOME: Final = "audit.policy.outcome"
"""Answer of the policy."""
AUDIT_POLICY_RULE_IDS: Final = "audit.policy.rule.ids"
"""Rules that decided."""
AUDIT_POLICY_VERSION: Final = "audit.policy.version"
"""Digest of the text of the policies in force."""
AUDIT_POLICY_REASON: Final = "audit.policy.reason"
"""Why, in words."""
AUDIT_POLICY_NATIVE_RESULT: Final = "audit.policy.native_result"
"""The engine's own answer."""
AUDIT_POLICY_ENGINE: Final = "audit.policy.engine"
"""Engine that answered."""
AUDIT_POLICY_ID: Final = "audit.policy.id"
"""Policy set."""
AUDIT_POLICY_NAME: Final = "audit.policy.name"
"""Name of the policy set."""
AUDIT_POLICY_BUNDLE_HASH: Final = "audit.policy.bundle.hash"
"""Hash of the signed bundle."""
AUDIT_POLICY_INPUT_HASH: Final = "audit.policy.input.hash"
"""Hash of what the policy was asked."""
AUDIT_POLICY_VIOLATIONS: Final = "audit.policy.violations"
"""Rules that were violated."""
AUDIT_POLICY_OBLIGATIONS: Final = "audit.policy.obligations"
"""Duties that the answer carries."""
AUDIT_POLICY_DECISION_POINT: Final = "audit.policy.decision_point"
"""Where it was decided."""
AUDIT_ENFORCEMENT_ACTION: Final = "audit.enforcement.action"
"""What was done about the answer."""
AUDIT_GUARD_OUTCOME: Final = "audit.guard.outcome"
"""Answer that the guard got before the act."""
AUDIT_GUARD_RULE_IDS: Final = "audit.guard.rule.ids"
"""Rules that decided for the guard."""
AUDIT_GUARD_POLICY_VERSION: Final = "audit.guard.policy.version"
"""Digest of the policies that the guard had."""
AUDIT_GUARD_POLICY_SOURCE: Final = "audit.guard.policy.source"
"""Where the guard's policies came from; absent is a folder."""
AUDIT_GUARD_POLICY_STALE: Final = "audit.guard.policy.stale"
"""The collector's policies that the guard had were past their end."""
AUDIT_GUARD_REASON: Final = "audit.guard.reason"
"""Why, in words."""
AUDIT_GUARD_ENFORCEMENT: Final = "audit.guard.enforcement"
"""What the guard did."""
AUDIT_GUARD_MODE: Final = "audit.guard.mode"
"""Mode of the guard."""
AUDIT_GUARD_FAIL_MODE: Final = "audit.guard.fail_mode"
"""What the guard does when it cannot ask the policies or record the act."""
SECURITY_RULE_NAME: Final = "security_rule.name"
"""Name of a security rule of another product."""
SECURITY_RULE_UUID: Final = "security_rule.uuid"
"""Identifier of a security rule of another product."""
SECURITY_RULE_VERSION: Final = "security_rule.version"
"""Version of a security rule of another product."""
SECURITY_RULE_RULESET_NAME: Final = "security_rule.ruleset.name"
"""Rule set of another product."""
AUDIT_CONTENT_PII_DETECTED: Final = "audit.content.pii.detected"
"""Whether personal data was found."""
AUDIT_CONTENT_PII_TYPES: Final = "audit.content.pii.types"
"""Kinds of personal data that were found."""
AUDIT_CONTENT_REDACTION_COUNT: Final = "audit.content.redaction.count"
"""How many values were redacted."""
AUDIT_CONTENT_REDACTION_FIELDS: Final = "audit.content.redaction.fields"
"""Where values were redacted."""
AUDIT_CONTENT_BLOCKED: Final = "audit.content.blocked"
"""Whether content was blocked."""
AUDIT_CONTENT_SAFETY_CATEGORIES: Final = "audit.content.safety.categories"
"""Safety categories that were raised."""
AWS_BEDROCK_GUARDRAIL_ID: Final = "aws.bedrock.guardrail.id"
"""Guardrail of Bedrock that was applied."""
AUDIT_OUTCOME: Final = "audit.outcome"
"""What came of it."""
ERROR_TYPE: Final = "error.type"
"""Kind of error."""
EXCEPTION_TYPE: Final = "exception.type"
"""Type of the exception."""
EXCEPTION_MESSAGE: Final = "exception.message"
"""Message of the exception."""
EXCEPTION_STACKTRACE: Final = "exception.stacktrace"
"""Stack trace of the exception."""
AUDIT_RESULT_HASH: Final = "audit.result.hash"
"""Hash of the result."""
AUDIT_RESULT_FINDINGS: Final = "audit.result.findings"
"""What the collector found about the record."""
AUDIT_RESULT_NEXT_ACTION: Final = "audit.result.next_action"
"""What the agent says it does next."""
AUDIT_REVIEW_REQUIRED: Final = "audit.review.required"
"""Whether a person has to look at it."""
AUDIT_REVIEW_STATUS: Final = "audit.review.status"
"""State of the review."""
AUDIT_REVIEW_REVIEWER_ID: Final = "audit.review.reviewer.id"
"""Who reviewed it."""
GEN_AI_RESPONSE_STATUS: Final = "gen_ai.response.status"
"""State of the model's response."""
GEN_AI_RESPONSE_FINISH_REASONS: Final = "gen_ai.response.finish_reasons"
"""Why the model stopped."""
GEN_AI_EVALUATION_NAME: Final = "gen_ai.evaluation.name"
"""Evaluation that was made."""
GEN_AI_EVALUATION_SCORE_VALUE: Final = "gen_ai.evaluation.score.value"
"""Score of the evaluation."""
GEN_AI_EVALUATION_SCORE_LABEL: Final = "gen_ai.evaluation.score.label"
"""Label of the evaluation."""
GEN_AI_EVALUATION_EXPLANATION: Final = "gen_ai.evaluation.explanation"
"""Explanation of the evaluation."""
GEN_AI_PROVIDER_NAME: Final = "gen_ai.provider.name"
"""Provider of the model."""
GEN_AI_REQUEST_MODEL: Final = "gen_ai.request.model"
"""Model that was asked for."""
GEN_AI_RESPONSE_MODEL: Final = "gen_ai.response.model"
"""Model that answered."""
GEN_AI_RESPONSE_ID: Final = "gen_ai.response.id"
"""Identifier of the response."""
GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK: Final = "gen_ai.response.time_to_first_chunk"
"""Seconds to the first chunk."""
GEN_AI_USAGE_INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
"""Tokens that the model was given, cached ones included."""
GEN_AI_USAGE_OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
"""Tokens that the model gave."""
GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS: Final = "gen_ai.usage.cache_read.input_tokens"
"""Input tokens read from a cache."""
GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS: Final = "gen_ai.usage.cache_write.input_tokens"
"""Input tokens written to a cache."""
GEN_AI_USAGE_REASONING_OUTPUT_TOKENS: Final = "gen_ai.usage.reasoning.output_tokens"
"""Output tokens spent on reasoning."""
GEN_AI_REQUEST_MAX_TOKENS: Final = "gen_ai.request.max_tokens"
"""Most tokens to give."""
GEN_AI_REQUEST_CHOICE_COUNT: Final = "gen_ai.request.choice.count"
"""How many choices to give."""
GEN_AI_REQUEST_TEMPERATURE: Final = "gen_ai.request.temperature"
"""Temperature."""
GEN_AI_REQUEST_TOP_P: Final = "gen_ai.request.top_p"
"""Top p."""
GEN_AI_REQUEST_TOP_K: Final = "gen_ai.request.top_k"
"""Top k; a double before."""
GEN_AI_REQUEST_FREQUENCY_PENALTY: Final = "gen_ai.request.frequency_penalty"
"""Frequency penalty."""
GEN_AI_REQUEST_PRESENCE_PENALTY: Final = "gen_ai.request.presence_penalty"
"""Presence penalty."""
GEN_AI_REQUEST_SEED: Final = "gen_ai.request.seed"
"""Seed."""
GEN_AI_REQUEST_STREAM: Final = "gen_ai.request.stream"
"""Whether the answer is streamed."""
GEN_AI_REQUEST_STOP_SEQUENCES: Final = "gen_ai.request.stop_sequences"
"""Sequences that end the answer."""
GEN_AI_REQUEST_ENCODING_FORMATS: Final = "gen_ai.request.encoding_formats"
"""Formats of an embedding."""
GEN_AI_REQUEST_REASONING_LEVEL: Final = "gen_ai.request.reasoning.level"
"""How much to reason."""
GEN_AI_REQUEST_PREVIOUS_RESPONSE_ID: Final = "gen_ai.request.previous_response.id"
"""Response that this one goes on from."""
GEN_AI_REQUEST_STREAM_CURSOR: Final = "gen_ai.request.stream_cursor"
"""Where a stream is taken up again."""
GEN_AI_OUTPUT_TYPE: Final = "gen_ai.output.type"
"""Kind of output asked for."""
GEN_AI_TOKEN_MODALITY: Final = "gen_ai.token.modality"
"""Modality of tokens."""
GEN_AI_USAGE_TEXT_INPUT_TOKENS: Final = "gen_ai.usage.text.input_tokens"
"""Input tokens of text."""
GEN_AI_USAGE_TEXT_OUTPUT_TOKENS: Final = "gen_ai.usage.text.output_tokens"
"""Output tokens of text."""
GEN_AI_USAGE_TEXT_CACHE_READ_INPUT_TOKENS: Final = "gen_ai.usage.text.cache_read.input_tokens"
"""Input tokens of text read from a cache."""
GEN_AI_USAGE_IMAGE_INPUT_TOKENS: Final = "gen_ai.usage.image.input_tokens"
"""Input tokens of image."""
GEN_AI_USAGE_IMAGE_OUTPUT_TOKENS: Final = "gen_ai.usage.image.output_tokens"
"""Output tokens of image."""
GEN_AI_USAGE_IMAGE_CACHE_READ_INPUT_TOKENS: Final = "gen_ai.usage.image.cache_read.input_tokens"
"""Input tokens of image read from a cache."""
GEN_AI_USAGE_AUDIO_INPUT_TOKENS: Final = "gen_ai.usage.audio.input_tokens"
"""Input tokens of audio."""
GEN_AI_USAGE_AUDIO_OUTPUT_TOKENS: Final = "gen_ai.usage.audio.output_tokens"
"""Output tokens of audio."""
GEN_AI_USAGE_AUDIO_CACHE_READ_INPUT_TOKENS: Final = "gen_ai.usage.audio.cache_read.input_tokens"
"""Input tokens of audio read from a cache."""
OPENAI_API_TYPE: Final = "openai.api.type"
"""Interface of OpenAI that was used."""
OPENAI_REQUEST_SERVICE_TIER: Final = "openai.request.service_tier"
"""Service tier asked for."""
OPENAI_RESPONSE_SERVICE_TIER: Final = "openai.response.service_tier"
"""Service tier used."""
OPENAI_RESPONSE_SYSTEM_FINGERPRINT: Final = "openai.response.system_fingerprint"
"""Fingerprint of the backend."""
AWS_BEDROCK_KNOWLEDGE_BASE_ID: Final = "aws.bedrock.knowledge_base.id"
"""Knowledge base of Bedrock."""
AUDIT_COST_AMOUNT: Final = "audit.cost.amount"
"""What the call cost."""
AUDIT_COST_CURRENCY: Final = "audit.cost.currency"
"""Currency of the cost, ISO 4217."""
AUDIT_COST_SOURCE: Final = "audit.cost.source"
"""Who says what it cost."""
AUDIT_SEVERITY_SCORE: Final = "audit.severity.score"
"""Severity from 1 to 10."""
AUDIT_SEVERITY_LEVEL: Final = "audit.severity.level"
"""Severity in words, for exports."""
AUDIT_SEVERITY_REASONS: Final = "audit.severity.reasons"
"""Rules that made up the severity."""
AUDIT_RISK_LEVEL: Final = "audit.risk.level"
"""Assessed risk of the act."""
AUDIT_ANOMALY_SCORE: Final = "audit.anomaly.score"
"""How unusual the act is, from 0 to 1."""
AUDIT_ANOMALY_MODEL: Final = "audit.anomaly.model"
"""What computed the score."""
AUDIT_ANOMALY_REASONS: Final = "audit.anomaly.reasons"
"""Why it is unusual."""
AUDIT_BASELINE_DEVIATION: Final = "audit.baseline.deviation"
"""Deviation from the agent's baseline, in standard deviations."""
AUDIT_ALERT_RAISED: Final = "audit.alert.raised"
"""Whether an alert was raised."""
AUDIT_COMPLIANCE_CONTROLS: Final = "audit.compliance.controls"
"""Controls that the record is evidence for."""
AUDIT_COMPLIANCE_FRAMEWORKS: Final = "audit.compliance.frameworks"
"""Frameworks that apply."""
AUDIT_DATA_CLASSIFICATION: Final = "audit.data.classification"
"""Class of the data that was touched."""
AUDIT_DATA_REGION: Final = "audit.data.region"
"""Region where the data lives."""
AUDIT_RETENTION_CLASS: Final = "audit.retention.class"
"""Retention class."""
AUDIT_RETENTION_UNTIL: Final = "audit.retention.until"
"""Day on which the record may go, RFC 3339 date."""
AUDIT_LEGAL_HOLD: Final = "audit.legal_hold"
"""Whether a hold keeps the record."""
AUDIT_INTEGRITY_ALGORITHM: Final = "audit.integrity.algorithm"
"""Algorithm of signature or HMAC, for exports."""
AUDIT_INTEGRITY_CANONICALIZATION: Final = "audit.integrity.canonicalization"
"""Canonical form that was hashed, for exports."""
AUDIT_INTEGRITY_CERTIFICATE: Final = "audit.integrity.certificate"
"""Key id, fingerprint or certificate, for exports."""
AUDIT_INTEGRITY_CHAIN_ID: Final = "audit.integrity.chain.id"
"""Log that the record is in."""
AUDIT_INTEGRITY_HASH: Final = "audit.integrity.hash"
"""Digest of the record."""
AUDIT_INTEGRITY_VALUE: Final = "audit.integrity.value"
"""Signature or HMAC of the record, for exports."""
AUDIT_PREV_HASH: Final = "audit.prev.hash"
"""Hash of the record before, of other producers."""
AUDIT_SOURCE_ID: Final = "audit.source.id"
"""Network source of the draft, for strict exports."""
AUDIT_SOURCE_TYPE: Final = "audit.source.type"
"""Kind of the network source, for strict exports."""

AUDIT_RECORD_KIND_VALUES: Final = (
    "action",
    "decision",
    "control",
)
"""Known values of `audit.record.kind`; the list is open."""
AUDIT_RECORD_ACTION_TYPE_VALUES: Final = (
    "model.call",
    "tool.call",
    "agent.invoke",
    "agent.delegate",
    "retrieval",
    "memory.read",
    "memory.write",
    "approval",
    "other",
)
"""Known values of `audit.record.action_type`; the list is open."""
AUDIT_SEQUENCE_MARK_VALUES: Final = (
    "start",
    "close",
)
"""Known values of `audit.sequence.mark`; the list is open."""
AUDIT_ACTOR_TYPE_VALUES: Final = (
    "user",
    "agent",
    "service",
    "system",
)
"""Known values of `audit.actor.type`; the list is open."""
AUDIT_APPROVAL_APPROVER_TYPE_VALUES: Final = (
    "human",
    "policy",
    "agent",
)
"""Known values of `audit.approval.approver.type`; the list is open."""
GEN_AI_OPERATION_NAME_VALUES: Final = (
    "chat",
    "generate_content",
    "text_completion",
    "embeddings",
    "fetch_response",
    "retrieval",
    "create_agent",
    "invoke_agent",
    "invoke_workflow",
    "plan",
    "execute_tool",
    "search_memory",
    "create_memory",
    "update_memory",
    "upsert_memory",
    "delete_memory",
    "create_memory_store",
    "delete_memory_store",
)
"""Known values of `gen_ai.operation.name`; the list is open."""
AUDIT_TOOL_EFFECT_VALUES: Final = (
    "read",
    "write",
    "destructive",
    "external",
    "unknown",
)
"""Known values of `audit.tool.effect`; the list is open."""
AUDIT_TRIGGER_TYPE_VALUES: Final = (
    "user",
    "schedule",
    "webhook",
    "agent",
)
"""Known values of `audit.trigger.type`; the list is open."""
AUDIT_POLICY_OUTCOME_VALUES: Final = (
    "allow",
    "deny",
    "require_approval",
    "modify",
    "not_evaluated",
)
"""Known values of `audit.policy.outcome`; the list is open."""
AUDIT_POLICY_DECISION_POINT_VALUES: Final = (
    "guard",
    "gateway",
    "collector",
)
"""Known values of `audit.policy.decision_point`; the list is open."""
AUDIT_ENFORCEMENT_ACTION_VALUES: Final = (
    "allow",
    "block",
    "monitor",
)
"""Known values of `audit.enforcement.action`; the list is open."""
AUDIT_GUARD_OUTCOME_VALUES: Final = (
    "allow",
    "deny",
    "require_approval",
    "modify",
    "not_evaluated",
)
"""Known values of `audit.guard.outcome`; the list is open."""
AUDIT_GUARD_POLICY_SOURCE_VALUES: Final = (
    "folder",
    "override",
    "collector",
)
"""Known values of `audit.guard.policy.source`; the list is open."""
AUDIT_GUARD_ENFORCEMENT_VALUES: Final = (
    "allow",
    "block",
    "monitor",
)
"""Known values of `audit.guard.enforcement`; the list is open."""
AUDIT_GUARD_MODE_VALUES: Final = (
    "observe",
    "enforce",
)
"""Known values of `audit.guard.mode`; the list is open."""
AUDIT_GUARD_FAIL_MODE_VALUES: Final = (
    "open",
    "closed",
)
"""Known values of `audit.guard.fail_mode`; the list is open."""
AUDIT_OUTCOME_VALUES: Final = (
    "success",
    "failure",
    "denied",
    "partial",
    "pending",
    "unknown",
)
"""Known values of `audit.outcome`; the list is open."""
GEN_AI_PROVIDER_NAME_VALUES: Final = (
    "openai",
    "anthropic",
    "azure.ai.openai",
    "azure.ai.inference",
    "aws.bedrock",
    "gcp.gemini",
    "gcp.gen_ai",
    "gcp.vertex_ai",
    "cohere",
    "deepseek",
    "groq",
    "ibm.watsonx.ai",
    "mistral_ai",
    "moonshot_ai",
    "perplexity",
    "x_ai",
)
"""Known values of `gen_ai.provider.name`; the list is open."""
GEN_AI_OUTPUT_TYPE_VALUES: Final = (
    "text",
    "json",
    "image",
    "speech",
)
"""Known values of `gen_ai.output.type`; the list is open."""
GEN_AI_TOKEN_MODALITY_VALUES: Final = (
    "text",
    "image",
    "audio",
    "unknown",
)
"""Known values of `gen_ai.token.modality`; the list is open."""
AUDIT_COST_SOURCE_VALUES: Final = (
    "provider",
    "local",
)
"""Known values of `audit.cost.source`; the list is open."""
AUDIT_SEVERITY_LEVEL_VALUES: Final = (
    "informational",
    "low",
    "medium",
    "high",
    "critical",
)
"""Known values of `audit.severity.level`; the list is open."""
