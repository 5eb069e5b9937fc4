"""The floor: a bare handler with boto3's client, as the first page of every tutorial has it."""

import hashlib
import json
import os
import time

import boto3

dynamodb = boto3.client("dynamodb")


def handler(event, context):
    slug = event["pathParameters"]["slug"]
    body = json.loads(event["body"])
    who = event["requestContext"]["identity"]["sourceIp"] + event["headers"].get("User-Agent", "")
    now = time.gmtime()
    day = time.strftime("%Y-%m-%d", now)
    try:
        dynamodb.put_item(
            TableName=os.environ["VIEW_MARKERS_TABLE"],
            Item={
                "pk": {"S": f"VIEW#{slug}|{day}|{hashlib.sha256(who.encode()).hexdigest()[:16]}"},
                "hour": {"N": str(now.tm_hour)},
                "title": {"S": body["title"]},
                "page": {"S": body["page"]},
                "expires": {"N": str(int(time.time()) + 4 * 86400)},
            },
            ConditionExpression="attribute_not_exists(pk)",
        )
    except dynamodb.exceptions.ConditionalCheckFailedException:
        pass
    return {"statusCode": 204, "headers": {"Content-Type": "application/json"}, "body": ""}
