"""Believable changes of rows, for who asks the control plane to change some."""

from collections.abc import Callable

from unihire.integration.emulate import Row

_VARIED: dict[str, Callable[[int], Row]] = {
    "candidates": lambda bits: {"company": f"Example {bits % 1000} Ltd", "position": f"Position {bits % 97}"},
    "applications": lambda bits: {"submitterUserAgent": f"Made-up browser {bits % 1000}"},
    "jobs": lambda bits: {"title": f"Made-up job {bits % 1000}"},
    "job_postings": lambda bits: {"title": f"Made-up posting {bits % 1000}"},
    "openings": lambda bits: {"openingState": ("Open", "Approved", "Closed")[bits % 3]},
    "offers": lambda bits: {"decidedAt": f"2026-{1 + bits % 12:02d}-{1 + bits % 28:02d}T08:00:00.000Z"},
    "interview_schedules": lambda bits: {"status": ("Scheduled", "WaitingOnFeedback", "Complete")[bits % 3]},
    "feedback": lambda bits: {"submittedValues": {"overall_recommendation": str(1 + bits % 4)}},
    "notes": lambda bits: {"content": f"Changed note {bits % 1000}"},
    "users": lambda bits: {"lastName": f"Changed {bits % 1000}"},
    "departments": lambda bits: {"externalName": f"Public name {bits % 1000}"},
    "locations": lambda bits: {"name": f"Office {bits % 1000}"},
    "custom_fields": lambda bits: {"title": f"Field {bits % 1000}"},
    "survey_submissions": lambda bits: {"submittedValues": {"answer": bits % 10}},
    "archive_reasons": lambda bits: {"text": f"Reason {bits % 1000}"},
    "close_reasons": lambda bits: {"reasonText": f"Reason {bits % 1000}"},
    "brands": lambda bits: {"name": f"Brand {bits % 1000}"},
    "tracking_links": lambda bits: {"code": f"code{bits % 1000}"},
}


def make_varier(stream: str) -> Callable[[int], Row]:
    return _VARIED.get(stream, lambda bits: {"title": f"Changed {bits % 1000}"})
