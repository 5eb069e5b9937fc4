"""The stage's own domain: its certificate, and that links in mails lead to it."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from chalicelib import addresses
from infra import config, functions
from infra.checks.parts import Blocks, Finding, Look, Step, code


def address(look: Look) -> Iterator[Finding]:
    """Look at whether BASE_URL is the address at which the stage is served."""
    base = look.environment.get("BASE_URL", "")
    try:
        host = urlsplit(base).hostname or ""
    except ValueError:
        host = ""  # the settings' own check tells it
    own = config.custom_domain(look.target.root, look.stage)
    if own:
        for name in ("domain_name", "certificate_arn"):
            if not isinstance(own.get(name), str) or not own[name]:
                yield Finding(
                    Step.DOMAIN, f"api_gateway_custom_domain has no {name} ({look.where})"
                )
        name = addresses.ascii_domain(str(own.get("domain_name", "")))
        if name and host and name != host:
            yield Finding(
                Step.DOMAIN,
                f"BASE_URL is at {host}, and api_gateway_custom_domain at {name}: links in mails "
                f"would lead elsewhere. Make them the same ({look.where})",
            )
        return
    recorded = functions.deployed(look.target).get("rest_api", {}).get("rest_api_url", "")
    if host and recorded and urlsplit(recorded).hostname != host:
        yield Finding(
            Step.DOMAIN,
            f"BASE_URL is at {host}, where API Gateway does not serve: set "
            f"api_gateway_custom_domain ({look.where}), or BASE_URL to {recorded.rstrip('/')}. "
            "Where a CDN or proxy serves there, all is well",
            Blocks.NOTHING,
        )


def certificate(look: Look) -> Iterator[Finding]:
    """Look at whether the domain's certificate is issued, for it, and in the API's region."""
    own = config.custom_domain(look.target.root, look.stage)
    arn, name = str(own.get("certificate_arn", "")), str(own.get("domain_name", ""))
    if not arn or not name:
        return
    parts = arn.split(":")
    if len(parts) < 6 or parts[2] != "acm":
        yield Finding(Step.DOMAIN, f"certificate_arn is no ARN of ACM's, {arn} ({look.where})")
        return
    if parts[3] != look.region:
        yield Finding(
            Step.DOMAIN,
            f"the certificate is in {parts[3]}, and the API in {look.region}, where it has to be: "
            f"request one in ACM, {look.region}",
            Blocks.FUNCTIONS,
        )
        return
    if parts[4] != look.account:
        yield Finding(
            Step.DOMAIN,
            f"the certificate is of account {parts[4]}, and API Gateway takes those of its own, "
            f"{look.account}: request one in ACM there",
            Blocks.FUNCTIONS,
        )
        return
    try:
        asked = look.target.client("acm").describe_certificate(CertificateArn=arn)
    except ClientError as error:
        if code(error) != "ResourceNotFoundException":
            raise
        yield Finding(
            Step.DOMAIN,
            f"there is no certificate {arn} in this account: request one in ACM, {look.region}",
            Blocks.FUNCTIONS,
        )
        return
    found = asked["Certificate"]
    if not any(_covers(each, name) for each in _names(found)):
        yield Finding(
            Step.DOMAIN,
            f"the certificate is for {', '.join(_names(found))}, not for {name}: request one",
            Blocks.FUNCTIONS,
        )
    if found["Status"] == "PENDING_VALIDATION":
        records = [
            f"{record['Name']} {record['Type']} {record['Value']}"
            for each in found.get("DomainValidationOptions", ())
            if (record := each.get("ResourceRecord"))
        ]
        yield Finding(
            Step.DOMAIN,
            "\n      ".join(
                [f"the certificate of {name} is not issued: publish this DNS record", *records]
            ),
            Blocks.FUNCTIONS,
        )
    elif found["Status"] != "ISSUED":
        yield Finding(
            Step.DOMAIN,
            f"the certificate of {name} is {found['Status']}: request another in ACM, "
            f"{look.region}",
            Blocks.FUNCTIONS,
        )


def _names(found: dict[str, object]) -> list[str]:
    others = found.get("SubjectAlternativeNames") or ()
    assert isinstance(others, list | tuple)  # noqa: S101  # botocore has no types
    return list(dict.fromkeys([str(found.get("DomainName", "")), *map(str, others)]))


def _covers(certified: str, name: str) -> bool:
    """Return whether a name of a certificate is good for a domain; `*` is good for one label."""
    certified, name = certified.lower(), addresses.ascii_domain(name)
    if certified.startswith("*."):
        return name.partition(".")[2] == certified[2:]
    return certified == name
