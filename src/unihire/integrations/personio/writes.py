"""What can be written at Personio, and why the rest cannot: API v1 takes new applications, and nothing else."""

from unihire.integration.write import Write, at_most
from unihire.integrations.personio.applying import (
    ApplicationParams,
    CandidateParams,
    create_application,
    create_candidate,
    list_channels,
)

NO_ACTOR = "API v1 writes with the company's key: no user can be named."
CREDENTIAL = "recruiting_api_key"

NAMED = {
    "attributes": "custom_fields",
    "email": "email_addresses",
    "files": "attachments",
    "first_name": "first_name",
    "job_position_id": "job",
    "last_name": "last_name",
    "location": "locations",
    "phase": "job_interview_stage",
    "phone": "phone_numbers",
    "recruiting_channel_id": "source_record",
    "tags": "tags",
}

WRITES = (
    Write(
        model="candidate",
        verb="create",
        run=create_candidate,
        stream="candidates",
        takes=(
            "attachments", "custom_fields", "email_addresses", "first_name", "job", "job_interview_stage", "last_name",
            "locations", "phone_numbers", "source_record", "tags",
        ),
        requires=("email_addresses", "first_name", "job", "last_name"),
        params=CandidateParams,
        rules=tuple(at_most(field, 1) for field in ("email_addresses", "phone_numbers", "locations")),
        options={"recruiting_channel_id": list_channels},
        no_actor=NO_ACTOR,
        lost_answer="refused",
        named=NAMED,
        note="The job must be published, and one e-mail address, phone number and location are taken. A person whose "
        "e-mail address is known gets another application, and is perhaps not changed.",
        credential=CREDENTIAL,
    ),
    Write(
        model="application",
        verb="create",
        run=create_application,
        stream="applications",
        takes=("candidate", "current_stage", "custom_fields", "job", "source_record"),
        params=ApplicationParams,
        options={"recruiting_channel_id": list_channels},
        no_actor=NO_ACTOR,
        lost_answer="refused",
        named={
            "attributes": "custom_fields",
            "email": "candidate",
            "first_name": "candidate",
            "job_position_id": "job",
            "last_name": "candidate",
            "phase": "current_stage",
            "recruiting_channel_id": "source_record",
        },
        note="The job must be published. The candidate needs names and an e-mail address of their own, by which the "
        "vendor knows them.",
        credential=CREDENTIAL,
    ),
)  # fmt: skip

CANNOT_WRITE = {
    "activity.create": "No API adds a note or a message to a candidate; a message comes with a new application alone.",
    "application.convert": "Personio has no prospects: every application is for a job.",
    "application.hire": "No API changes an application; the phase `accepted` can be given with a new one alone.",
    "application.move": "No API moves an application; a phase can be given with a new one alone.",
    "application.reject": "No API changes an application; the phase `rejected` can be given with a new one alone.",
    "application.unreject": "No API changes an application.",
    "application.update": "No API changes an application.",
    "attachment.create": "A file is taken with a new application alone; candidate.create takes some.",
    "candidate.comment": "No API adds a comment to a candidate.",
    "candidate.tag": "A tag is given with a new application alone; candidate.create takes some.",
    "candidate.untag": "No API takes a tag away.",
    "candidate.update": "No API changes a candidate.",
    "department.create": "The recruiting APIs create no departments.",
    "eeoc.create": "Personio has no answers for equal opportunity reports.",
    "job.create": "The recruiting APIs create no jobs.",
    "job_interview_stage.create": "The recruiting APIs create no stages: they are in the settings of a category.",
    "offer.create": "The recruiting APIs have no offers; the phase `offer` can be given with a new application alone.",
    "office.create": "The recruiting APIs have no offices.",
    "reject_reason.create": "The recruiting APIs have no reasons for rejections.",
    "remote_user.create": "The recruiting APIs create no users.",
    "scheduled_interview.create": "The recruiting APIs have no interviews.",
    "scorecard.create": "The recruiting APIs have no evaluations.",
    "screening_question.create": "The recruiting APIs have no questions of an application form.",
    "tag.create": "A tag is made with a new application alone: candidate.create makes those that are missing.",
}
"""Why each other write of the vocabulary is not there, by `model.verb`."""
