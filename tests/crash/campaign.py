"""Kill after kill on one data folder while clients send; then everything is compared.

A life is one front process. Before it starts the nursery is told what is to be killed at which
step; a life in which nothing comes to its step is ended from outside. All that is left to chance
comes from the seed, except how the processes are scheduled.
"""

import math
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from tests.crash.clients import Client, clients
from tests.crash.collector import Collector, Stuck
from tests.crash.comparing import Compared
from tests.crash.settling import settle
from tests.crash.steps import BY_NAME, FIRST, STEPS

RANDOM: Final = "at random"
_LIFE_SECONDS: Final = 6.0
"""Then what did not come to its step is killed from outside."""
_DEATH_SECONDS: Final = 5.0
_MANY_HITS: Final = {"after append": 30, "append, torn": 30, "after fsync": 30, "after ack": 30,
                     "signer: remembered": 4}  # fmt: skip
_UNAVAILABLE: Final = 3
"""A front whose signer was killed before its first word says so, and ends."""
_WHOLE: Final = 0.5
"""How often the others die with front; else they end by themselves, beside the next life."""


@dataclass
class Outcome:
    """What became of one data folder."""

    kills: Counter[str] = field(default_factory=Counter)
    """How many by step."""
    lives: int = 0
    missed: int = 0
    """Lives that came to none of their steps."""
    seconds: float = 0.0
    compared: list[Compared] = field(default_factory=list)
    """The last one counts everything."""
    trouble: str = ""
    """Why the campaign could not go on."""

    @property
    def holds(self) -> bool:
        """Whether every comparison found what was promised."""
        return not self.trouble and bool(self.compared) and all(c.holds for c in self.compared)


@dataclass
class Campaign:
    """One collector, its clients and its chances."""

    collector: Collector
    rng: random.Random
    kills: int
    """How many at least."""
    look_every: int = 60
    """Kills between two comparisons, each with a verification."""
    progress: Callable[[Outcome], None] = lambda _: None
    outcome: Outcome = field(default_factory=Outcome)
    seconds: float = math.inf
    """After so long it is enough, however many kills it were."""
    known: int = 0
    """Kills that the nursery has told of before."""

    def run(self) -> Outcome:
        """To the end, or to the first thing that must not be."""
        began = time.monotonic()
        senders = clients(self.collector.ports, self.rng)
        try:
            self._lives(senders)
        except Stuck as stuck:
            self.outcome.trouble = str(stuck)
        finally:
            self.collector.close()
            for sender in senders:
                sender.close()
        self.outcome.seconds = time.monotonic() - began
        return self.outcome

    def _lives(self, senders: list[Client]) -> None:
        plans = self._plans()
        looked = 0
        for sender in senders:
            sender.start()
        until = time.monotonic() + self.seconds
        while self.outcome.kills.total() < self.kills and time.monotonic() < until:
            self._life(next(plans))
            if self.outcome.kills.total() - looked >= self.look_every:
                looked = self.outcome.kills.total()
                if not self._look(senders):
                    return
                for sender in senders:
                    sender.start()
        self._look(senders)

    def _life(self, plan: list[dict[str, Any]]) -> None:
        self.outcome.lives += 1
        at, family = self.collector.nursery, self.collector.family
        at.ask("charge", family=family, charges=plan)
        self.collector.start()
        seconds = self.rng.uniform(0.05, 2.5) if not plan else _LIFE_SECONDS
        code = self.collector.ended(seconds)
        if code is None:
            self._from_outside(planned=bool(plan))
        elif code not in (-signal.SIGKILL, _UNAVAILABLE):
            raise Stuck(f"front ended with code {code}: {self.collector.tail()}")
        fired = at.ask("told", family=family)["fired"]
        for charge in fired[self.known :]:
            self.outcome.kills[charge["step"]] += 1
        self.outcome.missed += bool(plan) and len(fired) == self.known
        self.known = len(fired)
        self.progress(self.outcome)

    def _from_outside(self, *, planned: bool) -> None:
        """All at once, or one and a little later the rest."""
        first = None if planned else self.rng.choice([None, "front", "engine", "signer"])
        if first is not None:
            self.outcome.kills[RANDOM] += bool(self.collector.kill(first))
            time.sleep(self.rng.uniform(0.02, 0.8))
        if self.collector.kill():
            self.outcome.kills[RANDOM] += 1
        if first != "front" and self.collector.ended(_DEATH_SECONDS) is None:
            raise Stuck("front outlived its kill")

    def _look(self, senders: list[Client]) -> bool:
        """Compare and verify, with nothing in the way."""
        self.collector.nursery.ask("charge", family=self.collector.family, charges=[])
        self.collector.start()
        self.collector.until_ready()
        self.outcome.compared.append(settle(self.collector, senders))
        return self.outcome.compared[-1].holds

    def _plans(self) -> Iterator[list[dict[str, Any]]]:
        """What each life dies of: the first ones of what is only once, then every step in turn."""
        yield from ([self._charge(step.name, 1, whole=True)] for step in FIRST)
        while True:
            names = [step.name for step in STEPS] + [RANDOM] * 5
            self.rng.shuffle(names)
            for name in names:
                yield [] if name == RANDOM else self._plan(name)

    def _plan(self, last: str) -> list[dict[str, Any]]:
        """A life ends with front; one that ends at a step of others may lose them before."""
        if BY_NAME[last].role == "front":
            return [self._once(last, whole=self.rng.random() < _WHOLE)]
        others = [step.name for step in STEPS if step.role != "front"]
        before = self.rng.sample(others, self.rng.choice([0, 0, 1, 2]))
        return [*(self._once(name, whole=False) for name in before), self._once(last, whole=True)]

    def _once(self, name: str, *, whole: bool) -> dict[str, Any]:
        return self._charge(name, self.rng.randint(1, _MANY_HITS.get(name, 2)), whole=whole)

    def _charge(self, name: str, hit: int, *, whole: bool) -> dict[str, Any]:
        # What is killed in the midst counts no arrivals: it waits from the first one on.
        during = "during" in (BY_NAME[name].when, BY_NAME[name].where)
        part = self.rng.random()
        return {"step": name, "hit": 1 if during else hit, "whole": whole, "part": part}
