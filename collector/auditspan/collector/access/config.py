"""Settings of access: how persons and services prove themselves at the API and query endpoint."""

from pydantic import BaseModel, ConfigDict, Field

from auditspan.collector.front.auth_config import IssuerConfig


class AccessConfig(BaseModel):
    """How persons and services prove themselves. Which roles they have stands in the registry."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    issuers: tuple[IssuerConfig, ...] = ()
    """Issuers of people's and services' tokens; whom a token proves stands in the registry
    (principals, credentials.jwt)."""
    trust_domains: tuple[str, ...] = ()
    """SPIFFE trust domains of client certificates; the port needs tls.client_ca_file."""
    failures_per_minute: int = Field(default=20, ge=1)
    """Failed attempts of one address (IPv6: /64) before it has to wait."""
