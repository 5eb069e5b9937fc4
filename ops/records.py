"""What operators do stands in the stage's log beside what its functions did, not on a terminal alone."""

import getpass
import time
from contextlib import suppress
from typing import Any

import boto3
import click
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.settings import current
from infra import config


def keep(line: str) -> None:
    """Puts a log line into the log group of the API; on the terminal in the local cloud, or where there is no group.

    A line that cannot be kept stops nothing: what it tells of is done, or half done, already.
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
        click.echo(f"not in the log, keep it yourself ({error}): {line}", err=True)
