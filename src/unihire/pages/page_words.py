"""What pages say that no template does: refusals, messages, names of models."""

from collections.abc import Callable, Mapping

from unihire.pages.languages import mark as _

REFUSALS: Mapping[str, str] = {
    "credentials": _("{system} does not accept these credentials. Copy them once more, whole, and check that they are "
                     "of the right account and have not ended."),
    "later": _("{system} does not answer at the moment. Nothing was stored. Try again in a few minutes."),
    "set_up": _("{system} cannot be reached the way this is set up. Nothing was stored. Tell {name} about it."),
    "unexpected": _("{system} answers in a way that is not understood. Nothing was stored. Tell {name} about it."),
    "other_account": _("These credentials are of another account than before, or it cannot be seen that they are of "
                       "the same. Nothing was stored. Use credentials of the account that was connected before; "
                       "another account needs a link of its own."),
    "nothing_readable": _("{system} accepts the credentials, but nothing can be read with them. Grant these "
                          "permissions, and try again:"),
    "field_missing": _("Something is missing."),
    "field_odd": _("Something cannot be right."),
    "field_wrong": _("Something cannot be right."),
    "field_together": _("Something is missing."),
    "consent_denied": _("You did not agree at {system}, so nothing was connected. You can try again."),
    "consent_late": _("That took too long, or was answered already. Begin once more."),
    "too_often": _("That was tried very often. Wait an hour, then try again."),
    "handed_often": _("There are links enough for this step already: use one of those."),
    "changed": _("This was changed in another window meanwhile. Here is how it stands now."),
    "again": _("What was entered can no longer be opened. Enter it once more."),
    "over": _("Its time is over, and nothing was changed. Ask {name} for a new one."),
    "gone": _("What this link was for is no longer there. Ask {name} for a new one."),
    "no_system": _("Pick one of the systems shown."),
}  # fmt: skip
"""By the reason of a LinkRefused."""

FIELD_WORDS: Mapping[str, str] = {
    "field_missing": _("This is needed."),
    "field_odd": _("This is too long, or has characters that cannot be part of it. Copy it again."),
    "field_wrong": _("This must be:"),
    "field_together": _("This belongs with what you filled in for writing: fill in all of it, or none."),
}
"""What stands beside the field that is wrong."""

MODEL_NAMES: Mapping[str, str] = {
    "activity": _("Activities and notes"),
    "application": _("Applications"),
    "application_transition": _("Changes of stage"),
    "attachment": _("Attachments"),
    "candidate": _("Candidates"),
    "department": _("Departments"),
    "eeoc": _("Equal opportunity answers"),
    "job": _("Jobs"),
    "job_interview_stage": _("Interview stages"),
    "job_posting": _("Job postings"),
    "offer": _("Offers"),
    "office": _("Offices"),
    "reject_reason": _("Reasons for rejection"),
    "remote_user": _("Users"),
    "scheduled_interview": _("Interviews"),
    "scorecard": _("Scorecards"),
    "screening_question": _("Screening questions"),
    "source": _("Sources"),
    "tag": _("Tags"),
}

FURTHER = _("Details of other records")
"""A list that no model is made of alone."""

UNKNOWN_HEADING = _("This link does not work")
UNKNOWN_TEXT = _(
    "It is not complete, or it was never issued. Copy the whole link, or ask whoever sent it for a new one."
)
OVER_HEADING = _("This link has ended")
GONE_HEADING = _("There is nothing to connect any more")
CROSS_HEADING = _("This was not sent from here")
CROSS_TEXT = _("Open the link itself, and go on from there.")
LARGE_HEADING = _("That is too much")
LARGE_TEXT = _("What was entered is larger than any credentials are. Go back and check it.")
OFTEN_HEADING = _("One moment")
OFTEN_TEXT = _("This page was asked for very often. Wait a minute, then load it again.")
GO_ON = _("Go on")

MAIL_SUBJECT = _("Please connect {system}")
MAIL_BODY = _("{name} needs access to our recruiting system. Please open this link and go on where I am:")
OUR_SYSTEM = _("our recruiting system")

AGREED_HEADING = _("One more step")
AGREED_TEXT = _("You agreed at {system}. Is {name} to get access to the system of {customer}?")
RECEIVED_HEADING = _("Thank you")
RECEIVED_TEXT = _("You can close this window. The page you came from goes on by itself.")
NOT_CONNECTED = _("Not connected")


def say_refusal(gettext: Callable[[str], str], reason: str, **values: str) -> str:
    """What the customer is told of a refused step."""
    return gettext(REFUSALS.get(reason, REFUSALS["unexpected"])).format(**values)
