"""Addresses that options give: told at once if they are none, before anything is asked."""

import typer


def http_url(value: str) -> str:
    """For an option's `callback`: with `http://` in front of what says no scheme."""
    from auditspan.storage.address import address

    if not value:
        return ""
    url = value if "://" in value else f"http://{value}"
    try:
        address(url)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    return url
