"""SNS's rules: of each, the largest value that is accepted and the smallest that is refused."""

import pytest

from local.aws import sns

ATTRIBUTE = "MessageAttributes.entry.1."


def request(**changes: str) -> dict[str, str]:
    return {"TopicArn": "arn:aws:sns:eu-central-1:1:alerts", "Message": "Call back", **changes}


def attribute(name: str, value: str = "1", kind: str = "String") -> dict[str, str]:
    return {
        f"{ATTRIBUTE}Name": name,
        f"{ATTRIBUTE}Value.DataType": kind,
        f"{ATTRIBUTE}Value.StringValue": value,
    }


def structured(message: str, **more: str) -> dict[str, str]:
    return {"Message": message, "MessageStructure": "json", **more}


FULL = '{"default": "%s"}' % ("x" * (sns.MESSAGE - len('{"default": ""}')))
WITH = attribute("level", "1")
LONG = "x" * (sns.MESSAGE - len("level" + "String" + "1"))
ACCEPTED = [
    ("a message", {}),
    ("a subject of 99", {"Subject": "S" * 99}),
    ("punctuation first", {"Subject": "(1) call"}),
    ("256 KiB", {"Message": "x" * sns.MESSAGE}),
    ("256 KiB with an attribute", {"Message": LONG, **WITH}),
    ("an attribute's alphabet", attribute("aZ-9_b.c")),
    ("an attribute's name of 256", attribute("n" * 256)),
    ("a name that only looks reserved", attribute("AWSome.a")),
    ("an SMS of 1,600", {"PhoneNumber": "+4915112345678", "Message": "x" * 1600}),
    ("a body per protocol", structured('{"default": "x", "sms": "y"}')),
    ("a protocol nobody knows", structured('{"default": "x", "pigeon": "y"}')),
    ("a body that is no text beside one", structured('{"default": "x", "sms": 1}')),
    ("256 KiB in bodies", structured(FULL)),
    ("a number of 15 digits", {"PhoneNumber": "+" + "1" * 15}),
]
REFUSED = [
    ("a subject of 100", {"Subject": "S" * 100}, "InvalidParameter"),
    ("an empty subject", {"Subject": ""}, "InvalidParameter"),
    ("an umlaut in a subject", {"Subject": "Rückruf"}, "InvalidParameter"),
    ("a space first", {"Subject": " call"}, "InvalidParameter"),
    ("a line break in a subject", {"Subject": "a\nb"}, "InvalidParameter"),
    ("no message", {"Message": ""}, "InvalidParameter"),
    ("256 KiB and a byte", {"Message": "x" * (sns.MESSAGE + 1)}, "InvalidParameter"),
    ("256 KiB in other letters", {"Message": "ü" * (sns.MESSAGE // 2) + "x"}, "InvalidParameter"),
    ("256 KiB, attribute counted", {"Message": LONG + "x", **WITH}, "InvalidParameter"),
    ("an empty value", attribute("level", ""), "ParameterValueInvalid"),
    ("no type", attribute("level", kind=""), "ParameterValueInvalid"),
    ("an empty name", attribute(""), "ParameterValueInvalid"),
    ("an attribute's name of 257", attribute("n" * 257), "ParameterValueInvalid"),
    ("a space in a name", attribute("a b"), "ParameterValueInvalid"),
    ("a dot first", attribute(".a"), "ParameterValueInvalid"),
    ("a dot last", attribute("a."), "ParameterValueInvalid"),
    ("two dots", attribute("a..b"), "ParameterValueInvalid"),
    ("a reserved name", attribute("aws.a"), "ParameterValueInvalid"),
    ("another reserved name", attribute("Amazon.a"), "ParameterValueInvalid"),
    ("an SMS of 1,601", {"PhoneNumber": "+4915112345678", "Message": "x" * 1601}, "InvalidParame"),
    ("bodies without a default", structured('{"sms": "y"}'), "InvalidParameter"),
    ("a default that is no text", structured('{"default": {}}'), "InvalidParameter"),
    ("bodies that are no JSON", structured("default"), "InvalidParameter"),
    ("bodies in a list", structured('["default"]'), "InvalidParameter"),
    ("no bodies", structured("null"), "InvalidParameter"),
    ("256 KiB and a byte in bodies", structured(f"{FULL} "), "InvalidParameter"),
    ("a subject with bodies", structured('{"default": "x"}', Subject="ü"), "InvalidParameter"),
    ("another structure", {"Message": "{}", "MessageStructure": "xml"}, "InvalidParameter"),
    ("a number of 16 digits", {"PhoneNumber": "+" + "1" * 16}, "InvalidParameter"),
    ("a national number", {"PhoneNumber": "015112345678"}, "InvalidParameter"),
]


@pytest.mark.parametrize(("what", "changes"), ACCEPTED, ids=[each[0] for each in ACCEPTED])
def test_accepted(what: str, changes: dict[str, str]) -> None:
    assert sns.refusal(request(**changes)) is None


@pytest.mark.parametrize(("what", "changes", "code"), REFUSED, ids=[each[0] for each in REFUSED])
def test_refused(what: str, changes: dict[str, str], code: str) -> None:
    refused = sns.refusal(request(**changes))
    assert refused is not None
    assert refused.code.startswith(code)


def test_what_aws_says_of_bodies() -> None:
    said = [
        refused.message
        for message in ("x", '{"sms": "x"}')
        if (refused := sns.refusal(request(**structured(message))))
    ]
    assert said == [
        "Invalid parameter: Message Structure - JSON message body failed to parse",
        "Invalid parameter: Message Structure - No default entry in JSON message body",
    ]
    assert sns.bodies(request()) == {"default": "Call back"}
    mixed = structured('{"default": "x", "sms": 1, "https": "{}"}')
    assert sns.bodies(request(**mixed)) == {"default": "x", "https": "{}"}
