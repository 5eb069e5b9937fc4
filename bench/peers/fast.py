"""FastAPI behind Mangum."""

import hashlib
import os
from datetime import UTC, datetime, timedelta
from typing import Annotated

import boto3
from fastapi import FastAPI, Path, Request
from mangum import Mangum
from pydantic import BaseModel, Field

app = FastAPI()
dynamodb = boto3.client("dynamodb")


class View(BaseModel):
    title: str = Field("", max_length=200)
    page: str = Field("", max_length=2000)


@app.post("/articles/{slug}/views", status_code=204)
def view(slug: Annotated[str, Path(pattern="^[a-z0-9._-]{1,200}$")], said: View, request: Request) -> None:
    now = datetime.now(UTC)
    who = request.client.host + request.headers.get("user-agent", "")
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


handler = Mangum(app, lifespan="off")
