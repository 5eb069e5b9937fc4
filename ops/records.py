"""The operators' log lines: they are kept in the stage's log beside those of its functions."""

import getpass
import time
from contextlib import suppress
from typing import Any

import boto3
import click
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.settings import current
from infra import config
from ops.words import _


def keep(line: str) -> None:
    """Write a log line to the API function's log group.

    In the local cloud, or where there is no such group, write it to stderr. A line that cannot be
    kept raises nothing, as what it reports is done, or half done, already.
    """
    if current().stage == "local":
        click.echo(line, err=True)
        return
    client: Any = boto3.client("logs")
    place = {
        "logGroupName": f"/aws/lambda/{config.function_name(current().stage, 'api_handler')}",
        "logStreamName": f"operators/{getpass.getuser()}",
    }
    try:
        with suppress(client.exceptions.ResourceAlreadyExistsException):
            client.create_log_stream(**place)
        client.put_log_events(
            **place, logEvents=[{"timestamp": int(time.time() * 1000), "message": line}]
        )
    except client.exceptions.ResourceNotFoundException:
        click.echo(line, err=True)
    except (BotoCoreError, ClientError) as error:
        told = _("not in the log, keep it yourself (%(error)s): %(line)s", error=error, line=line)
        click.echo(told, err=True)
