"""Signing in at the emulated user pool's own page, with our API behind the emulated gateway."""

import json
import urllib.error
import urllib.request

import pytest

from local.cloud import Cloud
from tests.auth.hosted import Visitor, login, tokens


@pytest.mark.parametrize("role", ["agent", "supervisor"])
def test_in_and_out_again(cloud: Cloud, role: str) -> None:
    who, visitor = login(cloud, role), Visitor()
    assert "Password" in visitor.open(cloud.staff).text
    assert visitor.sign_in(who).at == cloud.staff
    assert who.name in visitor.text
    session = {each.name: each for each in visitor.jar}["staff"]
    assert session.has_nonstandard_attr("HttpOnly")
    assert session.get_nonstandard_attr("SameSite") == "Lax"
    assert (
        "Sie sind abgemeldet" in visitor.open(f"{cloud.staff}/sign-out", {}, origin=cloud.api).text
    )
    assert "staff" not in {each.name for each in visitor.jar}
    visitor.jar.set_cookie(session)  # somebody kept the cookie
    assert "Password" in visitor.open(cloud.staff).text


def test_a_wrong_password_stays_outside(cloud: Cloud) -> None:
    visitor = Visitor().open(cloud.staff).sign_in(login(cloud, "agent"), password="wrong")
    assert "Incorrect username or password" in visitor.text
    assert {each.name for each in visitor.jar} == {"staff-sign-in"}


def test_the_answer_is_good_once(cloud: Cloud) -> None:
    visitor = Visitor().open(cloud.staff)
    visitor.sign_in(login(cloud, "agent"))
    (answer,) = [each for each in visitor.led if "signed-in?" in each]
    visitor.open(answer)
    assert visitor.status == 400
    assert "Die Anmeldung hat nicht geklappt" in visitor.text
    assert visitor.open(cloud.staff).status == 200  # the session is still open


def test_an_account_without_a_group_is_told_so(cloud: Cloud) -> None:
    pool = cloud.env["OIDC_ISSUER"].rpartition("/")[2]
    client, who = cloud.client("cognito-idp"), login(cloud, "agent")
    account = {"UserPoolId": pool, "Username": who.email}
    client.admin_remove_user_from_group(**account, GroupName="agent")
    try:
        visitor = Visitor().open(cloud.staff).sign_in(who)
    finally:
        client.admin_add_user_to_group(**account, GroupName="agent")
    assert visitor.status == 403
    assert "Kein Zugang" in visitor.text


def test_nobody_can_make_an_account_or_sign_in_past_the_page(cloud: Cloud) -> None:
    """Check the settings by which AWS refuses to sign up. The emulator lets anybody sign up."""
    client, pool = cloud.client("cognito-idp"), cloud.env["OIDC_ISSUER"].rpartition("/")[2]
    described = client.describe_user_pool(UserPoolId=pool)["UserPool"]
    assert described["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"] is True
    asked = {"UserPoolId": pool, "ClientId": cloud.env["OIDC_CLIENT_ID"]}
    ours = client.describe_user_pool_client(**asked)["UserPoolClient"]
    assert (ours["AllowedOAuthFlows"], ours["ExplicitAuthFlows"]) == (
        ["code"],
        ["ALLOW_REFRESH_TOKEN_AUTH"],
    )
    assert ours["CallbackURLs"] == [f"{cloud.api}/staff/signed-in"]


@pytest.mark.parametrize("kind", ["id_token", "access_token"])
def test_a_program_uses_the_tokens_of_its_person(cloud: Cloud, kind: str) -> None:
    for role, status in (("agent", 403), ("supervisor", 404)):
        token = tokens(cloud, login(cloud, role))[kind]
        url = f"{cloud.api}/staff/subscribers/nobody/proof"
        asked = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(asked, timeout=30)
        with refused.value as answer:
            assert (answer.code, json.loads(answer.read())["status"]) == (status, status)


def test_a_refresh_token_opens_nothing(cloud: Cloud) -> None:
    token = tokens(cloud, login(cloud, "supervisor"))["refresh_token"]
    asked = urllib.request.Request(cloud.staff, headers={"Authorization": f"Bearer {token}"})
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(asked, timeout=30)
    assert refused.value.code == 401
    refused.value.close()


def test_the_sign_out_ends_at_the_provider_too(cloud: Cloud) -> None:
    visitor = Visitor().open(cloud.staff).sign_in(login(cloud, "agent"))
    page = visitor.open(f"{cloud.staff}/sign-out", {}, origin=cloud.api).text
    place = page.partition('content="0; url=')[2].partition('"')[0].replace("&amp;", "&")
    assert place.startswith(cloud.env["AWS_ENDPOINT_URL"])
    assert "Password" in visitor.open(place).text  # the provider leads back to its sign-in
