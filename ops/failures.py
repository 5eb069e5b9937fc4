"""How a command fails: in one line, for whatever can be foreseen; a traceback is a fault of ours."""

from typing import Any

import click
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.errors import Unavailable
from chalicelib.settings import BadSetting
from ops.rows import BadFile
from ops.stage import NoStage


class Failed(click.ClickException):
    """A command could not do its work, which no other exit code may be mistaken for."""

    exit_code = 3


class Commands(click.Group):
    """Commands whose foreseeable failures are told in a line."""

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command asked for."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise  # somebody's `| head` has seen enough: click ends quietly
        except Unavailable as error:
            raise Failed(
                f"the tables do not answer ({error}); wait a moment and run the same command again"
            ) from error
        except (NoStage, BadSetting, BadFile, BotoCoreError, ClientError, OSError) as error:
            raise Failed(" ".join(str(error).split())) from error
