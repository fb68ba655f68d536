"""Trust policies as https://c2sp.org/tlog-policy has them."""

from itertools import product

import pytest

from auditspan.integrity.errors import NoteInvalid, PolicyInvalid
from auditspan.integrity.merkle import leaf_hash
from auditspan.integrity.note import COSIGNATURE, Verifier, make_note, sign_line
from auditspan.integrity.policy import parse_policy, policy_text
from auditspan.integrity.tree import Tree
from tests.integrity.trail import NOTARY, ROOT, note_of, policy, signer

LOG = signer(ROOT)
NAMES = ("X1", "X2", "X3", "Y1", "Y2", "Y3")
WITNESSES = {name: signer(f"{name}.example", COSIGNATURE) for name in NAMES}
TREE = Tree([leaf_hash(b"x")])
TEXT = note_of(ROOT, TREE).decode().partition("\n\n")[0] + "\n"

# The example of the specification.
GROUPS = "\n".join(
    [
        f"log {LOG.vkey}",
        "",
        *(f"witness {name} {WITNESSES[name].vkey}" for name in NAMES),
        "group X-witnesses 2 X1 X2 X3",
        " # the others",
        "\tgroup Y-witnesses any Y1\t Y2 Y3  ",
        "group X-and-Y all X-witnesses Y-witnesses",
        "quorum X-and-Y",
        "",
    ]
)


def note(*witnesses: str) -> bytes:
    """A checkpoint cosigned by these."""
    lines = [sign_line(TEXT, WITNESSES[name], 1_700_000_000) for name in witnesses]
    return make_note(TEXT, [sign_line(TEXT, LOG), *lines])


def test_the_published_example() -> None:
    """Two of three and one of three: every combination of witnesses, as the text says."""
    read = parse_policy(GROUPS.encode())
    for signed in product((False, True), repeat=6):
        names = [name for name, has in zip(NAMES, signed, strict=True) if has]
        met = sum(signed[:3]) >= 2 and any(signed[3:])
        if met:
            accepted = read.accept(note(*names))
            assert sorted(accepted.cosigned) == names
            assert set(accepted.cosigned.values()) == {1_700_000_000}
        else:
            with pytest.raises(PolicyInvalid, match="not the quorum"):
                read.accept(note(*names))


def test_a_policy_of_ours() -> None:
    """Root log and notary, as an auditor gets them."""
    accepted = parse_policy(policy()).accept(note_of(ROOT, TREE))
    assert (accepted.checkpoint.origin, accepted.checkpoint.size) == (ROOT, 1)
    assert accepted.log == LOG.verifier
    assert list(accepted.cosigned) == ["notary"]


def test_policies_that_are_written_are_read() -> None:
    """With no, one and several witnesses."""
    for count in (0, 1, 3):
        witnesses = {name: WITNESSES[name].verifier for name in NAMES[:count]}
        text = policy_text([LOG.verifier], witnesses, list(witnesses))
        read = parse_policy(text.encode())
        assert dict(read.witnesses) == witnesses
        assert read.accept(note(*witnesses)).checkpoint.size == 1


def test_other_logs_are_not_trusted() -> None:
    """A signature by a log of the policy for another origin, or by a witness alone."""
    read = parse_policy(f"log {LOG.vkey}\nwitness w {WITNESSES['X1'].vkey}\nquorum none\n".encode())
    other = TEXT.replace(ROOT, "elsewhere.example/root")
    with pytest.raises(PolicyInvalid, match="no such log is trusted"):
        read.accept(make_note(other, [sign_line(other, LOG)]))
    with pytest.raises(PolicyInvalid, match="no such log is trusted"):
        read.accept(make_note(TEXT, [sign_line(TEXT, WITNESSES["X1"], 5)]))
    with pytest.raises(NoteInvalid, match="no key that is trusted"):
        read.accept(make_note(TEXT, [sign_line(TEXT, signer(NOTARY, COSIGNATURE), 5)]))


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("nonsense", "expected log, witness, group or quorum"),
        ("log", "expected log"),
        ("log a b c", "expected log"),
        (f"log {LOG.vkey}", "twice"),
        (f"log {WITNESSES['X1'].vkey}", "has type 4, expected 1"),
        (f"witness w {LOG.vkey}", "has type 1, expected 4"),
        (f"witness W {WITNESSES['X1'].vkey}", "twice"),
        (f"witness own {Verifier(ROOT, COSIGNATURE, LOG.verifier.public).vkey}", "twice"),
        (f"witness X1 {signer('z.example', COSIGNATURE).vkey}", "X1 is taken"),
        (f"witness none {signer('z.example', COSIGNATURE).vkey}", "none is taken"),
        ("witness w x+00000000+AA==", "expected an Ed25519 key"),
        ("group g 0 X1", "expected all, any or a number"),
        ("group g 2 X1", "2 of 1 members"),
        ("group g many X1", "expected all, any or a number"),
        ("group g any", "expected log"),
        ("group g any nobody", "nobody is not defined"),
        ("group g any g", "g is not defined"),
        ("group g any none", "none is not defined"),
        ("group X1 any X2", "X1 is taken"),
        ("group g any X1 X1", "X1 is a member twice"),
        ("group g any X1\ngroup h any X1", "X1 is a member twice"),
        ("quorum nobody", "nobody is not defined"),
        ("quorum none\nquorum none", "a second quorum"),
        ("quorum", "expected log"),
    ],
)
def test_malformed_policies_are_refused(line: str, problem: str) -> None:
    """With the number of the line, and why."""
    head = "\n".join(GROUPS.splitlines()[:8])
    with pytest.raises(PolicyInvalid, match=problem) as raised:
        parse_policy(f"{head}\n{line}\nquorum none\n".encode())
    assert "line" in str(raised.value)


def test_a_policy_has_a_quorum() -> None:
    """Nobody may forget to say that no witness is needed."""
    with pytest.raises(PolicyInvalid, match="quorum none"):
        parse_policy(f"log {LOG.vkey}\n".encode())


def test_characters_of_a_policy() -> None:
    """Controls are refused; what is beyond ASCII is a name like any other."""
    for data in (b"quorum none\r\n", b"quorum none\0\n", b"quorum\x0bnone\n"):
        with pytest.raises(PolicyInvalid, match="control"):
            parse_policy(data)
    kelvin = f"witness \u212a {WITNESSES['X1'].vkey}\nwitness K {WITNESSES['X2'].vkey}\n"
    read = parse_policy(f"{kelvin}# \u00e9\nquorum K\n".encode())
    assert list(read.witnesses) == ["\u212a".encode().decode(), "K"]
    latin = parse_policy(b"# \xe9\nquorum none\n")
    assert latin.quorum == "none"
    with pytest.raises(PolicyInvalid, match="lines"):
        parse_policy(b"\n" * 20_000)
