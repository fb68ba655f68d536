"""What a collector listens with: OTLP, the API, and the query endpoint."""

from starlette.types import ASGIApp

from auditspan.collector.access.whoami import whoami_routes
from auditspan.collector.backup.api import backups_endpoints
from auditspan.collector.control import api
from auditspan.collector.control.http import route
from auditspan.collector.front.front import Front, FrontSettings
from auditspan.collector.front.own_names import LOOPBACK
from auditspan.collector.front.policies import SignedPoliciesOf, policies_route
from auditspan.collector.query.endpoint import endpoint
from auditspan.collector.query.gate import Gate
from auditspan.collector.query.reading import Readers
from auditspan.collector.query.runner import RemoteEngine
from auditspan.collector.query.turns import Turns
from auditspan.collector.query.verifying import verification_routes
from auditspan.collector.service import Service


def front_of(service: Service, engine: RemoteEngine) -> Front:
    """Front with all its ports and routes."""
    config = service.config
    return Front(
        FrontSettings(
            grpc=config.receivers.otlp.grpc,
            http=config.receivers.otlp.http,
            api=config.service.api,
            query=config.service.query,
        ),
        service.admission,
        not_ready=service.not_ready,
        waits=lambda: service.waiting,
        api_routes=[
            *api.routes(service.controls, service.authority),
            *(route(one, service.authority) for one in backups_endpoints(service.backups)),
            *whoami_routes(service.authority),
            *verification_routes(service.authority, service.access_log, service.data.socket),
        ],
        otlp_routes=[policies_route(_policies(service))],
        query_app=_query_app(service, engine),
    )


def _query_app(service: Service, engine: RemoteEngine) -> ASGIApp:
    config = service.config.service
    gate = Gate(service.authority.authenticate, LOOPBACK | set(config.query.hosts))
    return endpoint(gate, Readers(engine, service.access_log, Turns(config.query_limits)))


def _policies(service: Service) -> SignedPoliciesOf:
    """Signed with the key of identity statements, whose public half agents have or can get."""
    calendar = service.config.service.calendar.model_dump(mode="json")
    return SignedPoliciesOf(
        service.config.receivers.otlp.policies,
        service.authenticator,
        service.secrets.statement_key,
        service.data.folder("registry"),
        service.config.service.integrity.name,
        calendar,
    )
