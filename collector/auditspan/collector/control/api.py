"""The controls over HTTP, for a running collector: JSON in and out.

Who asks is proved at every request (`access/`), and each route names the actions of which one is
demanded. An error is `{"error": {"code", "message", "details"}}`; the codes are in `errors.py`.
A group of routes is a module with a function that gives its endpoints; adding one is one line in
`endpoints`.
"""

from collections.abc import Sequence

from starlette.routing import Route

from auditspan.collector.access.authority import Authority
from auditspan.collector.control.agents_api import agents_endpoints
from auditspan.collector.control.changes_api import changes_endpoints
from auditspan.collector.control.deadletters_api import deadletters_endpoints
from auditspan.collector.control.erasures_api import erasures_endpoints
from auditspan.collector.control.http import Endpoint, route
from auditspan.collector.control.keys_api import keys_endpoints
from auditspan.collector.control.log_keys_api import log_keys_endpoints
from auditspan.collector.control.registry_api import registry_endpoints
from auditspan.collector.control.reviews_api import reviews_endpoints
from auditspan.collector.control.service import Controls


def endpoints(controls: Controls) -> Sequence[Endpoint]:
    """Everything that can be asked, with the actions that it takes."""
    return (
        *registry_endpoints(controls),
        *changes_endpoints(controls),
        *agents_endpoints(controls),
        *keys_endpoints(controls),
        *log_keys_endpoints(controls.log_keys),
        *deadletters_endpoints(controls.dead),
        *reviews_endpoints(controls.human),
        *erasures_endpoints(controls.privacy),
    )


def routes(controls: Controls, authority: Authority) -> list[Route]:
    """The routes, for the application that front serves."""
    return [route(endpoint, authority) for endpoint in endpoints(controls)]
