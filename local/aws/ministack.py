"""The few things of MiniStack's own that the gate reads or changes."""

from collections.abc import Container
from typing import Any

from ministack.core import responses
from ministack.services import ses


def enter_account(access_key: str) -> str:
    """Return the account that an access key belongs to; the calls below are then about it."""
    responses.set_request_account_id(access_key)
    return str(responses.get_account_id())


def production_access(enabled: bool | None = None) -> bool:
    """Return whether the account is out of SES's sandbox, after changing that if asked to."""
    account: dict[str, Any] = dict(ses._account_details.get("account") or {})
    if enabled is not None:
        account["ProductionAccessEnabled"] = enabled
        ses._account_details["account"] = account
    return bool(account.get("ProductionAccessEnabled", True))


def forget_mails() -> None:
    """Forget the mails that were sent, of every account."""
    ses._sent_emails.clear()


def withdraw(name: str, recipients: Container[str]) -> None:
    """Take recipients off a mail that was sent under this name, and the mail if nobody is left."""
    sent: list[dict[str, Any]] = ses._sent_emails_list()
    mail = next((each for each in reversed(sent) if each["MessageId"] == name), None)
    if mail is None:
        return
    for kind in ("To", "CC", "BCC"):
        mail[kind] = [each for each in mail[kind] if each not in recipients]
    if not (mail["To"] or mail["CC"] or mail["BCC"]):
        sent.remove(mail)
