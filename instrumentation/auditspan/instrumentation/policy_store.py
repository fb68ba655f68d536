"""The collector's policies on disk: the last ones for use without it, and the highest number seen.

    <spool>-policies/<digest>.jws      as the collector signed them
                     <digest>.number   no policies with a lower number are taken any more

The digest is of deployment and agent. Nothing here is trusted: what is read is verified again. A
process that may write here may also change the agent itself, so the number is no defence against it
but against who sits between agent and collector, and against an old copy of the file.
"""

import hashlib

from auditspan.identity.errors import IdentityError
from auditspan.identity.files import locked, write_atomic
from auditspan.identity.signed_policies import PoliciesVerifier, SignedPolicies
from auditspan.identity.statement_keys import read_jwks
from auditspan.instrumentation.errors import PoliciesUnusable
from auditspan.instrumentation.policy_source import PolicySource


class PolicyStore:
    """The kept policies of one agent. Processes may share the folder."""

    def __init__(self, source: PolicySource, agent: str) -> None:
        self._source = source
        self._agent = agent
        digest = hashlib.sha256(f"{source.deployment}\n{agent}".encode()).hexdigest()[:32]
        self._text = source.folder / f"{digest}.jws"
        self._number = source.folder / f"{digest}.number"

    def verified(self, text: str) -> SignedPolicies:
        """What signed policies say, if they are for us and not older than what we had.

        Raises PoliciesUnusable.
        """
        try:
            keys = read_jwks(self._source.keys)
            found = PoliciesVerifier(keys, self._source.deployment, self._agent).verify(text)
        except (IdentityError, OSError) as error:
            raise PoliciesUnusable(str(error)) from error
        seen = self.seen()
        if found.number < seen:
            raise PoliciesUnusable(
                f"signed policies: number {found.number}, and {seen} was here before: an older "
                "version was put in its place; apply the registry again"
            )
        return found

    def seen(self) -> int:
        """The highest number that was taken, 0 before the first. Raises PoliciesUnusable."""
        try:
            return int(self._number.read_text("ascii"))
        except FileNotFoundError:
            return 0
        except (ValueError, OSError) as error:
            raise PoliciesUnusable(
                f"{self._number}: cannot be read ({error}): remove it if you know why it is broken"
            ) from error

    def read(self) -> SignedPolicies | None:
        """The kept ones, verified; None before the first. Raises PoliciesUnusable."""
        try:
            text = self._text.read_text("ascii")
        except FileNotFoundError:
            return None
        except (ValueError, OSError) as error:
            raise PoliciesUnusable(f"{self._text}: cannot be read: {error}") from error
        return self.verified(text)

    def keep(self, text: str) -> SignedPolicies:
        """Verify and keep what the collector gave. Raises PoliciesUnusable."""
        try:
            self._source.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with locked(self._text):
                found = self.verified(text)
                # The number first: after a crash in between, the old text is refused and fetched
                # again, and no older one is ever taken.
                write_atomic(self._number, str(found.number).encode())
                write_atomic(self._text, text.encode("ascii"))
        except (OSError, UnicodeEncodeError) as error:
            raise PoliciesUnusable(f"{self._source.folder}: {error}") from error
        return found
