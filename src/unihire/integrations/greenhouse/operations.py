"""The operations offered: what workflows on Harvest v1 call, with its shapes, over v3."""

from unihire.integration.operate import Operation
from unihire.integrations.greenhouse.harvest_v1.operations import company, creates, jobs, offers, people, users

ORDER = (
    "create_candidate",
    "create_candidate_application",
    "create_candidate_note",
    "create_prospect",
    "get_application",
    "get_candidate",
    "get_current_offer_by_application",
    "get_job",
    "get_offer",
    "get_user",
    "list_applications",
    "list_candidates",
    "list_custom_fields",
    "list_departments",
    "list_job_stages",
    "list_job_stages_for_job",
    "list_jobs",
    "list_offers",
    "list_offers_by_application",
    "list_offices",
    "list_sources",
    "list_users",
    "list_attachment_content_types_ddl",
    "list_candidate_custom_fields_ddl",
    "list_candidates_ddl",
    "list_job_custom_field_options_ddl",
    "list_job_custom_fields_ddl",
    "list_job_stages_for_job_ddl",
    "list_jobs_ddl",
    "list_sources_ddl",
    "list_users_ddl",
)
"""How they are listed: by what they do, the drop-downs last."""

OPERATIONS: tuple[Operation, ...] = tuple(
    sorted(
        (
            *creates.OPERATIONS,
            *people.OPERATIONS,
            *jobs.OPERATIONS,
            *company.OPERATIONS,
            *users.OPERATIONS,
            *offers.OPERATIONS,
        ),
        key=lambda operation: ORDER.index(operation.name),
    )
)
