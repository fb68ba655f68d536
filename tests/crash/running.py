"""Several campaigns at once, each with its folder and seed; a folder that failed stays."""

import math
import random
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

from tests.crash.campaign import Campaign, Outcome
from tests.crash.collector import Nursery, new_collector


def run(
    at: Nursery,
    folder: Path,
    seed: int,
    kills: int,
    *,
    collectors: int = 2,
    per_folder: int = 500,
    look_every: int = 60,
    seconds: float = math.inf,
    progress: Callable[[Outcome], None] = lambda _: None,
) -> list[Outcome]:
    """So many kills in all, if there is time. A new data folder is taken after `per_folder`."""
    outcomes: list[Outcome] = []
    until = time.monotonic() + seconds

    def lane(number: int) -> None:
        share = kills // collectors + (number < kills % collectors)
        rng, turn = random.Random(f"{seed}-{number}"), 0
        while share > 0 and time.monotonic() < until:
            turn += 1
            place = folder / f"{seed}-{number}-{turn}"
            campaign = Campaign(
                new_collector(at, place), rng, min(share, per_folder), look_every, progress,
                seconds=until - time.monotonic(),
            )  # fmt: skip
            outcomes.append(campaign.outcome)
            outcome = campaign.run()
            if not outcome.holds:
                outcome.trouble = f"{outcome.trouble or outcome.compared[-1]}; see {place}"
                return
            share -= outcome.kills.total()
            shutil.rmtree(place)

    threads = [threading.Thread(target=lane, args=(number,)) for number in range(collectors)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes
