"""The columns as everybody else sees them."""

import re

from auditspan.semconv import attributes
from auditspan.semconv.columns import (
    ALIASES,
    ASSERTED_BY,
    BY_NAME,
    COLLECTOR_ONLY,
    COLUMNS,
    GROUPS,
    PHYSICAL,
    UNSEALED,
)
from auditspan.semconv.findings import FINDINGS, MEANINGS
from auditspan.semconv.projections import PROJECTIONS

PUBLIC = """
    RecordId Timestamp ReceivedAt Operation AgentId UserId SessionId ConversationId ToolName
    ToolArguments TargetType TargetId GrantId PolicyOutcome PolicyRuleIds PolicyVersion
    OutcomeStatus Severity Summary
"""
"""Promised to users: renaming one breaks somebody's query."""


def test_public_names() -> None:
    """Columns that users were promised are physical."""
    assert set(PUBLIC.split()) <= {column.name for column in PHYSICAL}


def test_columns_are_in_the_order_of_their_groups() -> None:
    """The order of the table is that of the groups, the core first."""
    names = [name for group in GROUPS for name in group.columns]
    names += UNSEALED
    assert [column.name for column in PHYSICAL] == names
    assert [group.name for group in GROUPS if not group.erasable] == ["core"]
    assert len(GROUPS) <= 17
    assert COLUMNS == PHYSICAL + ALIASES
    assert len(BY_NAME) == len(COLUMNS)


def test_the_core_holds_no_person() -> None:
    """User, texts, arguments, targets and maps are erasable."""
    core = set(GROUPS[0].columns)
    assert not core & {"UserId", "SessionId", "OrganizationId", "AuthorizedBy", "Purpose"}
    assert not core & {"ToolArguments", "ToolResult", "TargetId", "Summary", "StatusMessage"}
    assert not core & {"PrincipalId", "ArgumentsHash", "ResultHash", "RequestDigest"}
    assert not core & {"SpanName", "ServiceName", "AgentName", "Environment", "ErrorType"}
    assert not core & {"Operation", "ToolName", "TargetType", "ModelName"}
    assert not any(BY_NAME[name].type.startswith("Map(") for name in core)


def test_authority_is_never_read_from_a_sender() -> None:
    """What people may do is read from what the collector attached, and nowhere else."""
    for name in ("UserRoles", "UserScopes", "UserEmail", "GrantedAt", "DelegationChain", "MfaUsed"):
        assert BY_NAME[name].source == "derived", name
        assert "SpanAttributes" not in BY_NAME[name].expression


def test_who_may_assert_what() -> None:
    """Names, templates and families that no sender may use."""
    assert {
        "audit.policy.outcome",
        "audit.policy.*",
        "audit.provenance.<key>",
        "audit.summary",
        "audit.review.required",
        "audit.result.findings",
        "audit.tool.effect",
    } <= COLLECTOR_ONLY
    assert not COLLECTOR_ONLY & {"user.id", "audit.purpose", "audit.guard.outcome"}
    assert ASSERTED_BY["audit.guard.outcome"] == ("guard", "gateway")


def test_a_column_names_the_least_trusted_party() -> None:
    """The word in the column is the first of the list, in the order of trust."""
    trust = ("client", "guard", "gateway", "collector")
    for column in COLUMNS:
        who = ASSERTED_BY.get(column.attribute, ())
        assert column.asserted_by == next((name for name in trust if name in who), "")


def test_decode_takes_nothing_that_a_client_may_not_assert() -> None:
    """Each projection is a physical column whose attribute a client may assert."""
    for projection in PROJECTIONS:
        column = BY_NAME[projection.column]
        assert (column.kind, column.attribute) == ("physical", projection.attribute)
        assert column.asserted_by == "client"
    assert len({projection.column for projection in PROJECTIONS}) == len(PROJECTIONS)


def test_constants_are_the_names() -> None:
    """Every attribute has a constant with its own name."""
    values = {name: value for name, value in vars(attributes).items() if isinstance(value, str)}
    for name in ASSERTED_BY:
        stem = re.sub(r"\.<key>$", "", name)
        if not name.endswith(".*"):
            assert values[stem.replace(".", "_").upper()] == stem
    assert "deny" in attributes.AUDIT_POLICY_OUTCOME_VALUES


def test_findings_keep_their_bits() -> None:
    """The first and the known ones stand where they stood; 64 bits hold them all."""
    assert FINDINGS[:3] == ("claim.rejected", "attribute.duplicate", "attribute.undecodable")
    assert FINDINGS[25] == "approval.missing"
    assert len(FINDINGS) == len(MEANINGS) <= 64
