"""What is written, with its effects."""

from unihire.integrations.lever.emulator.api.calls import Endpoint
from unihire.integrations.lever.emulator.writes import company, forms, interviews, jobs, opportunities

ALL_WRITES: tuple[Endpoint, ...] = (
    *opportunities.WRITES,
    *forms.WRITES,
    *interviews.WRITES,
    *jobs.WRITES,
    *company.WRITES,
)
"""Every write."""
