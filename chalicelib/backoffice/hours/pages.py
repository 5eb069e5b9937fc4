"""The staff's page of opening hours and shifts."""

from chalicelib.backoffice.hours import service
from chalicelib.callbacks import model
from chalicelib.http import Reply, Request, Routes
from chalicelib.http.staff_page import render
from chalicelib.settings import current

routes = Routes(__name__, tag="staff-callbacks")


@routes.get("/staff/hours", html=True)
def show_hours(request: Request) -> Reply:
    """Show opening hours, holidays, exceptions, shifts and rules as the system reads them."""
    shown = service.calendar(request.now)
    return render(
        request,
        "hours",
        weeks=shown.weeks,
        today=shown.today,
        shifts=shown.shifts,
        rules=shown.rules,
        model=model,
        kept=current().callback_days,
    )
