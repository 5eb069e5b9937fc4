"""The staff's entrances: signing in and out."""

from chalicelib import log
from chalicelib.errors import BadToken, NotAllowed
from chalicelib.http import Body, Call, Reply, Routes
from chalicelib.settings import current
from chalicelib.staff import provider, session, signin
from chalicelib.staff.pages import page

routes = Routes(__name__, tag="staff-session")


class Wish(Body):
    next: str = signin.HOME


class Returned(Body):
    """What the provider sends the browser back with (RFC 6749, 4.1.2)."""

    code: str = ""
    state: str = ""


@routes.get("/staff/sign-in", operation="signIn", params=Wish, status=303)
def sign_in(call: Call, asked: Wish) -> Reply:
    """Sends the browser to the provider; `next` is the page of ours to go to afterwards."""
    attempt = signin.begin(asked.next)
    url = provider.sign_in_url(attempt, call.language)
    return _on(url, attempt.cookie(call.now))


@routes.get(
    "/staff/signed-in",
    operation="completeSignIn",
    params=Returned,
    status=303,
    html=True,
    errors=(403,),
)
def signed_in(call: Call, returned: Returned) -> Reply:
    """The provider's answer: a new session, whatever the browser had before."""
    try:
        attempt = signin.resume(call.headers, returned.state, call.now)
        if not returned.code:  # an `error` in its place: cancelled, or refused
            raise BadToken
        person = provider.person(provider.redeem(returned.code, attempt))
        begun = session.begin(person, attempt.secret, call.now)
    except BadToken:
        log.warning("staff.sign_in_refused")
        return page(call, "again", 400)
    except NotAllowed:
        log.warning("staff.no_role")
        return page(call, "no_role", 403, elsewhere=provider.sign_out_url())
    if before := session.given(call.headers):
        session.end(before)
    log.info("staff.signed_in", person=person.id, role=person.role)
    return _on(f"{current().base_url}{attempt.then}", session.cookie(begun))


@routes.post("/staff/sign-out", operation="signOut", html=True)
def sign_out(call: Call) -> Reply:
    """Ends the session here, then at the provider."""
    session.end(session.given(call.headers))
    log.info("staff.signed_out", person=call.person.id)
    call.known = None
    # A redirect would be the form's: browsers hold its target against the page's `form-action`.
    answer = page(call, "signed_out", elsewhere=provider.sign_out_url())
    return Reply(answer.body, headers={**answer.headers, "Set-Cookie": session.cookie("")})


def _on(url: str, cookie: str) -> Reply:
    return Reply(
        status=303, headers={"Location": url, "Content-Type": "text/plain", "Set-Cookie": cookie}
    )
