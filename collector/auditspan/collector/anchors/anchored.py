"""The largest tree of each log that anchors are known to have: what a restored backup is told by.

State and receipts lie in the data folder, and go back with it. Folders of `files` anchors lie
elsewhere and do not; only front can read them, and leaves what they have in `outside.json` for the
engine, which asks before it goes on with a log.
"""

import json
import logging
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from auditspan.collector.anchors.config import FileAnchorConfig
from auditspan.collector.anchors.errors import AnchorUnusable
from auditspan.collector.anchors.receipts import anchors_in, newest_receipt
from auditspan.collector.anchors.state import Tree, read_state
from auditspan.identity.files import write_atomic
from auditspan.integrity.anchors import folder_of
from auditspan.integrity.checkpoint import checkpoint_of
from auditspan.integrity.errors import IntegrityError

LOG = logging.getLogger("auditspan.collector.anchors")

OUTSIDE: Final = "outside.json"


def largest_anchored(anchors: Path) -> dict[str, Tree]:
    """By the log's name, of what `data/anchors` knows. What cannot be read is left out."""
    found: dict[str, Tree] = {}
    for origin, tree in _known(anchors):
        if origin not in found or found[origin].size < tree.size:
            found[origin] = tree
    return found


def write_outside(anchors: Path, folders: Iterable[FileAnchorConfig], origin: str) -> None:
    """Look into the folders of other anchors, and leave what they have of a log. Raises `OSError`.

    Their notes were signed by us and compared when they were put there; here they may only keep a
    collector from going on, which whoever can write there could do anyway.
    """
    trees = [tree for folder in folders if (tree := _newest(folder.folder, origin))]
    largest = max(trees, key=lambda tree: tree.size, default=None)
    says = {origin: largest.model_dump()} if largest else {}
    write_atomic(anchors / OUTSIDE, json.dumps(says).encode())


def _known(anchors: Path) -> Iterator[tuple[str, Tree]]:
    for folder in anchors_in(anchors) if anchors.is_dir() else ():
        try:
            state = read_state(folder)
        except AnchorUnusable as error:
            LOG.warning("%s", error)
            state = None
        yield from (state.trees if state else {}).items()
        receipt = newest_receipt(folder)
        if receipt is not None:
            yield receipt.origin, Tree(size=receipt.size, root=receipt.root.hex())
    try:
        outside = json.loads((anchors / OUTSIDE).read_bytes())
        yield from ((origin, Tree.model_validate(tree)) for origin, tree in outside.items())
    except FileNotFoundError:
        return
    except (OSError, ValueError, AttributeError) as error:
        LOG.warning("%s: cannot be read (%s)", anchors / OUTSIDE, type(error).__name__)


def _newest(folder: Path, origin: str) -> Tree | None:
    """The largest note of a log that can be read in a folder."""
    for path in sorted((folder / folder_of(origin)).glob("*.note"), reverse=True):
        try:
            at = checkpoint_of(path.read_bytes())
        except (OSError, IntegrityError) as error:
            LOG.warning("%s: no note (%s)", path, error)
            continue
        if at.origin == origin:
            return Tree(size=at.size, root=at.root.hex())
    return None
