"""The line about the stage's own address: domain, certificate, and its renewal."""

import socket
import ssl
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from ops.prove.outcomes import Fails
from ops.prove.run import Run
from ops.words import _

_LEFT = 20  # days; ACM renews 60 days before the end


def certificate(run: Run) -> str:
    """Check the certificate that is served, and that ACM renews it by itself."""
    split = urlsplit(run.url)
    if split.scheme != "https" or not split.hostname:
        raise Fails(_("%(url)s is not https", url=run.url))
    days = _served(split.hostname, split.port or 443)
    if days < _LEFT:
        raise Fails(_("the certificate ends in %(days)s days", days=days))
    if ".execute-api." in split.hostname:
        return _("AWS's own address and certificate, for %(days)s more days", days=days)
    _renewed(run, split.hostname)
    return _("%(host)s for %(days)s more days, renewed by ACM", host=split.hostname, days=days)


def _served(host: str, port: int) -> int:
    """Return for how many days the certificate that a host shows is good. Raises Fails."""
    try:
        with (
            socket.create_connection((host, port), timeout=20) as plain,
            ssl.create_default_context().wrap_socket(plain, server_hostname=host) as secured,
        ):
            shown: Any = secured.getpeercert() or {}
    except ssl.SSLError as error:
        raise Fails(_("the certificate is not good: %(error)s", error=error)) from None
    ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(shown["notAfter"]), UTC)
    return (ends - datetime.now(UTC)).days


def _renewed(run: Run, host: str) -> None:
    """Raise Fails unless the gateway serves the domain by a certificate that ACM renews."""
    client = run.target.client("apigateway")
    try:
        domain = client.get_domain_name(domainName=host)
    except client.exceptions.NotFoundException:
        raise Fails(_("the gateway does not know the domain %(host)s", host=host)) from None
    arn = domain.get("regionalCertificateArn") or domain.get("certificateArn")
    if not domain.get("regionalCertificateArn"):
        raise Fails(_("%(host)s is served by CloudFront: make its endpoint regional", host=host))
    found = run.target.client("acm").describe_certificate(CertificateArn=arn)["Certificate"]
    if found["Status"] != "ISSUED":
        raise Fails(_("the certificate is %(status)s", status=found["Status"]))
    unproven = [
        each["DomainName"]
        for each in found.get("DomainValidationOptions", ())
        if each.get("ValidationMethod") != "DNS" or each.get("ValidationStatus") != "SUCCESS"
    ]
    if found.get("Type") == "IMPORTED" or unproven:
        raise Fails(
            _("ACM does not renew it by itself: %(domains)s", domains=", ".join(unproven) or host)
        )
