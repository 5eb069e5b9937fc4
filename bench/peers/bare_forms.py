"""Bare handlers that write the transactions of the signup and the callback request, and look before as those do."""

import hashlib
import json
import os
import time
import uuid
from datetime import UTC, datetime

import boto3

dynamodb = boto3.client("dynamodb")
TABLE = os.environ["CONTACTS_TABLE"]
NEW = "attribute_not_exists(pk)"


def put(item):
    return {"Put": {"TableName": TABLE, "Item": item, "ConditionExpression": NEW}}


def limit(kind, event):
    caller = hashlib.sha256(event["requestContext"]["identity"]["sourceIp"].encode()).hexdigest()
    return {
        "Update": {
            "TableName": TABLE,
            "Key": {"pk": {"S": f"LIMIT#{kind}#{caller}"}, "sk": {"S": time.strftime("%Y-%m-%dT%H")}},
            "UpdateExpression": "ADD used :one SET expires = if_not_exists(expires, :expires)",
            "ConditionExpression": "attribute_not_exists(used) OR used < :most",
            "ExpressionAttributeValues": {
                ":one": {"N": "1"},
                ":most": {"N": "20"},
                ":expires": {"N": str(int(time.time()) + 7200)},
            },
        }
    }


def message(kind, key, now):
    return put(
        {
            "pk": {"S": f"MSG#{kind}_{key}_1"},
            "sk": {"S": "MSG"},
            "id": {"S": f"{kind}.{key}.1"},
            "kind": {"S": kind},
            "subject": {"S": key},
            "serial": {"N": "1"},
            "due_at": {"S": now},
            "created_at": {"S": now},
            "state": {"S": "due"},
            "attempts": {"N": "0"},
            "version": {"N": "0"},
            "due_key": {"S": "MSG#1"},
        }
    )


def answer(body):
    return {"statusCode": 202, "headers": {"Content-Type": "application/json"}, "body": json.dumps(body)}


def sign_up(event, context):
    body = json.loads(event["body"])
    email = body["email"].strip().lower()
    if "@" not in email:
        return {"statusCode": 422, "headers": {}, "body": json.dumps({"error": "email"})}
    key = hashlib.sha256(email.encode()).hexdigest()[:22]
    known = dynamodb.query(
        TableName=TABLE,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": f"SUB#{key}"}},
        ScanIndexForward=False,
        Limit=3,
        ConsistentRead=True,
    )
    if known["Items"]:
        return answer({"status": "pending"})
    now = datetime.now(UTC).isoformat()
    topics = [{"S": topic} for topic in body.get("topics", ["products", "news", "offers"])]
    subscriber = {
        "pk": {"S": f"SUB#{key}"},
        "sk": {"S": "SUB"},
        "key": {"S": key},
        "email": {"S": email},
        "state": {"S": "pending"},
        "language": {"S": body.get("language", "de")},
        "topics": {"L": topics},
        "consent": {"S": body["consent"]},
        "asked_at": {"S": now},
        "since": {"S": now},
        "version": {"N": "1"},
        "letters": {"N": "1"},
        "expires": {"N": str(int(time.time()) + 8 * 86400)},
    }
    happened = {
        "pk": {"S": f"SUB#{key}"},
        "sk": {"S": "EVENT#00000001"},
        "event": {"S": "signup"},
        "at": {"S": now},
        "facts": {"M": {"consent": {"S": body["consent"]}, "topics": {"L": topics}}},
        "personal": {
            "M": {
                "email": {"S": email},
                "caller": {"S": event["requestContext"]["identity"]["sourceIp"]},
                "agent": {"S": event["headers"]["User-Agent"]},
                "page": {"S": body.get("page", "")},
            }
        },
        "expires": {"N": str(int(time.time()) + 8 * 86400)},
    }
    growth = {
        "Update": {
            "TableName": TABLE,
            "Key": {"pk": {"S": "GROWTH"}, "sk": {"S": now[:10]}},
            "UpdateExpression": "ADD #event :one",
            "ExpressionAttributeNames": {"#event": "signup"},
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        }
    }
    members = [limit("signups", event), message("confirmation", key, now), put(subscriber), put(happened), growth]
    dynamodb.transact_write_items(TransactItems=members)
    return answer({"status": "pending"})


def call_back(event, context):
    body = json.loads(event["body"])
    phone = "".join(character for character in body["phone"] if character.isdigit())
    key = hashlib.sha256(phone.encode()).hexdigest()[:22]
    number = {"S": f"NUMBER#{key}"}
    known = dynamodb.query(
        TableName=TABLE,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": number},
        ScanIndexForward=False,
        Limit=10,
        ConsistentRead=True,
    )
    if any("live" in each for each in known["Items"]):
        return answer({"status": "received"})
    reference = f"R-{uuid.uuid4().hex[:6].upper()}"
    now = datetime.now(UTC).isoformat()
    callback = {
        "pk": {"S": f"CALLBACK#{reference}"},
        "sk": {"S": "CALLBACK"},
        "reference": {"S": reference},
        "state": {"S": "waiting"},
        "asked": {
            "M": {
                "name": {"S": body["name"]},
                "phone": {"S": phone},
                "number_key": {"S": key},
                "topic": {"S": body.get("topic", "general")},
                "consent": {"S": body["consent"]},
                "language": {"S": body.get("language", "de")},
                "email": {"S": body.get("email", "")},
                "note": {"S": body.get("note", "")},
            }
        },
        "created_at": {"S": now},
        "expected": {"L": [{"S": now}, {"S": now}]},
        "alert_at": {"S": now},
        "version": {"N": "1"},
    }
    proof = {
        "pk": {"S": f"CALLBACK#{reference}"},
        "sk": {"S": "PROOF"},
        "at": {"S": now},
        "number_key": {"S": key},
        "consent": {"S": body["consent"]},
        "caller": {"S": event["requestContext"]["identity"]["sourceIp"]},
        "agent": {"S": event["headers"]["User-Agent"]},
        "page": {"S": body.get("page", "")},
    }
    happened = {
        "pk": {"S": f"CALLBACK#{reference}"},
        "sk": {"S": "EVENT#00000001"},
        "event": {"S": "submitted"},
        "at": {"S": now},
    }
    members = [
        limit("callbacks", event),
        put({"pk": number, "sk": {"S": "LOCK"}, "live": {"S": reference}}),
        put(callback),
        put(proof),
        put({"pk": number, "sk": {"S": f"AT#{now}#{reference}"}, "at": {"S": now}, "reference": {"S": reference}}),
        put(happened),
        message("callback-alert", reference, now),
        message("callback-alert-mail", reference, now),
    ]
    dynamodb.transact_write_items(TransactItems=members)
    return answer({"status": "received", "reference": reference, "expected": {"from": now, "to": now}})
