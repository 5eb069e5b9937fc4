"""Events as Lambda gets them: whole requests by API Gateway, and the events of the triggers."""

import json
from typing import Any

SITE = "https://www.site.example"
SLUG = "gold-als-kapitalanlage"
AGENT = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/143.0.0.0 Safari/537.36"
)
_HEADERS = {
    "Accept": "*/*",
    "Accept-Encoding": "gzip, deflate, br, zstd",
    "Accept-Language": "de-DE,de;q=0.9,en-US;q=0.8,en;q=0.7",
    "CloudFront-Forwarded-Proto": "https",
    "CloudFront-Is-Desktop-Viewer": "true",
    "CloudFront-Is-Mobile-Viewer": "false",
    "CloudFront-Is-SmartTV-Viewer": "false",
    "CloudFront-Is-Tablet-Viewer": "false",
    "CloudFront-Viewer-ASN": "3320",
    "CloudFront-Viewer-Country": "DE",
    "content-type": "application/json",
    "Host": "contact.site.example",
    "origin": SITE,
    "Referer": f"{SITE}/",
    "sec-ch-ua": '"Chromium";v="143", "Not(A:Brand";v="24", "Google Chrome";v="143"',
    "sec-ch-ua-mobile": "?0",
    "sec-ch-ua-platform": '"Windows"',
    "sec-fetch-dest": "empty",
    "sec-fetch-mode": "cors",
    "sec-fetch-site": "same-site",
    "User-Agent": AGENT,
    "Via": "2.0 3b9c4.cloudfront.net (CloudFront)",
    "X-Amz-Cf-Id": "Zp1Yy0b9bNn3v8QExampleExampleExampleExampleExampleExample==",
    "X-Amzn-Trace-Id": "Root=1-69227d51-000000000000000000TURN",
    "X-Forwarded-For": "93.184.216.34, 130.176.1.1",
    "X-Forwarded-Port": "443",
    "X-Forwarded-Proto": "https",
}


def request(
    method: str, resource: str, path: str, body: Any = None, query: dict[str, str] | None = None
) -> str:
    """Return a REST proxy event (payload 1.0) as JSON; TURN in it is the request's number."""
    in_path = {"slug": SLUG} if "{slug}" in resource else None
    return json.dumps(
        {
            "resource": resource,
            "path": path,
            "httpMethod": method,
            "headers": _HEADERS,
            "multiValueHeaders": {name: [value] for name, value in _HEADERS.items()},
            "queryStringParameters": query,
            "multiValueQueryStringParameters": query
            and {name: [value] for name, value in query.items()},
            "pathParameters": in_path,
            "stageVariables": None,
            "requestContext": {
                "resourceId": "a1b2c3",
                "resourcePath": resource,
                "httpMethod": method,
                "extendedRequestId": "TURNExample=",
                "requestTime": "23/Nov/2026:09:00:00 +0000",
                "path": f"/api{path}",
                "accountId": "123456789012",
                "protocol": "HTTP/1.1",
                "stage": "api",
                "domainPrefix": "contact",
                "requestTimeEpoch": 1795424400000,
                "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deTURN",
                "identity": {
                    "cognitoIdentityPoolId": None,
                    "accountId": None,
                    "cognitoIdentityId": None,
                    "caller": None,
                    "sourceIp": "93.184.216.34",
                    "principalOrgId": None,
                    "accessKey": None,
                    "cognitoAuthenticationType": None,
                    "cognitoAuthenticationProvider": None,
                    "userArn": None,
                    "userAgent": AGENT,
                    "user": None,
                },
                "domainName": "contact.site.example",
                "apiId": "a1b2c3d4e5",
            },
            "body": None if body is None else json.dumps(body, ensure_ascii=False),
            "isBase64Encoded": False,
        }
    )


def _view(slug: str) -> str:
    said = {
        "title": "Gold als Kapitalanlage: was Anleger wissen sollten",
        "page": f"{SITE}/ratgeber/{slug}",
    }
    made = request("POST", "/articles/{slug}/views", f"/articles/{slug}/views", said)
    return made.replace(json.dumps({"slug": SLUG}), json.dumps({"slug": slug}))


VIEW = _view(SLUG)
REPEAT = _view("repeat")
POPULAR = request(
    "GET", "/articles/popular", "/articles/popular", query={"window": "24h", "limit": "10"}
)
SIGNUP = request(
    "POST",
    "/newsletter/signups",
    "/newsletter/signups",
    {
        "email": "eva.TURN@example.org",
        "consent": "newsletter-de-1",
        "topics": ["products", "news"],
        "language": "de",
        "page": f"{SITE}/newsletter",
    },
)
CALLBACK = request(
    "POST",
    "/callbacks",
    "/callbacks",
    {
        "name": "Eva Beispiel",
        "phone": "07930 TURN",
        "topic": "buying",
        "consent": "callback-de-1",
        "language": "de",
        "note": "Ich interessiere mich für Krügerrand.",
        "page": f"{SITE}/kontakt",
    },
)
HEALTH = request("GET", "/health", "/health")


def _record(key: dict[str, Any], image: dict[str, Any], table: str) -> str:
    record = {
        "eventID": "TURN",
        "eventName": "INSERT",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "eu-central-1",
        "dynamodb": {
            "ApproximateCreationDateTime": 1795424400.0,
            "Keys": key,
            "NewImage": image,
            "SequenceNumber": "100TURN",
            "SizeBytes": 300,
            "StreamViewType": "NEW_IMAGE",
        },
        "eventSourceARN": (
            f"arn:aws:dynamodb:eu-central-1:123456789012:table/{table}"
            "/stream/2026-11-23T00:00:00.000"
        ),
    }
    return json.dumps({"Records": [record]})


MAIL = _record(
    {"pk": {"S": "MSG#newsletter-confirmation_subscriber_1"}, "sk": {"S": "MSG"}},
    {"state": {"S": "due"}},
    "contacts",
)
COUNT = _record(
    {"pk": {"S": f"VIEW#{SLUG}|2026-11-23|abcdefghijklTURN"}},
    {
        "pk": {"S": f"VIEW#{SLUG}|2026-11-23|abcdefghijklTURN"},
        "hour": {"N": "9"},
        "title": {"S": "Gold"},
    },
    "view-markers",
)
_DELIVERY = {
    "eventType": "Delivery",
    "mail": {"timestamp": "2026-11-23T09:00:00Z", "messageId": "unknown"},
}
HEAR = json.dumps(
    {
        "Records": [
            {
                "EventSource": "aws:sns",
                "Sns": {
                    "TopicArn": "arn:aws:sns:eu-central-1:123456789012:mail-events",
                    "Subject": "Amazon SES Email Event Notification",
                    "Message": json.dumps(_DELIVERY),
                    "MessageAttributes": {},
                },
            }
        ]
    }
)
SCHEDULE = json.dumps(
    {
        "version": "0",
        "account": "123456789012",
        "region": "eu-central-1",
        "detail": {},
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "time": "2026-11-23T09:00:00Z",
        "id": "TURN",
        "resources": ["arn:aws:events:eu-central-1:123456789012:rule/clock"],
    }
)
