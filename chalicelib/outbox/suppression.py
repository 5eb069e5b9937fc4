"""SES's account-level suppression list: addresses that bounced or complained get no mail at all.

An entry stays until it is deleted. SES sends to an address in any case alike, but keeps and deletes
an entry in exactly the case in which it was added (AWS page "Managing tenant suppression list
entries"; the domain is in lower case).
"""

from datetime import datetime, timedelta

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib import addresses, aws, instants, log
from chalicelib.errors import Unavailable
from chalicelib.settings import current

V = 1  # the version of the items' format
PAUSE = timedelta(days=30)


def lift(key: str, address: str) -> None:
    """Delete an address from the list, as it is written and in lower case. Idempotent.

    `key` stands for it in the log. Raises Unavailable where SES does not answer.
    """
    for written in dict.fromkeys(_spellings(address)):
        try:
            aws.client("sesv2").delete_suppressed_destination(EmailAddress=written)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code == "BadRequestException":
                # SES cannot delete an address with a slash, however often it is asked.
                log.warning("suppression.stays", subscriber=key)
            elif code != "NotFoundException":
                raise Unavailable(f"suppression list: {code}") from error
        except BotoCoreError as error:
            raise Unavailable(f"suppression list: {type(error).__name__}") from error


def lift_for_opt_in(key: str, address: str, now: datetime) -> None:
    """Delete the address of a fresh opt-in from the list, at most once in PAUSE.

    Where that fails, it is tried again with the next opt-in's mail: the mail at hand has to leave
    all the same.
    """
    table, marker = current().contacts_table, {"pk": f"LIFTED#{key}", "sk": "LIFTED"}
    try:
        lifted = aws.get(table, marker)
        if lifted is None or lifted["expires"] <= instants.epoch(now):
            lift(key, address)
            until = {"v": V, "expires": instants.epoch(now + PAUSE)}
            aws.write(aws.assign(table, marker, until))
    except Unavailable as error:
        log.warning("suppression.not_lifted", subscriber=key, error=str(error))


def _spellings(address: str) -> tuple[str, ...]:
    try:
        return addresses.to_ascii(address), addresses.identity(address)
    except ValueError:
        return ()  # SES cannot send to it, so it is not on the list
