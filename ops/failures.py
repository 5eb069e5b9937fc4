"""How a command fails: a foreseeable failure is one line; a traceback means a bug of ours."""

from typing import Any

import click
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.errors import Unavailable
from chalicelib.settings import BadSetting
from ops.stage import NoStage
from ops.tables import BadFile
from ops.words import _


class Failed(click.ClickException):
    """A command could not do its work; its exit code is used for nothing else."""

    exit_code = 3


class Commands(click.Group):
    """A group of commands whose foreseeable failures are printed as one line."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command asked for. Raises Failed for a failure that can be foreseen."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise  # a reader such as `head` has closed the pipe: click ends quietly
        except Unavailable as error:
            told = _(
                "the tables do not answer (%(error)s); wait a moment and run the same command "
                "again",
                error=error,
            )
            raise Failed(told) from error
        except (NoStage, BadSetting, BadFile, BotoCoreError, ClientError, OSError) as error:
            raise Failed(" ".join(str(error).split())) from error
