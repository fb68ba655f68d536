"""`whoami` as the command line asks it: of a running collector, or of a stopped one's folder."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import JsonValue

from auditspan.collector import data_dir
from auditspan.collector.control.errors import NotFound
from auditspan.collector.data_dir import DataDir
from auditspan.collector.errors import AlreadyRunning
from auditspan.collector.reach import Way, api_address, get, token_of


def whoami(
    data: Path, url: str = "", token_file: Path | None = None, ca_file: Path | None = None
) -> Mapping[str, JsonValue]:
    """What `GET /v1/whoami` answers to a token; without a file, to the operator's.

    Raises `ControlInvalid`, `ControlDenied`, `ControlUnavailable`, `NotFound`.
    """
    if url:
        token = token_of(token_file or data / "secrets" / "operator.token")
        return get(Way(url, ca_file), "/v1/whoami", token)
    if not (data / "instance").exists():
        raise NotFound(f"{data} is no data folder; name it with --data, or a collector with --url")
    folder = data_dir.prepare(data)
    credential = token_file or folder.secret("operator.token")
    try:
        with data_dir.locked(folder):
            return _of_stopped(folder, credential)
    except AlreadyRunning:
        return get(Way(api_address(folder), ca_file), "/v1/whoami", token_of(credential))


def _of_stopped(folder: DataDir, token_file: Path) -> Mapping[str, JsonValue]:
    # A collector that runs is asked without all that answers there.
    from auditspan.collector.access.in_force import RegistryInForce
    from auditspan.collector.access.whoami import described
    from auditspan.collector.control.offline import caller_of
    from auditspan.collector.secret_files import ensure_secrets

    # A folder that was only prepared has no token yet.
    ensure_secrets(folder)
    caller = caller_of(folder, token_of(token_file))
    return described(caller, RegistryInForce(folder.folder("registry"))())
