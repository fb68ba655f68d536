"""Several campaigns at once, each with its folder and seed; a folder that failed stays."""

import random
import shutil
import threading
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
    progress: Callable[[Outcome], None] = lambda _: None,
) -> list[Outcome]:
    """So many kills in all. Each collector takes a new data folder after `per_folder`."""
    outcomes: list[Outcome] = []
    threads = []
    for number in range(collectors):
        share = kills // collectors + (number < kills % collectors)
        arguments = (at, folder, f"{seed}-{number}", share, per_folder, look_every, progress)
        threads.append(threading.Thread(target=_lane, args=(outcomes, *arguments)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def _lane(
    outcomes: list[Outcome],
    at: Nursery,
    folder: Path,
    seed: str,
    kills: int,
    per_folder: int,
    look_every: int,
    progress: Callable[[Outcome], None],
) -> None:
    rng, turn = random.Random(seed), 0
    while kills > 0:
        turn += 1
        place = folder / f"{seed}-{turn}"
        collector = new_collector(at, place)
        campaign = Campaign(collector, rng, min(kills, per_folder), look_every, progress)
        outcomes.append(campaign.outcome)
        outcome = campaign.run()
        if not outcome.holds:
            outcome.trouble = f"{outcome.trouble or outcome.compared[-1]}; see {place}"
            return
        kills -= outcome.kills.total()
        shutil.rmtree(place)
