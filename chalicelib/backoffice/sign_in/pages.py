"""The staff's pages for signing in and out."""

from chalicelib import log
from chalicelib.auth import provider, session
from chalicelib.auth import sign_in as signing_in
from chalicelib.errors import BadToken, NotAllowed
from chalicelib.http import SEE_OTHER, Body, Reply, Request, Routes, redirect
from chalicelib.http.staff_page import render

routes = Routes(__name__, tag="staff-session")


class Begin(Body):
    """The page of ours to go to after the sign-in."""

    next: str = signing_in.HOME


class Returned(Body):
    """What the provider sends the browser back with (RFC 6749, 4.1.2)."""

    code: str = ""
    state: str = ""


@routes.get("/staff/sign-in", params=Begin, status=SEE_OTHER)
def sign_in(request: Request, asked: Begin) -> Reply:
    """Send the browser to the provider; `next` is the page of ours to go to afterwards."""
    pending = signing_in.begin(asked.next)
    url = provider.sign_in_url(pending, request.language)
    return redirect(url, {"Set-Cookie": pending.cookie(request.now)})


@routes.get("/staff/signed-in", params=Returned, status=SEE_OTHER, html=True, errors=(NotAllowed,))
def complete_sign_in(request: Request, returned: Returned) -> Reply:
    """Take the provider's answer: begin a new session, whatever the browser had before."""
    try:
        pending = signing_in.resume(request.headers, returned.state, request.now)
        if not returned.code:  # an `error` in its place: cancelled, or refused
            raise BadToken
        person = provider.person(provider.redeem(returned.code, pending))
        begun = session.begin(person, pending.secret, request.now)
    except BadToken as refused:
        log.warning("staff.sign_in_refused")
        if refused.attempt:
            log.attempt(refused.attempt, path=request.path)
        return render(request, "again", refused=refused)
    except NotAllowed as refused:
        log.attempt(refused.attempt, path=request.path)
        return render(request, "no_role", refused=refused, elsewhere=provider.sign_out_url())
    if before := session.given(request.headers):
        session.end(before)
    log.info("staff.signed_in", person=person.id, role=person.role)
    return redirect(pending.then, {"Set-Cookie": session.cookie(begun)})


@routes.post("/staff/sign-out", html=True)
def sign_out(request: Request) -> Reply:
    """End the session here, then at the provider."""
    session.end(session.given(request.headers))
    log.info("staff.signed_out", person=request.person.id)
    request.signed_in = None
    # No redirect: browsers check the target of a form's redirect against the page's `form-action`.
    answer = render(request, "signed_out", elsewhere=provider.sign_out_url())
    # Not "cookies", which would delete those of every host of the company's domain; nor "cache",
    # for which Chrome stands still for seconds: no page of the staff's is kept in one.
    clears = {"Set-Cookie": session.cookie(""), "Clear-Site-Data": '"storage"'}
    return Reply(answer.body, headers={**answer.headers, **clears})
