"""Run conversations of a file under the instrumentation.

opentelemetry-instrument python -m auditspan.instrumentation.replay FILE.jsonl

Exit codes: 0 all ran and the collector has the records, 1 the records are still on disk, 2 the file
or the environment cannot be used.
"""

import argparse
import sys
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from auditspan.instrumentation.errors import ConversationsInvalid, InstrumentationError
from auditspan.instrumentation.replay.conversations import Conversation, read
from auditspan.instrumentation.replay.counts import Counts
from auditspan.instrumentation.replay.playback_server import PlaybackServer
from auditspan.instrumentation.replay.progress import Progress
from auditspan.instrumentation.runtime import runtime, shut_down

if TYPE_CHECKING:
    from auditspan.instrumentation.replay.agent import Agent

DELIVERY_SECONDS = 60.0


def main(arguments: list[str] | None = None) -> int:
    """Run the conversations; the exit code."""
    options = _options(arguments)
    progress = Progress()
    try:
        # Read twice, so that a mistake on the last line is told before anything runs.
        progress.start(sum(1 for _ in _conversations(options)))
        _run(options, progress)
    except InstrumentationError as error:
        progress.error(str(error))
        return 2
    delivered = shut_down(DELIVERY_SECONDS)
    progress.end(delivered)
    return 0 if delivered else 1


def _run(options: argparse.Namespace, progress: Progress) -> None:
    """Run conversations, as many at once as asked for."""
    server = PlaybackServer()
    try:
        run = _agent(options, server.base_url).run
        with ThreadPoolExecutor(options.concurrency) as pool:
            running: dict[Future[Counts], Conversation] = {}
            for conversation in _conversations(options):
                server.add(conversation)
                running[pool.submit(run, conversation)] = conversation
                if len(running) > options.concurrency:
                    _collect(running, server, progress)
            while running:
                _collect(running, server, progress)
    finally:
        server.close()


def _collect(
    running: dict[Future[Counts], Conversation], server: PlaybackServer, progress: Progress
) -> None:
    """Wait until one is done, and say so. Raises what it raised."""
    done, _ = wait(running, return_when=FIRST_COMPLETED)
    for future in done:
        conversation = running.pop(future)
        server.remove(conversation)
        progress.finished(conversation.conversation_id, future.result())


def _agent(options: argparse.Namespace, base_url: str) -> "Agent":
    """The agent. Raises ConversationsInvalid if its calls would not be recorded."""
    try:
        from auditspan.instrumentation.replay.agent import Agent, client
    except ModuleNotFoundError as error:
        raise ConversationsInvalid(f"{error}: run pip install 'auditspan[openai]'") from error
    agent_id = options.agent or runtime().settings.agent_id
    return Agent(
        client=client(base_url),
        id=agent_id,
        name=runtime().settings.agent_name or agent_id or "replay",
        user=options.user,
        purpose=options.purpose,
    )


def _conversations(options: argparse.Namespace) -> Iterator[Conversation]:
    return islice(read(options.file), options.limit)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="opentelemetry-instrument python -m auditspan.instrumentation.replay",
        description="Run past conversations through a real agent loop with a scripted model.",
    )
    parser.add_argument("file", type=Path, help="conversations, one JSON object a line")
    parser.add_argument("--limit", type=_positive, help="run the first so many only")
    parser.add_argument("--concurrency", type=_positive, default=1, help="how many at once")
    parser.add_argument("--agent", default="", help="agent id (default: AUDITSPAN_AGENT_ID)")
    parser.add_argument(
        "--user",
        default="user-of-{conversation_id}",
        help="user id of conversations that name none (default: %(default)s)",
    )
    parser.add_argument(
        "--purpose", default="replay", help="purpose of conversations that name none"
    )
    return parser.parse_args(arguments)


def _positive(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= 1_000_000):
        raise argparse.ArgumentTypeError(f"is {text!r}, expected a number above 0")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
