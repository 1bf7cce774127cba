"""The company-wide lists of the made-up account: sources, reasons, roles, tags, boards, custom fields and options.

Everything here is made up, but for words of the vendor's documents: the enums, `employment_type` and the three
education fields.
"""

from typing import Any, NamedTuple

from unihire.integration.emulate import Row

# (name, kind); the first seven are the channels of the made-up company, in its order.
SOURCE_TYPES = ("Company marketing", "Social media", "Third-party boards", "Referral", "Agencies", "Campus", "Other")
SOURCES = (
    ("Career page", 0),
    ("LinkedIn", 1),
    ("Indeed", 2),
    ("StepStone", 2),
    ("Referral", 3),
    ("Agency", 4),
    ("University fair", 5),
    ("Internal applicant", 6),
)
REFERRAL, AGENCY = 4, 5

REJECTION_TYPES = (
    (1, "WE_REJECTED_THEM", "We rejected them"),
    (2, "THEY_REJECTED_US", "They rejected us"),
    (3, "NONE_SPECIFIED", "None specified"),
    (4, "SECURITY_CONCERN", "Security concern"),
)
# (name, place among the types). The last two are the vendor's own and listed only with include_defaults=true.
REJECTION_REASONS = (
    ("Lacking skills", 0),
    ("Lacking experience", 0),
    ("Hired somebody else", 0),
    ("No answer", 0),
    ("Reference check", 3),
    ("Declined the offer", 1),
    ("Withdrew", 1),
    ("Other", 2),
    ("Position closed (default)", 0),
    ("Other (default)", 2),
)
OUR_REASONS, THEIR_REASONS, DEFAULT_REASONS = range(4), (5, 6), (8, 9)

CLOSE_REASONS = ("Hire - New Headcount", "Hire - Backfill", "Not filling the position", "On hold")
USER_ROLES = (
    ("site_admin", "Site Admin"),
    ("job_admin", "Job Admin: Standard"),
    ("job_admin", "Job Admin: Private"),
    ("deprecated_interviewer", "Interviewer"),
)
CANDIDATE_TAGS = (
    "2026-grad",
    "boomerang",
    "relocation",
    "silver-medalist",
    "speaks-german",
    "part-time",
    "conference",
    "do-not-call",
)
INTERVIEWER_TAGS = ("Bar Raiser", "Shadow", "Systems", "People")
JOB_BOARDS = (("example", False, "live"), ("example-internal", True, "live"), ("example-draft", False, "draft"))
CUSTOM_LOCATIONS = ("Anywhere in Europe", "Field based", "Two days a week in the office")
POOLS = (("Future leaders", True), ("Campus", True), ("Old contacts", False))
POOL_STAGES = ("Not Reviewed", "Contacted", "Replied")
PAY_INPUTS = (("Base salary", "The yearly base salary."), ("On-target earnings", None))
SPAM_SOURCES = (
    ("ip", "192.0.2.14"),
    ("cidr", "198.51.100.0/24"),
    ("email", "spam@spam.example"),
    ("domain", "spam.example"),
)
EMAIL_TEMPLATES = (
    ("Default rejection", "candidate_rejection"),
    ("Kind rejection", "candidate_rejection"),
    ("Interview confirmation", "interview_confirmation"),
    ("Team note", "team_email"),
)
DEMOGRAPHIC_QUESTIONS = (
    ("How would you describe your gender identity?", "multi_value_multi_select", False),
    ("How would you describe your age group?", "multi_value_single_select", False),
    ("Do you have a disability?", "multi_value_single_select", False),
)
DEMOGRAPHIC_OPTIONS = (
    ("Man", "Woman", "I use another term", "I don't wish to answer"),
    ("Under 30", "30 to 49", "50 or older", "I don't wish to answer"),
    ("Yes", "No", "Unsure", "I don't wish to answer"),
)
FREE_FORM_OPTION = 2
ATTRIBUTE_TYPES = ("Skills", "Personality Traits", "Qualifications", "Details")
ATTRIBUTES = (
    ("Craft", "Writing"),
    ("Curiosity", "Leadership"),
    ("Education", "Certificates"),
    ("Salary", "Notice period"),
)

# eeoc: (id, description) as in the United States' forms
EEOC_GENDERS = ((1, "Male"), (2, "Female"), (3, "Decline To Self Identify"))
EEOC_RACES = (
    (1, "American Indian or Alaska Native"),
    (2, "Asian"),
    (3, "Black or African American"),
    (4, "Hispanic or Latino"),
    (5, "White"),
    (6, "Native Hawaiian or Other Pacific Islander"),
    (7, "Two or More Races"),
    (8, "Decline To Self Identify"),
)
EEOC_VETERANS = (
    (1, "I am not a protected veteran"),
    (2, "I identify as one or more of the classifications of a protected veteran"),
    (3, "I don't wish to answer"),
)
EEOC_DISABILITIES = (
    (1, "Yes, I have a disability, or have had one in the past"),
    (2, "No, I do not have a disability and have not had one in the past"),
    (3, "I do not want to answer"),
)


class FieldFacts(NamedTuple):
    """A custom field's definition."""

    field_type: str
    name: str
    value_type: str
    options: tuple[str, ...] = ()
    internal_type: str | None = None
    active: bool = True
    key: str = ""

    @property
    def name_key(self) -> str:
        return self.key or self.name.lower().replace("-", " ").replace(" ", "_")


_YES_NO = ("Full-time", "Part-time", "Contract")
CUSTOM_FIELDS: tuple[FieldFacts, ...] = (
    FieldFacts("standard", "School", "single_select", (), "school_name", key="school_name"),
    FieldFacts("standard", "Degree", "single_select", (), "degree", key="degree"),
    FieldFacts("standard", "Discipline", "single_select", (), "discipline", key="discipline"),
    FieldFacts("candidate", "Nickname", "short_text"),
    FieldFacts("candidate", "Elevator pitch", "long_text"),
    FieldFacts("candidate", "Willing to travel", "yes_no"),
    FieldFacts("candidate", "T-shirt size", "single_select", ("S", "M", "L", "XL")),
    FieldFacts("candidate", "Languages", "multi_select", ("English", "German", "French", "Polish", "Japanese")),
    FieldFacts("candidate", "Years of experience", "number"),
    FieldFacts("candidate", "Available from", "date"),
    FieldFacts("candidate", "Portfolio", "url"),
    FieldFacts("candidate", "Desired salary", "currency"),
    FieldFacts("candidate", "Salary range", "currency_range"),
    FieldFacts("candidate", "Weekly hours", "number_range"),
    FieldFacts("candidate", "Known by", "user"),
    FieldFacts("candidate", "Motivation", "rich_text"),
    FieldFacts("candidate", "Date of birth", "date_of_birth"),
    FieldFacts("candidate", "Fax", "short_text", active=False),
    FieldFacts("application", "Work permit", "single_select", ("Not needed", "Granted", "Applied for")),
    FieldFacts("application", "Notice period", "short_text"),
    FieldFacts("application", "Test score", "number"),
    FieldFacts("application", "Found us by", "multi_select", ("A friend", "An event", "A search")),
    FieldFacts("application", "Portfolio shown", "yes_no", key="portfolio_shown"),
    FieldFacts("application", "Test file", "attachment"),
    FieldFacts("job", "Employment Type", "single_select", _YES_NO, "employment_type"),
    FieldFacts("job", "Budget", "currency_range"),
    FieldFacts("job", "Working languages", "multi_select", ("English", "German")),
    FieldFacts("job", "Sponsor", "user"),
    FieldFacts("job", "Remote", "yes_no"),
    FieldFacts("opening", "Headcount kind", "single_select", ("New", "Backfill")),
    FieldFacts("opening", "Opening budget", "currency"),
    FieldFacts("offer", "Employment Type (offer)", "single_select", _YES_NO, key="employment_type"),
    FieldFacts("offer", "Salary", "currency"),
    FieldFacts("offer", "Bonus percent", "number"),
    FieldFacts("offer", "Probation ends", "date"),
    FieldFacts("offer", "Offer documents", "attachment", (), "offer_documents"),
    FieldFacts("rejection_question", "Would interview again", "yes_no"),
    FieldFacts("rejection_question", "Details", "long_text", key="rejection_details"),
    FieldFacts("rejection_question", "Other job", "single_select", ("Now", "Later", "Never")),
    FieldFacts("user_attribute", "Cost center", "short_text"),
    FieldFacts("user_attribute", "Site", "single_select", ("Main", "Lab", "Remote"), key="site"),
    FieldFacts("referral_question", "How do you know them?", "long_text", key="how_do_you_know_them"),
    FieldFacts("agency_question", "Fee agreed", "yes_no"),
    FieldFacts("compensation_frequency", "Frequency", "single_select", ("Yearly", "Monthly", "Hourly")),
    FieldFacts("form", "About you", "header"),
    FieldFacts("form", "Please read", "statement"),
    FieldFacts("form", "Linked answer", "linked"),
)

SCHOOLS = (*(f"Example University {number}" for number in range(1, 31)), "Other")
DEGREES = ("High School", "Bachelor's Degree", "Master's Degree", "Doctor of Philosophy (Ph.D.)", "Other")
DISCIPLINES = ("Accounting", "Computer Science", "Design", "Economics", "Engineering", "Languages", "Law", "Other")
EDUCATION_OPTIONS = (SCHOOLS, DEGREES, DISCIPLINES)

VARIANTS = 64


def list_options() -> list[tuple[int, str, int]]:
    """(place of the custom field, name, place among its options)."""
    rows: list[tuple[int, str, int]] = []
    for place, field in enumerate(CUSTOM_FIELDS):
        names = EDUCATION_OPTIONS[place] if place < len(EDUCATION_OPTIONS) else field.options
        rows.extend((place, name, order) for order, name in enumerate(names))
    return rows


def make_values(field_type: str, users: list[Row]) -> list[dict[str, Row]]:
    """The `custom_fields` objects of a kind of record: one for each variant, all value types in turn, some unset."""
    fields = [field for field in CUSTOM_FIELDS if field.field_type == field_type and field.active]
    return [
        {
            field.name_key: {
                "name": field.name,
                "type": field.value_type,
                "value": make_value(field, variant * 7 + place * 3, users),
            }
            for place, field in enumerate(fields)
        }
        for variant in range(VARIANTS)
    ]


def make_value(field: FieldFacts, draw: int, users: list[Row]) -> Any:
    """A believable value; unset is null, of multi_select an empty list."""
    kind, options = field.value_type, field.options
    if kind == "multi_select":
        return [option for place, option in enumerate(options) if (draw >> place) & 1]
    if draw % 5 == 4:
        return None
    amount = 40000 + draw % 60 * 1000
    unit = ("EUR", "USD", "GBP")[draw % 3]
    user = users[draw % len(users)]
    values: dict[str, Any] = {
        "short_text": f"Text {draw % 50}",
        "long_text": f"First line {draw % 50}.\nSecond line with “quotes” & <signs>.",
        "rich_text": f"<p>Paragraph <strong>{draw % 50}</strong></p>",
        "yes_no": draw % 2 == 0,
        "single_select": options[draw % len(options)] if options else None,
        "number": draw % 21 if draw % 3 else draw % 21 + 0.5,
        "date": f"2026-{1 + draw % 12:02d}-{1 + draw % 28:02d}",
        "date_of_birth": f"{1960 + draw % 44}-{1 + draw % 12:02d}-{1 + draw % 28:02d}",
        "url": f"https://portfolio.example.com/{draw % 50}",
        "currency": {"amount": amount, "unit": unit},
        "currency_range": {"min_value": amount, "max_value": amount + 15000, "unit": unit},
        "number_range": {"min_value": 20 + draw % 10, "max_value": 32 + draw % 9},
        "user": {
            "user_id": user["id"],
            "name": user["name"],
            "email": user["primary_email"],
            "employee_id": user["employee_id"],
        },
        "attachment": f"https://files.example.com/custom/{draw % 50}.pdf",
    }
    return values.get(kind)
