"""The supervisors' page of figures: charts, each with its table."""

from chalicelib.articles import words as article_words
from chalicelib.backoffice.figures import service
from chalicelib.backoffice.figures.api import Span
from chalicelib.callbacks import rules, words
from chalicelib.http import Reply, Request, Routes
from chalicelib.http.staff_page import render, script
from chalicelib.newsletter import words as newsletter_words
from chalicelib.templates import style

routes = Routes(__name__, tag="staff-figures")
SPANS = (7, 30, 90, 365)
_FILTERED_DAYS = 7


@routes.get("/staff/figures", params=Span, html=True, role="supervisor")
def show_figures(request: Request, asked: Span) -> Reply:
    """Show the figures of a span as charts, each with its table."""
    step = service.step_of(asked.days)
    shown = service.figures(asked.days, request.now, step, _FILTERED_DAYS)
    return render(
        request,
        "figures",
        first=shown.first,
        last=shown.last,
        days=asked.days,
        spans=SPANS,
        step=step,
        found=shown.figures,
        words=words,
        growth_words=newsletter_words,
        filter_words=article_words,
        promised=rules.current().first_attempt,
        filtered=shown.filtered,
        chart_css=style("vendor/uplot/uPlot.min"),
        script=script("figures", "uplot/uPlot.iife.min"),
    )
