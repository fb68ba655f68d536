"""Memory that is freed is there for the next batch, and goes back to the machine when asked."""

import os
import platform
import subprocess
import sys

import pytest

_LOADED = """
import resource
from auditspan.storage import memory
{keep}
import pyarrow as pa

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def resident():
    return int(open("/proc/self/statm").read().split()[1])

def batch():
    pa.array(range(1_000)).take(pa.array([0] * 3_000_000))
    bytes(b"x" * 40_000_000)

"""
_SET = ("JE_MALLOC_CONF", "ARROW_DEFAULT_MEMORY_POOL")
_COUNT = """
taken = []
for _ in range(30):
    before = faults()
    batch()
    taken.append(faults() - before)
print(sorted(taken[-11:])[5])
"""
_IN_THREADS = """
from concurrent.futures import ThreadPoolExecutor
before = resident()
with ThreadPoolExecutor(6) as pool:
    list(pool.map(lambda _: sum(map(len, [b"x" * 900_000 for _ in range(60)])), range(6)))
memory.give_back()
print(resident() - before)
"""
_GIVE = "batch(); kept = resident(); memory.give_back(); print(kept - resident())"


def _said(keep: str, then: str) -> int:
    script = _LOADED.format(keep=keep) + then
    # What an engine opened by another test has set is not to be passed on.
    plain = {key: value for key, value in os.environ.items() if key not in _SET}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, check=True, env=plain
    )
    return int(done.stdout)


@pytest.fixture(autouse=True)
def _glibc() -> None:
    if platform.libc_ver()[0] != "glibc":
        pytest.skip("another C library")


def test_a_batch_takes_the_pages_of_the_one_before() -> None:
    """Of Arrow and of Python: hardly a page is mapped anew, where there were 15,000."""
    assert _said("", _COUNT) > 5_000
    assert _said("memory.keep_for_engine()", _COUNT) < 500


def test_free_pages_are_given_back() -> None:
    """Those of 60 MB and more."""
    assert _said("memory.keep_for_engine()", _GIVE) > 10_000


def test_what_threads_freed_is_given_back() -> None:
    """They have no heaps of their own, of which up to 325 MB would stay here."""
    assert _said("memory.keep_for_engine()", _IN_THREADS) < 5_000


def test_the_choice_of_an_operator_stays() -> None:
    """Arrow has the allocator that its variable names."""
    script = (
        "from auditspan.storage.engine import open_memory; open_memory().close(); "
        "import pyarrow; print(pyarrow.default_memory_pool().backend_name)"
    )
    for chosen in ("mimalloc", "system"):
        environ = os.environ | {"ARROW_DEFAULT_MEMORY_POOL": chosen}
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, check=True, text=True, env=environ
        )
        assert done.stdout == f"{chosen}\n"


def test_the_engine_keeps_its_pages_too() -> None:
    """Its setting is in the environment when it is loaded."""
    script = (
        "import os; from auditspan.storage.engine import open_memory; open_memory().close(); "
        "print(os.environ['JE_MALLOC_CONF'])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert done.stdout == b"dirty_decay_ms:60000\n"
