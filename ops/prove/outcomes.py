"""How a line ends other than well, and what the AWS SDK's errors are for a proof."""

from botocore.exceptions import (
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    SSOError,
    TokenRetrievalError,
)

# Credentials that are over: nothing else can be done with them, not even tidying up.
_OVER = {
    *("ExpiredToken", "ExpiredTokenException", "RequestExpired"),
    *("InvalidClientTokenId", "UnrecognizedClientException"),
}
_NONE = (NoCredentialsError, CredentialRetrievalError, SSOError, TokenRetrievalError)
_FORBIDDEN = {
    *("AccessDenied", "AccessDeniedException", "AuthorizationError", "AuthorizationErrorException"),
    *("UnauthorizedOperation", "NotAuthorized", "AWS.SimpleQueueService.AccessDenied"),
}


class Fails(Exception):
    """The stage does not do what a line says; the text has what was seen instead."""


class NotDone(Exception):
    """A line could not be tried; the text says why and what helps."""


def code(error: ClientError) -> str:
    """Return the code of an error that AWS answered with."""
    return str(error.response.get("Error", {}).get("Code", ""))


def is_over(error: BaseException) -> bool:
    """Tell whether an error says that the credentials are over, or that there are none."""
    if isinstance(error, ClientError):
        return code(error) in _OVER
    return isinstance(error, _NONE)


def is_forbidden(error: BaseException) -> bool:
    """Tell whether an error says that these credentials may not do something."""
    return isinstance(error, ClientError) and code(error) in _FORBIDDEN
