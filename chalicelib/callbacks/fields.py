"""The types of the callbacks' fields, as they come in and go out by HTTP."""

from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from chalicelib import company
from chalicelib.callbacks.opening_hours import Span
from chalicelib.callbacks.service import Wanted
from chalicelib.errors import FieldError, Invalid
from chalicelib.http import fields as of
from chalicelib.settings import current


class Window(BaseModel, title="TimeWindow"):
    """A span of time, both ends with an offset."""

    model_config = ConfigDict(serialize_by_alias=True)
    begins: of.Instant = Field(alias="from")
    ends: of.Instant = Field(alias="to")

    @property
    def span(self) -> Span:
        """The span as the workflow has it.

        Raises Invalid (`window`) where the offset of an end is not in force at that time, such as
        +01:00 in July or in the hour that is skipped in March: the caller then means another time
        than the instant says.
        """
        zone = ZoneInfo(current().time_zone)
        for at in (self.begins, self.ends):
            offsets = {at.astimezone(zone).replace(month=month).utcoffset() for month in (1, 7)}
            if at.utcoffset() in offsets and at.utcoffset() != at.astimezone(zone).utcoffset():
                raise Invalid(FieldError("window", "window"))
        return self.begins, self.ends


def _wished(value: Any) -> Any:
    """Return a window as an object: a plain form's select sends `from/to` (ISO 8601)."""
    if value == "":
        return None
    if isinstance(value, str) and value.count("/") == 1:
        begins, _, ends = value.partition("/")
        return {"from": begins, "to": ends}
    return value


Wished = Annotated[Window | None, BeforeValidator(_wished)]


class AskedFields(of.Body):
    """What every request for a callback says, whoever writes it down."""

    name: of.Name
    phone: of.Phone
    topic: of.CallbackTopic = of.default(lambda: next(iter(company.current().callback_topics)))
    window: Wished = None
    email: of.OptionalEmail = None
    note: of.Note = ""
    consent: of.Version
    language: of.Language = of.default_language()

    def wanted(self, **more: Any) -> Wanted:
        """Return it as the service takes it. Raises Invalid (`window`)."""
        return Wanted(
            name=self.name,
            phone=self.phone,
            topic=self.topic,
            consent=self.consent,
            language=self.language,
            email=self.email or "",
            note=self.note,
            window=span_of(self.window),
            **more,
        )


def local(at: datetime) -> datetime:
    """Return an instant by the company's clock, to the second."""
    return at.astimezone(ZoneInfo(current().time_zone)).replace(microsecond=0)


def window_of(span: Span) -> Window:
    """Return a span as it goes out."""
    return Window.model_validate({"from": local(span[0]), "to": local(span[1])})


def span_of(window: Window | None) -> Span | None:
    """Return the span of a window that may be missing. Raises Invalid (`window`)."""
    return window.span if window else None
