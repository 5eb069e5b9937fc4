"""The table of what is proven, in the order in which it is done."""

from collections.abc import Callable
from dataclasses import dataclass

from chalicelib.texts import N_
from ops.prove import alerts, domain, functions, gateway, left, mail, restoring, watching
from ops.prove.run import Run


@dataclass(frozen=True)
class Line:
    """One line: what is claimed, and the function that tries it.

    The function returns the measured figure. It raises `outcomes.Fails` or `NotDone` with the
    reason. `only_aws` says why no emulator can answer; empty where one can.
    """

    id: str
    sentence: str
    prove: Callable[[Run], str]
    only_aws: str = ""


# The six things that the emulator does not have.
_NO_THROTTLE = N_("the emulator's gateway refuses nobody for being too fast")
_NO_SES = N_("the local cloud plays SES's simulator, and no mail leaves it")
_NO_ALARMS = N_("the emulator does not judge missing data")
_NO_CERTIFICATE = N_("the local cloud is served by http")
_NO_PEOPLE = N_("the emulator confirms every subscription by itself")
_NO_ARM = N_("no arm64 machine runs the package here")

LINES = (
    Line("health", N_("The stage answers."), functions.health),
    Line("functions", N_("Every function is active, all of one runtime."), functions.functions),
    Line("package", N_("The package is within what Lambda takes."), functions.package),
    Line("mappings", N_("Whatever calls the functions is set as wanted."), gateway.mappings),
    Line("settings", N_("The gateway has our throttles, log and answers."), gateway.settings),
    Line(
        "unknown-path",
        N_("An unknown path is answered in our shape."),
        gateway.unknown_path,
    ),
    Line("wrong-method", N_("A method that a path lacks is refused."), gateway.wrong_method),
    Line("closed", N_("The staff's pages are closed, to a forged token, too."), gateway.closed),
    Line("too-large", N_("The gateway refuses a body of 11 MB in our shape."), gateway.too_large),
    Line("cors", N_("The website may call the API, and no other."), gateway.cors),
    Line("throttle", N_("A burst is refused in part."), gateway.throttle, _NO_THROTTLE),
    Line("hsts", N_("Where https is served, browsers stay with it."), gateway.hsts),
    Line(
        "certificate",
        N_("The domain serves a certificate that renews by itself."),
        domain.certificate,
        _NO_CERTIFICATE,
    ),
    Line("dkim", N_("SES may send for the domain and signs the mails."), mail.dkim),
    Line("signup", N_("A signup leads to a mail, a confirmation and a welcome."), mail.signup),
    Line("one-click", N_("A mail program's one click ends a subscription."), mail.leaving),
    Line("bounce", N_("A bounce ends the subscription."), mail.bounce),
    Line("complaint", N_("A complaint ends the subscription."), mail.complaint),
    Line("suppressed", N_("A mail that SES holds back ends the subscription."), mail.suppressed),
    Line("lifted", N_("A fresh signup takes an address off SES's suppression list."), mail.lifted),
    Line("ses-events", N_("SES itself tells of a delivery."), mail.events, _NO_SES),
    Line("domain-events", N_("Another system is told of a signup."), mail.domain_events),
    Line("alert", N_("A request for a callback is told to the hotline."), alerts.alert),
    Line(
        "subscriptions",
        N_("Whoever is to hear alerts and alarms has confirmed it."),
        alerts.subscriptions,
        _NO_PEOPLE,
    ),
    Line("metrics", N_("What the clock logs arrives as metrics."), watching.metrics),
    Line("alarm", N_("An alarm tells when it begins and when it ends."), watching.alarm),
    Line(
        "schedule",
        N_("The clock stands while its schedule is off, and goes on afterwards."),
        watching.schedule,
    ),
    Line(
        "clock-silent",
        N_("The alarm clock-silent fires by itself while the clock stands, and ends."),
        watching.silent,
        _NO_ALARMS,
    ),
    Line("restore", N_("The contacts can be restored, row by row."), restoring.restore),
    Line("arm64", N_("The functions start on arm64."), functions.arm64, _NO_ARM),
    Line("left", N_("What this proof made is gone again."), left.left),
)
