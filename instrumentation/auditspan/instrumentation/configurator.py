"""Sets up the SDK as usual, and our processor on the application's tracer provider.

There is no entry point for a span processor, so the configurator does it
(opentelemetry/sdk/_configuration/__init__.py); `pre_instrument` does the same under other
configurators.
"""

from opentelemetry.sdk._configuration import _OTelSDKConfigurator

from auditspan.instrumentation.host import contained
from auditspan.instrumentation.install import install


class Configurator(_OTelSDKConfigurator):
    """The SDK's, and then ours."""

    def _configure(self, **kwargs: object) -> None:
        # An exception would end all of `opentelemetry-instrument`, and the guard with it.
        with contained("SDK configuration"):
            super()._configure(**kwargs)  # type: ignore[no-untyped-call]
        with contained("configurator"):
            install()
