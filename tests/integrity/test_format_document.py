"""The worked example of docs/integrity-format.md is what the code computes; its tables are true."""

import base64
import json
import re
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from auditspan.integrity.canonical import entry, record_digest
from auditspan.integrity.checkpoint import Checkpoint
from auditspan.integrity.control_entry import Kind, control_entry
from auditspan.integrity.keys import LocalSigner
from auditspan.integrity.merkle import Frontier, leaf_hash
from auditspan.integrity.note import COSIGNATURE, ED25519, make_note, parse_note, sign_line
from auditspan.integrity.policy import parse_policy
from auditspan.integrity.sealed_columns import GROUPS, SCHEMA
from auditspan.semconv.columns import UNSEALED
from tests.integrity import naive

PAGE = (Path(__file__).parents[2] / "docs" / "integrity-format.md").read_text("utf-8")


def block(name: str) -> str:
    """A block of the page."""
    found = re.search(rf"```{name}\n(.*?)```", PAGE, re.DOTALL)
    assert found
    return found[1]


EXAMPLE = dict(re.split(" +?= ", line, maxsplit=1) for line in block("example").splitlines())
EXAMPLE = {name.strip(): value for name, value in EXAMPLE.items()}


def test_the_example_as_the_page_says_it() -> None:
    """Each line from the lines above it, with nothing but SHA-256."""
    values, salt = json.loads(EXAMPLE["values"]), bytes.fromhex(EXAMPLE["record_salt"])
    salts = {g: naive.h(b"auditspan/salt/v1\n", salt, g.encode())[:16] for g in GROUPS}
    texts = {g: naive.text(kinds, values) for g, kinds in GROUPS.items()}
    made: dict[str, str] = {}
    for group in ("core", "user", "attributes"):
        made[f"text {group}"] = texts[group].decode()
        made[f"salt {group}"] = salts[group].hex()
    core = naive.h(b"auditspan/core/v1\n", salts["core"], texts["core"])
    fields = b""
    for group in ("attributes", "user"):
        framed = naive.ns(group.encode())
        digest = naive.h(b"auditspan/field/v1\n", salts[group], framed, texts[group])
        made[f"d {group}"], fields = digest.hex(), fields + framed + digest
    digest = naive.h(b"auditspan/fields/v1\n", fields)
    content = naive.h(b"auditspan/record/v1\n", core, digest)
    sealed = naive.entry(0, values["ExpiresOn"], content)
    first = naive.entry(1, 0, naive.h(b"auditspan/control/v1\n", EXAMPLE["body"].encode()))
    made |= {"core_digest": core.hex(), "fields_digest": digest.hex(), "content": content.hex()}
    made |= {"entry": sealed.hex(), "leaf": naive.h(b"\0", sealed).hex(), "entry 0": first.hex()}
    made["root"] = naive.mth([first, sealed]).hex()
    given = {"values", "record_salt", "body"}
    assert made == {name: value for name, value in EXAMPLE.items() if name not in given}


def test_the_example_as_the_code_does_it() -> None:
    """The package gives the same entry, root, note and keys."""
    values, salt = json.loads(EXAMPLE["values"]), bytes.fromhex(EXAMPLE["record_salt"])
    sealed = entry(0, values["ExpiresOn"], record_digest(values, salt, SCHEMA))
    first = control_entry(Kind.LOG_OPEN, EXAMPLE["body"])
    root = Frontier().extended([leaf_hash(first), leaf_hash(sealed)]).root()
    assert (sealed.hex(), first.hex(), root.hex()) == tuple(
        EXAMPLE[name] for name in ("entry", "entry 0", "root")
    )
    keys = [Ed25519PrivateKey.from_private_bytes(bytes(range(at, at + 32))) for at in (0, 32)]
    log = LocalSigner("audit.example/log", ED25519, keys[0])
    notary = LocalSigner("audit.example/notary", COSIGNATURE, keys[1])
    text = Checkpoint("audit.example/log", 2, root).text
    note = make_note(text, [sign_line(text, log), sign_line(text, notary, 1_764_000_002)])
    assert note.decode() == block("note")
    accepted = parse_policy(block("policy").encode()).accept(note)
    assert (accepted.checkpoint.size, accepted.cosigned) == (2, {"notary": 1_764_000_002})


def test_the_note_verifies_without_our_code() -> None:
    """Key, text and signature by hand, verified by another library."""
    text, _, lines = block("note").rpartition("\n\n")
    name, _, encoded = lines.split("\n")[0].removeprefix("— ").partition(" ")
    vkey = next(word for word in block("policy").split() if word.startswith(f"{name}+"))
    public = base64.b64decode(vkey.split("+", 2)[2])
    raw = base64.b64decode(encoded)
    assert raw[:4] == naive.h(name.encode(), b"\n", public)[:4]
    Ed25519PublicKey.from_public_bytes(public[1:]).verify(raw[4:], f"{text}\n".encode())
    assert parse_note(block("note").encode()).text == f"{text}\n"


@pytest.mark.parametrize("group", [group for group in GROUPS if group != "core"])
def test_the_page_lists_every_group(group: str) -> None:
    """With its columns, in a row."""
    row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{group}` |"))
    assert re.findall("`([A-Z][A-Za-z]+)`", row.split("|")[2]) == list(GROUPS[group])


def test_the_page_counts_the_core_and_names_what_is_not_sealed() -> None:
    """A column of the core is either named or counted."""
    assert f"{len(GROUPS['core'])} columns |" in PAGE
    assert all(f"`{name}`" in PAGE.split("Not sealed:")[1] for name in UNSEALED)


def test_the_page_lists_every_kind() -> None:
    """Of entries."""
    assert [int(each, 16) for each in re.findall(r"^\| (0x[0-9a-f]{2}) \|", PAGE, re.M)] == list(
        Kind
    )
