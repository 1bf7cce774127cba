"""The 71 resources of the vendor's API: filters and references of each, as its documents list them.

A filter is one word. `job_ids` takes ids, `active:bool` true or false, `status=open|closed` one of these,
`starts_at:moment` and `sent_on:date` comparisons, `parent_id:int` a number, `custom_field_option_id:option` the number
of an option chosen in a custom field, and a bare name exactly this text. `cursor`, `per_page`, `ids`, `fields`,
`created_at` and `updated_at` work everywhere, but for the last two on what has no times.
A reference is `field:resource`; a field of many ids is marked with a star.
"""

from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Resource:
    """What can be asked of one resource and what its rows point at."""

    filters: str = ""
    references: str = ""
    has_times: bool = True
    is_partner_only: bool = False

    @cached_property
    def links(self) -> dict[str, str]:
        """Field → the resource whose ids it has."""
        pairs = (word.replace("*", "").split(":") for word in self.references.split())
        return {field: resource for field, resource in pairs}  # noqa: C416 - pairs are lists, a dict() would not type


RESOURCES: dict[str, Resource] = {
    "applications": Resource(
        "candidate_ids job_ids prospective_job_ids job_post_ids source_ids referrer_ids stage_ids"
        " status=rejected|hired|converted|active stage_name custom_field_option_id:option last_activity_at:moment"
        " prospect:bool",
        "candidate_id:candidates coordinator_id:users job_id:jobs job_post_id:job_posts recruiter_id:users"
        " referrer_id:referrers source_id:sources stage_id:application_stages prospective_job_ids*:jobs"
        " job_interview_stage_id:job_interview_stages",
    ),
    "candidates": Resource(
        "last_activity_at:moment custom_field_option_id:option private:bool email tag", "linked_user_ids*:users"
    ),
    "jobs": Resource(
        "opened_at:moment closed_at:moment requisition_id department_id:int office_id:int confidential:bool"
        " status=open|draft|closed",
        "copied_from_id:jobs department_id:departments office_ids*:offices",
    ),
    "application_stages": Resource(
        "application_ids job_interview_stage_ids current:bool",
        "application_id:applications job_interview_stage_id:job_interview_stages",
    ),
    "applied_candidate_tags": Resource(
        "candidate_tag_ids candidate_ids", "candidate_tag_id:candidate_tags candidate_id:candidates"
    ),
    "approval_flows": Resource(
        "job_ids offer_ids approval_type=open_job|offer_job|offer_candidate",
        "job_id:jobs offer_id:offers requested_by_id:users",
    ),
    "approver_groups": Resource("approval_flow_ids", "approval_flow_id:approval_flows"),
    "approvers": Resource(
        "approver_group_ids user_ids status=waiting|due|approved|rejected",
        "approver_group_id:approver_groups user_id:users resolved_by_id:users",
    ),
    "attachments": Resource(
        "application_ids candidate_ids type=resume|cover_letter|take_home_test|offer_packet|offer_letter"
        "|signed_offer_letter|other|form_attachment|midfunnel_agreement|automated_agreement",
        "application_id:applications candidate_id:candidates",
    ),
    "blocked_spam_sources": Resource(),
    "bulk_requests": Resource("", "requested_by_user_id:users"),
    "candidate_attribute_types": Resource("active:bool is_draft:bool", "job_id:jobs"),
    "candidate_educations": Resource(
        "candidate_ids",
        "candidate_id:candidates school_name_custom_field_option_id:custom_field_options"
        " degree_custom_field_option_id:custom_field_options discipline_custom_field_option_id:custom_field_options",
    ),
    "candidate_employments": Resource("candidate_ids", "candidate_id:candidates"),
    "candidate_tags": Resource(),
    "close_reasons": Resource(),
    "custom_field_departments": Resource(
        "custom_field_ids department_ids", "custom_field_id:custom_fields department_id:departments"
    ),
    "custom_field_offices": Resource("custom_field_ids office_ids", "custom_field_id:custom_fields office_id:offices"),
    "custom_field_options": Resource("custom_field_ids custom_field_key active:bool", "custom_field_id:custom_fields"),
    "custom_fields": Resource(
        "field_type=job|opening|standard|offer|compensation_frequency|candidate|referral_question|application"
        "|rejection_question|form|agency_question|user_attribute active:bool name name_key",
        "updated_by_id:users",
    ),
    "default_interviewers": Resource("user_ids interview_kit_ids", "user_id:users interview_kit_id:interview_kits"),
    "demographic_answer_options": Resource(
        "demographic_question_ids", "demographic_question_id:demographic_questions", has_times=False
    ),
    "demographic_answers": Resource(
        "application_ids demographic_question_ids demographic_answer_option_ids",
        "application_id:applications demographic_question_id:demographic_questions"
        " demographic_answer_option_id:demographic_answer_options",
    ),
    "demographic_question_sets": Resource(),
    "demographic_questions": Resource(
        "demographic_question_set_ids active:bool required:bool",
        "demographic_question_set_id:demographic_question_sets",
        has_times=False,
    ),
    "departments": Resource("parent_id:int external_id", "parent_id:departments"),
    "offices": Resource("parent_id:int external_id", "parent_id:offices primary_in_house_contact_user_id:users"),
    "eeoc": Resource("application_ids submitted_at:moment", "application_id:applications candidate_id:candidates"),
    "email_templates": Resource("", "user_id:users"),
    "focus_candidate_attributes": Resource(
        "interview_kit_ids job_candidate_attribute_ids",
        "interview_kit_id:interview_kits job_candidate_attribute_id:job_candidate_attributes",
    ),
    "future_job_permissions": Resource(
        "user_ids", "department_id:departments user_id:users office_id:offices role_id:user_roles"
    ),
    "interview_kits": Resource("job_ids job_interview_ids", "job_id:jobs job_interview_id:job_interviews"),
    "interviewer_tags": Resource(),
    "interviewers": Resource(
        "interview_ids user_ids scorecard_ids response_status=needs_action|declined|tentative|accepted",
        "interview_id:interviews user_id:users scorecard_id:scorecards",
    ),
    "interviews": Resource(
        "job_ids application_ids job_interview_ids organizer_ids starts_at:moment ends_at:moment all_day_start_on:date"
        " all_day_end_on:date external_event_id status=to_be_scheduled|scheduled|awaiting_feedback|complete|skipped"
        "|collect_feedback|to_be_sent|sent|received",
        "job_id:jobs application_id:applications job_interview_id:job_interviews organizer_id:users",
    ),
    "job_board_custom_locations": Resource("", "greenhouse_job_board_id:job_boards"),
    "job_boards": Resource(),
    "job_candidate_attributes": Resource(
        "job_ids candidate_attribute_type_ids", "job_id:jobs candidate_attribute_type_id:candidate_attribute_types"
    ),
    "job_hiring_managers": Resource("user_ids job_ids", "user_id:users job_id:jobs"),
    "job_interview_stages": Resource("job_ids active:bool", "job_id:jobs"),
    "job_interviews": Resource(
        "job_ids job_interview_stage_ids active:bool scheduling_type=none|needs_scheduling|take_home_test|offer",
        "job_interview_stage_id:job_interview_stages job_id:jobs",
    ),
    "job_notes": Resource("job_ids", "job_id:jobs user_id:users"),
    "job_owners": Resource("user_ids job_ids type=sourcer|recruiter|coordinator", "job_id:jobs user_id:users"),
    "job_post_locations": Resource(
        "job_post_ids office_ids custom_location_ids type=free_text|office|custom_list plain_text_location",
        "office_id:offices job_post_id:job_posts custom_location_id:job_board_custom_locations",
    ),
    "job_post_searchable_locations": Resource("job_post_ids", "job_post_id:job_posts"),
    "job_posts": Resource(
        "job_ids job_board_ids active:bool featured:bool live:bool internal:bool",
        "demographic_question_set_id:demographic_question_sets job_id:jobs job_board_id:job_boards",
    ),
    "notes": Resource(
        "candidate_ids user_ids application_ids type=NOTE|ACTIVITY|INTERVIEW|EMAIL|FOLLOW_UP|TAKE_HOME_TEST"
        "|LINKEDIN_NOTE|LINKEDIN_INMAIL|AVAILABILITY_REQUEST|MIGRATION_ERROR|TOUCHPOINT|FORM|FEEDBACK"
        " visibility=admin_only_visible|privately_visible|publicly_visible",
        "candidate_id:candidates application_id:applications user_id:users",
    ),
    "offers": Resource(
        "application_ids job_ids candidate_ids opening_ids current_only:bool"
        " status=Created|Accepted|Rejected|Deprecated resolved_at:moment sent_on:date starts_on:date",
        "application_id:applications job_id:jobs candidate_id:candidates opening_id:openings",
    ),
    "openings": Resource(
        "job_ids application_ids close_reason_ids opened_at:moment closed_at:moment open:bool opening_id",
        "job_id:jobs application_id:applications close_reason_id:close_reasons",
    ),
    "pay_input_ranges": Resource("pay_input_ids job_post_ids", "pay_input_id:pay_inputs job_post_id:job_posts"),
    "pay_inputs": Resource("linked_custom_field_ids", "linked_custom_field_id:custom_fields"),
    "prospect_details": Resource(
        "application_ids pool_ids pool_stage_ids prospect_owner_ids department_ids office_ids",
        "application_id:applications pool_id:prospect_pools pool_stage_id:prospect_pool_stages prospect_owner_id:users"
        " department_id:departments office_id:offices",
    ),
    "prospect_pool_stages": Resource("prospect_pool_ids", "prospect_pool_id:prospect_pools"),
    "prospect_pools": Resource("", "department_ids*:departments office_ids*:offices job_ids*:jobs"),
    "referrers": Resource("user_ids", "user_id:users"),
    "rejection_details": Resource(
        "application_ids rejection_reason_ids custom_field_option_id:option",
        "application_id:applications rejected_by_id:users rejection_note_id:notes"
        " rejection_reason_id:rejection_reasons",
    ),
    "rejection_reasons": Resource("include_defaults:bool"),
    "scorecard_candidate_attributes": Resource(
        "scorecard_ids job_candidate_attribute_ids",
        "scorecard_id:scorecards job_candidate_attribute_id:job_candidate_attributes",
    ),
    "scorecard_question_answer_options": Resource(
        "scorecard_question_answer_ids scorecard_question_option_ids",
        "scorecard_question_option_id:scorecard_question_options"
        " scorecard_question_answer_id:scorecard_question_answers",
    ),
    "scorecard_question_answers": Resource(
        "scorecard_ids scorecard_question_ids",
        "scorecard_id:scorecards scorecard_question_id:scorecard_questions",
    ),
    "scorecard_question_candidate_attributes": Resource(
        "scorecard_question_ids focus_candidate_attribute_ids",
        "scorecard_question_id:scorecard_questions focus_candidate_attribute_id:focus_candidate_attributes",
    ),
    "scorecard_question_options": Resource("scorecard_question_ids", "scorecard_question_id:scorecard_questions"),
    "scorecard_questions": Resource("interview_kit_ids active:bool", "interview_kit_id:interview_kits"),
    "scorecards": Resource(
        "application_ids interviewer_ids submitter_ids interview_kit_ids interviewed_at:moment submitted_at:moment"
        " status=draft|complete",
        "interview_kit_id:interview_kits interviewer_id:users submitter_id:users application_id:applications",
    ),
    "sources": Resource(),
    "tracking_links": Resource(
        "job_ids source_ids referrer_ids job_board_ids job_post_ids related_post_ids token",
        "job_id:jobs source_id:sources related_post_id:job_posts referrer_id:referrers job_board_id:job_boards"
        " job_post_id:job_posts",
    ),
    "user_emails": Resource("user_ids email", "user_id:users"),
    "user_job_permissions": Resource("user_ids job_ids role_ids", "job_id:jobs user_id:users role_id:user_roles"),
    "user_roles": Resource(),
    "users": Resource(
        "agency_ids office_ids department_ids linked_candidate_ids interviewer_tag_ids employee_ids"
        " custom_field_option_id:option deactivated:bool primary_email external_office_id external_department_id"
        " show_service_accounts:bool",
        "linked_candidate_ids*:candidates office_ids*:offices department_ids*:departments",
    ),
    "webhooks": Resource(is_partner_only=True),
}
