"""Hashes of erased requests are no longer in the list of recent ones."""

from pathlib import Path

from auditspan.collector.control.erasure_hashes import forget
from auditspan.collector.front.recent_log import RecentLog

GONE, STAYS = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"


def test_it_is_overwritten_in_its_place(tmp_path: Path) -> None:
    """Other rows stay, and more can be written by the one who writes."""
    log = RecentLog(tmp_path)
    log.append([(GONE, "p", 1), (STAYS, "p", 2), (GONE, "q", 3)], 1)
    size = (tmp_path / ".recent").stat().st_size
    assert forget(tmp_path, [GONE, "", f"sha256:{'c' * 64}"]) == 2
    assert (tmp_path / ".recent").stat().st_size == size
    log.append([(STAYS, "r", 4)], 4)
    rows = log.read()
    assert [row for row in rows if row[0] == STAYS] == [(STAYS, "p", 2), (STAYS, "r", 4)]
    assert len(rows) == 4
    assert GONE.encode() not in (tmp_path / ".recent").read_bytes()
    assert forget(tmp_path, [GONE]) == 0


def test_both_files_and_none(tmp_path: Path) -> None:
    """The older one too; a collector that was never sent anything has neither."""
    assert forget(tmp_path, [GONE]) == 0
    (tmp_path / ".recent.old").write_text(f'\n["{GONE}", "p", 1]')
    assert forget(tmp_path, [GONE]) == 1
