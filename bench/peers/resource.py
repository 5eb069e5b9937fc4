"""Chalice with boto3's Table resource, as its tutorials have it, and a model of pydantic's."""

import hashlib
import os
from datetime import UTC, datetime, timedelta

import boto3
from botocore.exceptions import ClientError
from chalice import BadRequestError, Chalice, Response
from pydantic import BaseModel, Field, ValidationError

app = Chalice(app_name="resource")
table = boto3.resource("dynamodb").Table(os.environ["VIEW_MARKERS_TABLE"])


class View(BaseModel):
    slug: str = Field(pattern="^[a-z0-9._-]{1,200}$")
    title: str = Field("", max_length=200)
    page: str = Field("", max_length=2000)


@app.route("/articles/{slug}/views", methods=["POST"])
def view(slug):
    request = app.current_request
    try:
        said = View(slug=slug, **request.json_body)
    except ValidationError as error:
        raise BadRequestError(str(error)) from error
    now = datetime.now(UTC)
    who = request.context["identity"]["sourceIp"] + request.headers.get("user-agent", "")
    try:
        table.put_item(
            Item={
                "pk": f"VIEW#{said.slug}|{now.date()}|{hashlib.sha256(who.encode()).hexdigest()[:16]}",
                "hour": now.hour,
                "title": said.title,
                "page": said.page,
                "expires": int((now + timedelta(days=4)).timestamp()),
            },
            ConditionExpression="attribute_not_exists(pk)",
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
    return Response(body="", status_code=204)
