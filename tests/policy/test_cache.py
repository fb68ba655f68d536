"""The cache is bounded and keeps what is in use."""

from auditspan.policy.cache import Cache


def test_the_least_recently_used_goes_first() -> None:
    """Asking for a key keeps it."""
    cache: Cache[str, int] = Cache(2)
    cache.put("a", 1)
    cache.put("b", 2)
    assert cache.get("a") == 1
    cache.put("c", 3)
    assert (cache.get("a"), cache.get("b"), cache.get("c")) == (1, None, 3)
    assert len(cache) == 2
