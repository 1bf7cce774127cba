"""Rows that belong to a job: the job, its team, pipeline, interview plan, posts and approvals."""

from collections.abc import Mapping, Sequence

from unihire.integration.emulate import PartRows, Row
from unihire.integrations.greenhouse.emulator.rows.catalog import ATTRIBUTE_TYPES, ATTRIBUTES
from unihire.integrations.greenhouse.emulator.rows.offers import describe_approval
from unihire.integrations.greenhouse.emulator.rows.profiles import (
    FOCUSES,
    INTERVIEW_PLACES,
    QUESTIONS,
    STAGE_PLACES,
    TAKE_HOME,
    find_interview_stage,
)
from unihire.integrations.greenhouse.emulator.rows.times import to_moment
from unihire.integrations.greenhouse.emulator.rows.world import JobWorld, World

_QUESTION_TEXTS = ("What went well?", "Would you work with them?", "Which level fits?", "What fits them?")
_OPTION_NAMES = ("Junior", "Experienced", "Senior")
_OWNER_TYPES = ("recruiter", "coordinator")
ATTRIBUTE_PLACES = 8


def count_flows(job: JobWorld) -> int:
    return 1 + (job.bits >> 7 & 1)


class JobRows:
    """Makes the rows; a place counts a job's rows of a stream from 0."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._ids = world.ids
        self._begin = world.begin_for_job

    def list_parts(self) -> Mapping[str, Sequence[PartRows]]:
        make = self._world.make_job_part

        def count_interviews(job: JobWorld) -> int:
            return job.last + 1

        return {
            "jobs": [make(1, self._shape_job)],
            "job_owners": [make(2, self._shape_owner, lambda job: (0, 1, 1, 2)[len(job.team)])],
            "job_hiring_managers": [make(1, self._shape_manager, lambda job: int(len(job.team) > 1))],
            "user_job_permissions": [make(3, self._shape_permission, lambda job: len(job.team))],
            "job_interview_stages": [make(STAGE_PLACES, self._shape_stage, lambda job: job.last + 2)],
            "job_interviews": [make(INTERVIEW_PLACES, self._shape_interview, count_interviews)],
            "interview_kits": [make(INTERVIEW_PLACES, self._shape_kit, count_interviews)],
            "default_interviewers": [make(INTERVIEW_PLACES, self._shape_default_interviewer, count_interviews)],
            "scorecard_questions": [
                make(INTERVIEW_PLACES * QUESTIONS, self._shape_question, lambda job: count_interviews(job) * QUESTIONS)
            ],
            "scorecard_question_options": [
                make(INTERVIEW_PLACES * QUESTIONS, self._shape_option, lambda job: count_interviews(job) * QUESTIONS)
            ],
            "scorecard_question_candidate_attributes": [
                make(INTERVIEW_PLACES, self._shape_question_attribute, count_interviews)
            ],
            "candidate_attribute_types": [make(len(ATTRIBUTES), self._shape_attribute_type)],
            "job_candidate_attributes": [make(ATTRIBUTE_PLACES, self._shape_attribute)],
            "focus_candidate_attributes": [
                make(INTERVIEW_PLACES * FOCUSES, self._shape_focus, lambda job: count_interviews(job) * FOCUSES)
            ],
            "job_notes": [make(1, self._shape_note, lambda job: int(job.bits >> 8 & 3 == 1))],
            "approval_flows": [make(2, self._shape_flow, count_flows)],
            "approver_groups": [make(2, self._shape_group, count_flows)],
            "approvers": [make(4, self._shape_approver, lambda job: 2 * count_flows(job))],
        }

    def _shape_job(self, job: JobWorld, _place: int) -> Row:
        ids = self._ids
        row = self._begin(job, ids["jobs"](job.index))
        offices = [ids["offices"](job.bits >> 5 & 15), ids["offices"](job.bits >> 9 & 15)][: 1 + (job.bits >> 3 & 1)]
        return {
            **row,
            "name": job.title,
            "requisition_id": f"R-{job.index}" if job.bits & 48 else None,
            "notes": "<p>Wanted by the team lead.</p>" if job.bits & 64 else None,
            "confidential": job.bits >> 7 & 15 == 1,
            "status": job.status,
            "opened_at": None if job.status == "draft" else row["created_at"],
            "closed_at": row["updated_at"] if job.status == "closed" else None,
            "is_template": job.index < 6,
            "copied_from_id": ids["jobs"](job.index % 6) if job.index > 5 and job.bits & 3 == 3 else None,
            "department_id": None if job.department is None else ids["departments"](self.pick_department(job)),
            "office_ids": sorted(set(offices)) if job.bits & 7 != 5 else [],
            "custom_fields": self._world.values["job"][job.bits >> 10 & 63],
        }

    def pick_department(self, job: JobWorld) -> int:
        """A top department, or one below it: every second one has one below."""
        department, tops = job.department or 0, len(self._world.company.departments)
        return tops + department // 2 if department % 2 == 0 and job.bits & 8 else department

    def _shape_owner(self, job: JobWorld, place: int) -> Row:
        return {
            **self._begin(job, self._ids["job_owners"](job.index, place), updated=job.created),
            "job_id": self._ids["jobs"](job.index),
            "user_id": self._ids["users"](job.team[place * 2]),
            "type": "sourcer" if place and job.bits & 16 else _OWNER_TYPES[place],
            "responsible": True,
        }

    def _shape_manager(self, job: JobWorld, place: int) -> Row:
        return {
            **self._begin(job, self._ids["job_hiring_managers"](job.index, place), updated=job.created),
            "user_id": self._ids["users"](job.team[1]),
            "job_id": self._ids["jobs"](job.index),
        }

    def _shape_permission(self, job: JobWorld, place: int) -> Row:
        return {
            **self._begin(job, self._ids["user_job_permissions"](job.index, place), updated=job.created),
            "job_id": self._ids["jobs"](job.index),
            "user_id": self._ids["users"](job.team[place]),
            "role_id": self._ids["user_roles"](1 + (job.bits >> place & 1)),
            "automated": bool(job.bits >> place & 4),
        }

    # The pipeline and the interview plan

    def _shape_stage(self, job: JobWorld, place: int) -> Row:
        return {
            **self._begin(job, self._ids["job_interview_stages"](job.index, place), updated=job.created),
            "job_id": self._ids["jobs"](job.index),
            "sort_order": place,
            "name": self._world.name_stage(job, place),
            "active": True,
        }

    def _shape_interview(self, job: JobWorld, slot: int) -> Row:
        stage = find_interview_stage(slot, job.last)
        name = self._world.name_stage(job, stage)
        return {
            **self._begin(job, self._ids["job_interviews"](job.index, slot), updated=job.created),
            "job_interview_stage_id": self._ids["job_interview_stages"](job.index, stage),
            "job_id": self._ids["jobs"](job.index),
            "sort_order": int(slot == job.last),
            "scheduling_type": ("needs_scheduling", "needs_scheduling", "take_home_test", "none")[min(slot, 3)],
            "duration": None if slot == TAKE_HOME else (30, 45, 60)[slot % 3],
            "summary": f"{name}: what to find out." if slot % 2 else None,
            "instructions": None,
            "name": name if slot < job.last else f"{name}, second part",
            "active": True,
            "require_scorecard": slot != TAKE_HOME,
        }

    def _shape_kit(self, job: JobWorld, slot: int) -> Row:
        return {
            **self._begin(job, self._ids["interview_kits"](job.index, slot), updated=job.created),
            "job_id": self._ids["jobs"](job.index),
            "job_interview_id": self._ids["job_interviews"](job.index, slot),
            "exercises": "<p>Let them explain a project.</p>" if slot % 2 else None,
            "anonymize_candidate": False,
            "anonymize_resumes": slot == TAKE_HOME,
        }

    def _shape_default_interviewer(self, job: JobWorld, slot: int) -> Row:
        return {
            **self._begin(job, self._ids["default_interviewers"](job.index, slot), updated=job.created),
            "user_id": self._world.pick_user((job.bits >> 3) + 5 * slot),
            "interview_kit_id": self._ids["interview_kits"](job.index, slot),
        }

    def _shape_question(self, job: JobWorld, place: int) -> Row:
        slot, question = divmod(place, QUESTIONS)
        kind = ("text", "yes_no", "single_select" if slot % 2 == 0 else "multi_select")[question]
        return {
            **self._begin(job, self._ids["scorecard_questions"](job.index, place), updated=job.created),
            "interview_kit_id": self._ids["interview_kits"](job.index, slot),
            "question": _QUESTION_TEXTS[question + (kind == "multi_select")],
            "sort_order": question,
            "active": True,
            "answer_type": kind,
            "required": question == 0,
        }

    def _shape_option(self, job: JobWorld, place: int) -> Row:
        slot, option = divmod(place, QUESTIONS)
        return {
            **self._begin(job, self._ids["scorecard_question_options"](job.index, place), updated=job.created),
            "scorecard_question_id": self._ids["scorecard_questions"](job.index, slot * QUESTIONS + 2),
            "name": _OPTION_NAMES[option],
            "sort_order": option,
            "active": True,
        }

    def _shape_question_attribute(self, job: JobWorld, slot: int) -> Row:
        number = self._ids["scorecard_question_candidate_attributes"](job.index, slot)
        return {
            **self._begin(job, number, updated=job.created),
            "scorecard_question_id": self._ids["scorecard_questions"](job.index, slot * QUESTIONS),
            "focus_candidate_attribute_id": self._ids["focus_candidate_attributes"](job.index, slot * FOCUSES),
        }

    def _shape_attribute_type(self, job: JobWorld, place: int) -> Row:
        return {
            **self._begin(job, self._ids["candidate_attribute_types"](job.index, place), updated=job.created),
            "name": ATTRIBUTE_TYPES[place],
            "job_id": self._ids["jobs"](job.index),
            "sort_order": place,
            "active": True,
            "is_draft": False,
        }

    def _shape_attribute(self, job: JobWorld, place: int) -> Row:
        type_, order = divmod(place, 2)
        return {
            **self._begin(job, self._ids["job_candidate_attributes"](job.index, place), updated=job.created),
            "job_id": self._ids["jobs"](job.index),
            "candidate_attribute_type_id": self._ids["candidate_attribute_types"](job.index, type_),
            "active": True,
            "sort_order": order,
            "name": ATTRIBUTES[type_][order],
        }

    def _shape_focus(self, job: JobWorld, place: int) -> Row:
        slot, focus = divmod(place, FOCUSES)
        attribute = (slot * FOCUSES + focus) % ATTRIBUTE_PLACES
        return {
            **self._begin(job, self._ids["focus_candidate_attributes"](job.index, place), updated=job.created),
            "interview_kit_id": self._ids["interview_kits"](job.index, slot),
            "job_candidate_attribute_id": self._ids["job_candidate_attributes"](job.index, attribute),
        }

    def _shape_note(self, job: JobWorld, place: int) -> Row:
        return {
            **self._begin(job, self._ids["job_notes"](job.index, place)),
            "job_id": self._ids["jobs"](job.index),
            "user_id": self._world.pick_user(job.bits >> 3),
            "body": "Budget is agreed.",
            "visibility": ("admin_only_visible", "privately_visible", None)[job.bits % 3],
        }

    # Approvals

    def _find_approval(self, job: JobWorld, place: int) -> str:
        if job.status == "draft":
            return "pending"
        return "approved" if place == 0 else ("approved", "rejected", "pending", "approved")[job.bits & 3]

    def _shape_flow(self, job: JobWorld, place: int) -> Row:
        return {
            **self._begin(job, self._ids["approval_flows"](job.index, place), updated=job.created),
            "job_id": self._ids["jobs"](job.index),
            "offer_id": None,
            "approval_type": ("open_job", "offer_job")[place],
            "sequential": True,
            "version": 1,
            "requested_by_id": self._world.pick_user(job.bits >> 5) if job.status != "draft" else None,
            "approval_status": self._find_approval(job, place),
        }

    def _shape_group(self, job: JobWorld, place: int) -> Row:
        row = self._begin(job, self._ids["approver_groups"](job.index, place), updated=job.created)
        return {
            **row,
            "approval_flow_id": self._ids["approval_flows"](job.index, place),
            "approvals_required": 1,
            "sort_order": 0,
            "required_for_exception": False,
            "resolved_at": to_moment(job.created, job.millis) if self._find_approval(job, place) != "pending" else None,
        }

    def _shape_approver(self, job: JobWorld, place: int) -> Row:
        flow, member = divmod(place, 2)
        row = self._begin(job, self._ids["approvers"](job.index, place), updated=job.created)
        user = self._world.pick_user((job.bits >> 6) + member)
        status = self._find_approval(job, flow)
        return {
            **row,
            **describe_approval(row, user, member, status),
            "approver_group_id": self._ids["approver_groups"](job.index, flow),
        }
