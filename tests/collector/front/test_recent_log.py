"""Rows of requests on disk."""

from pathlib import Path

from auditspan.collector.front.recent_log import WINDOW_SECONDS, RecentLog

WINDOW = int(WINDOW_SECONDS * 1e9)
A, B, C = (("sha256:a", "agent:x", 1), ("sha256:b", "agent:x", 2), ("sha256:c", "agent:y", 3))


def test_rows_come_back(tmp_path: Path) -> None:
    """In another process too, for the owner alone."""
    log = RecentLog(tmp_path)
    log.append([A, B], 5)
    log.append([C], 6)
    log.append([], 7)
    assert RecentLog(tmp_path).read() == [A, B, C]
    assert (tmp_path / ".recent").stat().st_mode & 0o777 == 0o600
    assert log.written_at() > 0


def test_an_empty_folder_knows_nothing(tmp_path: Path) -> None:
    """Which is no error."""
    assert RecentLog(tmp_path).read() == []
    assert RecentLog(tmp_path).written_at() == 0


def test_a_row_is_kept_for_the_window_and_not_for_ever(tmp_path: Path) -> None:
    """Files take turns; starts in between change nothing."""
    first = ("sha256:first", "agent:x", WINDOW)
    RecentLog(tmp_path).append([first], WINDOW)
    for minute in range(1, 16):
        RecentLog(tmp_path).append([A], WINDOW + minute * WINDOW // 15)
        assert first in RecentLog(tmp_path).read()
    late = ("sha256:late", "agent:x", 2 * WINDOW + 1)
    RecentLog(tmp_path).append([late], 2 * WINDOW + 1)
    assert first in RecentLog(tmp_path).read()
    RecentLog(tmp_path).append([A], 3 * WINDOW + 2)
    assert first not in RecentLog(tmp_path).read()
    assert late in RecentLog(tmp_path).read()


def test_a_torn_line_is_left_out(tmp_path: Path) -> None:
    """The others are kept."""
    log = RecentLog(tmp_path)
    log.append([A], 1)
    with (tmp_path / ".recent").open("a") as file:
        file.write('\n["sha256:b", "age')
    assert RecentLog(tmp_path).read() == [A]


def test_a_line_after_a_torn_one_is_read(tmp_path: Path) -> None:
    """A start does not glue its first line to the torn one."""
    (tmp_path / ".recent").write_text('["sha256:b", "age')
    RecentLog(tmp_path).append([A], 1)
    assert RecentLog(tmp_path).read() == [A]
