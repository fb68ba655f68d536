"""What the signing process is told at its start, from the configuration."""

import os
from collections.abc import Iterator, MutableMapping
from typing import Final

from auditspan.collector.data_dir import SIGNER, DataDir
from auditspan.collector.errors import ConfigInvalid
from auditspan.collector.signer.config import IntegrityConfig
from auditspan.collector.signer.protocol import Begin, Program
from auditspan.identity.files import read_private
from auditspan.integrity.checkpoint import checkpoint_of
from auditspan.integrity.errors import IntegrityError
from auditspan.integrity.keys import read_public
from auditspan.integrity.note import COSIGNATURE, ED25519, Verifier

_SYSTEM: Final = ("PATH", "LANG", "LC_ALL")
_MAX_PASSPHRASE: Final = 4096


def begin_of(
    config: IntegrityConfig, data: DataDir, environment: MutableMapping[str, str] = os.environ
) -> Begin:
    """The first line. Raises `ConfigInvalid`, `SecretFileInvalid`, `KeyInvalid`, `OSError`."""
    passphrase = passphrase_of(config, environment)
    programs = tuple(_programs(config, environment))
    if len({Verifier.parse(program.vkey).public for program in programs}) < len(programs):
        raise ConfigInvalid(
            "service.integrity: root_signer and notary_signer have one public key, expected two: "
            "a cosignature by the log's own key says nothing, and no policy takes it"
        )
    folder = str(data.root / SIGNER)
    seen, before = _kept_root(data, f"{config.name}/root")
    return Begin(folder, config.name, data.instance, passphrase, programs, seen, before)


def passphrase_of(config: IntegrityConfig, environment: MutableMapping[str, str]) -> str:
    """The passphrase of the files of keys; "" if they shall have none. Raises as `begin_of`."""
    if config.passphrase_file is not None:
        where = f"passphrase_file: {config.passphrase_file}"
        found = read_private(config.passphrase_file).decode(errors="replace")
    elif config.passphrase_env:
        # Taken out, so that no process of ours inherits it.
        where = f"passphrase_env: the environment variable {config.passphrase_env}"
        found = environment.pop(config.passphrase_env, "")
    elif config.passphrase_fd is not None:
        where = f"passphrase_fd: file descriptor {config.passphrase_fd}"
        found = _from(config.passphrase_fd)
    else:
        return ""
    if not found.strip():
        raise ConfigInvalid(f"service.integrity.{where} holds nothing, expected the passphrase")
    return found.strip()


def _from(descriptor: int) -> str:
    try:
        with os.fdopen(descriptor, "rb") as file:
            return file.read(_MAX_PASSPHRASE).decode(errors="replace")
    except OSError as error:
        raise ConfigInvalid(
            f"service.integrity.passphrase_fd: file descriptor {descriptor}: {error.strerror}: "
            f"open it for the collector, as in `auditspan up {descriptor}< FILE`"
        ) from error


def _kept_root(data: DataDir, origin: str) -> tuple[int, str]:
    """Size of the root log by the note that front has kept, or the note if it is another's."""
    try:
        note = (data.folder("checkpoints") / "root.note").read_bytes()
        checkpoint = checkpoint_of(note)
    except (OSError, IntegrityError):
        return 0, ""
    return (checkpoint.size, "") if checkpoint.origin == origin else (0, note.decode())


def _programs(config: IntegrityConfig, environment: MutableMapping[str, str]) -> Iterator[Program]:
    wanted = (("root", config.root_signer, ED25519), ("notary", config.notary_signer, COSIGNATURE))
    for key, program, type in wanted:
        if program is not None:
            public = read_public(program.public_key_file)
            vkey = Verifier(f"{config.name}/{key}", type, public).vkey
            names = {name for name in (*_SYSTEM, *program.environment) if name in environment}
            given = {name: environment[name] for name in sorted(names)}
            yield Program(key, vkey, program.command, program.timeout_seconds, given)
