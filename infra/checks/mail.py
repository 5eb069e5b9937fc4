"""SES: whether it sends, for whom, and whether the sender's domain is known there."""

from collections.abc import Iterator
from typing import Any

from chalicelib import addresses
from chalicelib.settings import Settings
from infra.checks.parts import Blocks, Finding, Look, Step


def domain(look: Look) -> str:
    """Return the domain of MAIL_FROM in ASCII, empty if there is none."""
    return addresses.sending_domain(look.environment.get("MAIL_FROM", ""))


def made(look: Look) -> bool:
    """Return whether the resource stack is to make the identity of the sender's domain."""
    return bool(mail_domain(look)) and mail_domain(look) == domain(look)


def mail_domain(look: Look) -> str:
    """Return the domain that `operations` has the stack make an identity of, in ASCII."""
    return addresses.ascii_domain(str(look.target.operations.get("mail_domain", "")))


def account(look: Look) -> Any:
    """Return what SES says of the account; it is asked once."""
    return look.once("account", look.target.client("sesv2").get_account)


def identity(look: Look, name: str) -> Any:
    """Return what SES says of an identity, None if it does not know it; it is asked once."""

    def read() -> Any:
        client = look.target.client("sesv2")
        try:
            return client.get_email_identity(EmailIdentity=name)
        except client.exceptions.NotFoundException:
            return None

    return look.once(f"identity {name}", read) if name else None


def sends(look: Look) -> Iterator[Finding]:
    """Look at whether SES sends for this account at all."""
    found = account(look)
    if not found.get("SendingEnabled", True):
        yield Finding(
            Step.SANDBOX,
            "SES has stopped this account's mail, and mails wait: its console says why, and takes "
            "an answer",
            Blocks.NOTHING if look.served else Blocks.FUNCTIONS,
        )
    elif found.get("EnforcementStatus") == "PROBATION":
        yield Finding(
            Step.SANDBOX,
            "SES is reviewing this account's mail, and may stop it: its console says why",
            Blocks.NOTHING,
        )


def sandbox(look: Look) -> Iterator[Finding]:
    """Look at whether the account is out of SES's sandbox, which only `prod` has to be."""
    found = account(look)
    if found.get("ProductionAccessEnabled"):
        return
    review = found.get("Details", {}).get("ReviewDetails", {})
    asked = {
        "PENDING": "the request is with AWS's support, which answers within a day or two",
        "DENIED": "the request was denied: answer in its case, and say more of how people sign up",
        "FAILED": "the request failed: make it again",
    }.get(review.get("Status"), "request production access in its console")
    case = f" (case {review['CaseId']})" if review.get("CaseId") else ""
    yield Finding(
        Step.SANDBOX,
        "SES is in the sandbox: only addresses and domains verified there get mail, 200 a day. "
        f"For all others {asked}{case}",
        Blocks.FUNCTIONS if look.stage == "prod" else Blocks.NOTHING,
    )


def quota(look: Look) -> Iterator[Finding]:
    """Look at whether SES sends as many mails a day as the stage may."""
    found = account(look)
    try:
        wanted = int(look.environment.get("MAILS_A_DAY", Settings.mails_a_day))
    except ValueError:
        return  # the settings' own check tells it
    most = found.get("SendQuota", {}).get("Max24HourSend", -1)
    if found.get("ProductionAccessEnabled") and 0 <= most < wanted:
        yield Finding(
            Step.SANDBOX,
            f"SES sends {most:g} mails in 24 hours for this account, and MAILS_A_DAY is {wanted}: "
            "set it lower, so that alerts keep their share of a day, or ask for more under Service "
            "Quotas, Amazon SES, Sending quota",
            Blocks.NOTHING,
        )


def known(look: Look) -> Iterator[Finding]:
    """Look at whether SES has the sender's domain or is to be given it."""
    name, asked = domain(look), mail_domain(look)
    if asked and name and asked != name:
        yield Finding(
            Step.SETTINGS,
            f"operations: mail_domain is {asked}, and MAIL_FROM is of {name}: the functions may "
            f"send for the latter only. Set it to {name} ({look.where})",
        )
    if not name or made(look) or identity(look, name) is not None:
        return
    yield Finding(
        Step.SETTINGS,
        f'SES has no identity {name}: set "operations": {{"mail_domain": "{name}"}} '
        f"{look.where}, to have it made",
    )


def verified(look: Look) -> Iterator[Finding]:
    """Look at whether SES has seen the domain's DNS records."""
    name = domain(look)
    found = identity(look, name)
    if found is None:
        if made(look):
            yield Finding(
                Step.SENDER,
                f"the identity {name} is made next; then `make deploy STAGE={look.stage} DRY=1` "
                "shows its DNS records",
                Blocks.NOTHING,
            )
        return
    signing = found.get("DkimAttributes", {})
    if not found.get("VerifiedForSendingStatus"):
        zone = signing.get("SigningHostedZone") or "dkim.amazonses.com"
        records = [
            f"{each}._domainkey.{name} CNAME {each}.{zone}" for each in signing.get("Tokens", ())
        ]
        gave_up = found.get("VerificationStatus") == "FAILED" or signing.get("Status") == "FAILED"
        again = (
            "SES has stopped looking for them: `aws sesv2 "
            f"put-email-identity-dkim-signing-attributes --email-identity {name} "
            "--signing-attributes-origin AWS_SES` has it look again"
        )
        yield Finding(
            Step.SENDER,
            "\n      ".join(
                [
                    "publish these DNS records, mails wait until SES sees them:"
                    if records
                    else f"SES has not verified {name}, and mails wait: its console says what for",
                    *records,
                    *([again] if gave_up else []),
                ]
            ),
            Blocks.NOTHING,
        )
    elif signing.get("SigningEnabled") is False:
        yield Finding(
            Step.SENDER,
            f"SES does not sign the mails of {name} (DKIM), and large providers refuse them: "
            f"`aws sesv2 put-email-identity-dkim-attributes --email-identity {name} "
            "--signing-enabled`",
            Blocks.NOTHING,
        )


def forwarded(look: Look) -> Iterator[Finding]:
    """Look at whether bounces come by mail as well, for an identity that the stack did not make."""
    name = domain(look)
    found = identity(look, name)
    if found is not None and not made(look) and found.get("FeedbackForwardingStatus"):
        yield Finding(
            Step.SENDER,
            f"SES also mails bounces and complaints to the sender: `aws sesv2 "
            f"put-email-identity-feedback-attributes --email-identity {name} "
            "--no-email-forwarding-enabled` ends that",
            Blocks.NOTHING,
        )
