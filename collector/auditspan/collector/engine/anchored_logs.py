"""What anchors have of our logs and nobody here has signed: then the signing process's folder is
older than they are, and another history would be signed over the one that others have seen.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from auditspan.collector.anchors.anchored import largest_anchored
from auditspan.collector.engine.root_log import root_of
from auditspan.collector.engine.signing import Signer
from auditspan.collector.signer.protocol import Known
from auditspan.storage.engine import Engine
from auditspan.storage.sealing.seals import read_bodies

ANCHORED: Final = "anchored"
"""Member of a log's first entry that says what is lost."""

Lost = dict[str, dict[str, object]]
"""Size and root by the log's name, with the size that is signed here."""


def lost_to_anchors(anchors: Path, prefix: str, known: Known, signer: Signer) -> Lost:
    """Trees that `data/anchors` knows and the signer does not. Raises `SignerUnavailable`."""
    signed = {log.origin: (log.size, log.root) for log in known.logs}
    anchored, root = largest_anchored(anchors), root_of(prefix)
    if root in anchored:
        signed[root] = known.root_size, signer.root(known.root_size).root
    lost: Lost = {}
    for origin, tree in anchored.items():
        size, hashed = signed.get(origin, (0, ""))
        ours = origin == root or origin.startswith(prefix)
        if ours and (tree.size > size or (tree.size == size and tree.root != hashed)):
            lost[origin] = {**tree.model_dump(), "signed": size}
    return lost


def stated(store: Engine, origins: Iterable[str], lost: Lost) -> bool:
    """Whether a log begins with saying that these are lost."""
    wanted = {origin: _tree(tree) for origin, tree in lost.items()}
    for origin in origins:
        for body in read_bodies(store, origin, 0, 1):
            said = json.loads(body.text).get(ANCHORED, {})
            if wanted.items() <= {name: _tree(tree) for name, tree in said.items()}.items():
                return True
    return False


def words(lost: Lost) -> str:
    """What is lost, for an operator."""
    origin, tree = min(lost.items())
    return (
        f"log {origin}: {tree['size']} entries of it were anchored, and {tree['signed']} were "
        "signed here, or others: the folder of the signing process is an older one"
    )


def _tree(said: Mapping[str, object]) -> tuple[object, object]:
    return said["size"], said["root"]
