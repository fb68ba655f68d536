"""What a request brought along to prove who sent it, whatever the transport was."""

from dataclasses import dataclass, field

from auditspan.identity.errors import CredentialRefused


@dataclass(frozen=True, slots=True)
class Credentials:
    """The raw credentials of one request. Its text form shows none of them."""

    authorization: str | None = field(repr=False)
    """The `authorization` header or gRPC metadata, as received."""
    peer_certificate: bytes | None = field(repr=False)
    """The client certificate in DER, from the TLS session that we terminated ourselves."""
    address: str = ""
    """The peer's address from the socket."""

    def bearer(self) -> str | None:
        """The bearer token (RFC 6750 §2.1), or nothing if no authorization was sent.

        Raises `CredentialRefused` if something else than a bearer token was sent.
        """
        if self.authorization is None:
            return None
        scheme, _, token = self.authorization.strip().partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token or any(c.isspace() for c in token):
            raise CredentialRefused(
                "authorization: expected `Bearer <API key or token>`, got another form"
            )
        return token
