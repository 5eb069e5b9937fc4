"""The account: who is signed in, whose stage it is, and what the account may use at once."""

from collections.abc import Iterator

from botocore.exceptions import BotoCoreError, ClientError

from infra import config
from infra.checks.parts import Blocks, Finding, Look, Step
from infra.throttles import RATES
from infra.triggers import RESERVED, UNRESERVED


def signed_in(look: Look) -> Iterator[Finding]:
    """Find out account and region; without them nothing else of AWS can be looked at."""
    try:
        client = look.target.client("sts")
        look.account = client.get_caller_identity()["Account"]
        look.region = client.meta.region_name
    except (BotoCoreError, ClientError) as error:
        yield Finding(
            Step.SIGN_IN,
            f"AWS credentials that work, and a region ({error}): sign in (`aws sso login`, or "
            "AWS_PROFILE=…) and set AWS_DEFAULT_REGION, such as eu-central-1. What is in the "
            "account was not looked at",
        )


def whose(look: Look) -> Iterator[Finding]:
    """Look at whether the stage's resources are in this account and region."""
    parts = look.environment.get("ALERTS_TOPIC_ARN", "").split(":")
    if len(parts) < 6:
        return  # there are none yet
    region, account = parts[3], parts[4]
    if (region, account) != (look.region, look.account):
        yield Finding(
            Step.SIGN_IN,
            f"the stage {look.stage} is in account {account}, region {region}, and you are signed "
            f"in to {look.account}, {look.region}: set AWS_PROFILE and AWS_DEFAULT_REGION. For a "
            "new stage there, take the stacks' outputs (…_ARN, …_URL, …_TABLE) out of its "
            "environment_variables",
        )


def concurrency(look: Look) -> Iterator[Finding]:
    """Look at how many functions the account runs at once."""
    client = look.target.client("lambda")
    limits = client.get_account_settings()["AccountLimit"]
    limit, needed = limits["ConcurrentExecutions"], sum(RESERVED.values()) + UNRESERVED
    if limit < needed:
        yield Finding(
            Step.QUOTAS,
            f"this account runs {limit} functions at once, so that none is reserved for a stage; "
            f"that takes {needed}: ask for 1000 under Service Quotas, AWS Lambda, Concurrent "
            "executions",
            Blocks.NOTHING,
        )
        return
    free = limits.get("UnreservedConcurrentExecutions", limit)
    if free - sum(RESERVED.values()) >= UNRESERVED:
        return
    for function in RESERVED:
        name = config.function_name(look.stage, function)
        try:
            free += client.get_function_concurrency(FunctionName=name).get(
                "ReservedConcurrentExecutions", 0
            )
        except client.exceptions.ResourceNotFoundException:
            continue
    if free - sum(RESERVED.values()) < UNRESERVED:
        yield Finding(
            Step.QUOTAS,
            f"other functions of this account have reserved so many that {free} are left, and a "
            f"stage takes {needed}: lower their reservations, or ask for more under Service "
            "Quotas, AWS Lambda, Concurrent executions",
            Blocks.FUNCTIONS,
        )


def throttle(look: Look) -> Iterator[Finding]:
    """Look at how many requests API Gateway takes of the whole account."""
    settings = look.target.client("apigateway").get_account().get("throttleSettings", {})
    rate, burst = max(RATES.values())
    found, bursts = settings.get("rateLimit", rate), settings.get("burstLimit", burst)
    if found < rate or bursts < burst:
        yield Finding(
            Step.QUOTAS,
            f"API Gateway takes {found:g} requests a second of this account, {bursts} at a burst, "
            f"and one path has {rate:g} and {burst}: a busy website would get 429. Ask for more "
            "under Service Quotas, Amazon API Gateway, Throttle rate",
            Blocks.NOTHING,
        )
