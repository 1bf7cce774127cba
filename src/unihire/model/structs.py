"""Structs inside fields of models: values of several parts. Every part may be null.

Only moments are in UTC: days, and partial dates (`2019`, `2019-09`), stay as the vendor has them.
"""

from typing import Annotated

import msgspec

from unihire.model import enums
from unihire.model.spec import Field

Text = str | None
Flag = bool | None
Number = float | None

_ID = "5b0f7a52-3c1e-5d0b-9f57-6a4f6a0f9d11"
_MOMENT = "2026-01-31T09:30:00Z"


class Url(msgspec.Struct, kw_only=True, gc=False):
    """A web address and what kind it is.

    `type` is the vendor-near word (LINKEDIN), `url_type` the normalised one (SOCIAL_MEDIA); older readers of the
    contract look for the first, newer ones for the second.
    """

    value: Annotated[Text, Field("The address.", "https://www.example.com/in/jane")] = None
    type: Annotated[Text, Field("Kind of address, close to the vendor's word.", "LINKEDIN")] = None
    url_type: Annotated[Text, Field("Kind of address, normalised.", "SOCIAL_MEDIA", enums.URL_TYPES)] = None


class Contact(msgspec.Struct, kw_only=True, gc=False):
    """A telephone number or an e-mail address."""

    value: Annotated[Text, Field("The number or the address.", "jane@example.com")] = None
    type: Annotated[Text, Field("What it is for.", "PERSONAL", enums.CONTACT_TYPES)] = None
    is_primary: Annotated[Flag, Field("Whether it is the first to be used.", True)] = None


class Place(msgspec.Struct, kw_only=True, gc=False):
    """A location, in the parts that the vendor has; `text` is all of it."""

    text: Annotated[Text, Field("The whole, as one text.", "1 Example Street, 10115 Berlin")] = None
    street: Annotated[Text, Field("Street and number.", "1 Example Street")] = None
    postal_code: Annotated[Text, Field("Postal code.", "10115")] = None
    city: Annotated[Text, Field("City.", "Berlin")] = None
    region: Annotated[Text, Field("State or region.", "Berlin")] = None
    country_code: Annotated[Text, Field("Country, two letters of ISO 3166.", "DE")] = None


class Pay(msgspec.Struct, kw_only=True, gc=False):
    """An amount of money for a period of work, or a range of amounts."""

    amount: Annotated[Number, Field("The amount, where there is one.", 60000)] = None
    minimum: Annotated[Number, Field("Least of a range.", 55000)] = None
    maximum: Annotated[Number, Field("Most of a range.", 65000)] = None
    currency: Annotated[Text, Field("Currency, three letters of ISO 4217.", "EUR")] = None
    period: Annotated[Text, Field("What it is paid for.", "YEAR", enums.PAY_PERIODS)] = None


class Answer(msgspec.Struct, kw_only=True, gc=False):
    """An answer to a question of a form. One of several choices has them in `values`, any other its text."""

    question: Annotated[Text, Field("Question it answers.", _ID, to="screening_question")] = None
    question_remote_id: Annotated[Text, Field("Id the vendor gives the question.", "5512")] = None
    title: Annotated[Text, Field("The question's text.", "Python")] = None
    type: Annotated[Text, Field("What kind of answer it is.", "SINGLE_LINE_TEXT", enums.QUESTION_TYPES)] = None
    text: Annotated[Text, Field("The answer, as one text.", "Ten years")] = None
    values: Annotated[list[str] | None, Field("The choices made.", ["Ten years"])] = None


class Choice(msgspec.Struct, kw_only=True, gc=False):
    """One of the answers a question offers."""

    remote_id: Annotated[Text, Field("Id the vendor gives it.", "77")] = None
    label: Annotated[Text, Field("Its text.", "Ten years")] = None


class TeamMember(msgspec.Struct, kw_only=True, gc=False):
    """A user's role for a job or an application; a role without a normalised value has its name alone."""

    user: Annotated[Text, Field("Who it is.", _ID, to="remote_user")] = None
    role: Annotated[Text, Field("What they do.", "RECRUITER", enums.TEAM_ROLES)] = None
    role_name: Annotated[Text, Field("The role in the customer's words.", "Lead recruiter")] = None


class Attendee(msgspec.Struct, kw_only=True, gc=False):
    """Somebody who takes part in an interview for the company."""

    user: Annotated[Text, Field("Who it is.", _ID, to="remote_user")] = None
    email: Annotated[Text, Field("E-mail address.", "robin@example.com")] = None
    name: Annotated[Text, Field("Name.", "Robin Roe")] = None
    status: Annotated[Text, Field("What they answered to the invitation.", "ACCEPTED", enums.ATTENDANCES)] = None


class Rating(msgspec.Struct, kw_only=True, gc=False):
    """A judgement of one attribute of a candidate."""

    name: Annotated[Text, Field("What is judged.", "Python")] = None
    kind: Annotated[Text, Field("Kind of attribute.", "SKILL", enums.RATING_KINDS)] = None
    rating: Annotated[Text, Field("The verdict.", "YES", enums.RECOMMENDATIONS)] = None
    score: Annotated[Number, Field("Points given.", 4)] = None
    note: Annotated[Text, Field("What the interviewer wrote.", "Wrote it for ten years.")] = None


class Education(msgspec.Struct, kw_only=True, gc=False):
    """A time at a school."""

    remote_id: Annotated[Text, Field("Id the vendor gives it.", "31")] = None
    school: Annotated[Text, Field("Name of the school.", "Example University")] = None
    degree: Annotated[Text, Field("Degree.", "Master's Degree")] = None
    field: Annotated[Text, Field("What was studied.", "Physics")] = None
    start: Annotated[Text, Field("When it began, as exact as the vendor says.", "2015-09")] = None
    end: Annotated[Text, Field("When it ended, as exact as the vendor says.", "2019")] = None


class Employment(msgspec.Struct, kw_only=True, gc=False):
    """A job somebody had or has."""

    remote_id: Annotated[Text, Field("Id the vendor gives it.", "32")] = None
    company: Annotated[Text, Field("Company.", "Example Ltd")] = None
    title: Annotated[Text, Field("Job title.", "Engineer")] = None
    start: Annotated[Text, Field("When it began, as exact as the vendor says.", "2019-09")] = None
    end: Annotated[Text, Field("When it ended, as exact as the vendor says.", "2024")] = None
    is_current: Annotated[Flag, Field("Whether it continues.", False)] = None
    description: Annotated[Text, Field("What the work was.", "Built search engines.")] = None


class Consent(msgspec.Struct, kw_only=True, gc=False):
    """A candidate's consent to the storing of personal data."""

    given: Annotated[Flag, Field("Whether it was given.", True)] = None
    given_at: Annotated[Text, Field("When it was given.", _MOMENT)] = None
    expires_at: Annotated[Text, Field("Until when it is valid.", _MOMENT)] = None


class Role(msgspec.Struct, kw_only=True, gc=False):
    """What an account may do."""

    remote_id: Annotated[Text, Field("Id the vendor gives the role.", "9")] = None
    label: Annotated[Text, Field("Its name.", "Site admin")] = None
    type: Annotated[Text, Field("Its kind, normalised.", "ADMIN", enums.ACCESS_ROLES)] = None
