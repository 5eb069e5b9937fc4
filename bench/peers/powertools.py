"""AWS Lambda Powertools: the REST resolver with its validation by pydantic."""

import hashlib
import os
from datetime import UTC, datetime, timedelta
from typing import Annotated

import boto3
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.openapi.params import Path
from pydantic import BaseModel, Field

app = APIGatewayRestResolver(enable_validation=True)
dynamodb = boto3.client("dynamodb")


class View(BaseModel):
    title: str = Field("", max_length=200)
    page: str = Field("", max_length=2000)


@app.post("/articles/<slug>/views")
def view(slug: Annotated[str, Path(pattern="^[a-z0-9._-]{1,200}$")], said: View) -> Response[str]:
    now = datetime.now(UTC)
    who = app.current_event.request_context.identity.source_ip + app.current_event.headers.get("user-agent", "")
    try:
        dynamodb.put_item(
            TableName=os.environ["VIEW_MARKERS_TABLE"],
            Item={
                "pk": {"S": f"VIEW#{slug}|{now.date()}|{hashlib.sha256(who.encode()).hexdigest()[:16]}"},
                "hour": {"N": str(now.hour)},
                "title": {"S": said.title},
                "page": {"S": said.page},
                "expires": {"N": str(int((now + timedelta(days=4)).timestamp()))},
            },
            ConditionExpression="attribute_not_exists(pk)",
        )
    except dynamodb.exceptions.ConditionalCheckFailedException:
        pass
    return Response(status_code=204, content_type="application/json", body="")


def handler(event, context):
    return app.resolve(event, context)
