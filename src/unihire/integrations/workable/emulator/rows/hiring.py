"""What happens to a candidate: activities, events, offers, files."""

from functools import lru_cache

from unihire.integration.emulate import PartRows, Row
from unihire.integrations.workable.emulator.rows.ids import make_id, make_shortcode
from unihire.integrations.workable.emulator.rows.values import to_milli, to_second
from unihire.integrations.workable.emulator.rows.world import ACTIVITIES, CandidateFacts, World

DAY = 86400
SCALES = (("thumbs", 3), ("stars", 5), ("numbers", 10))
"""Scales of ratings, and how many grades each has, from 0."""
EVERYBODY = ["simple", "hiring_manager", "admin", "reviewer", "recruiting_admin", "recruiter"]
OFFER_STATES = ("draft", "pending", "approved", "sent", "rejected")
"""Of offers to candidates who are not hired."""


def find_score(scale: str, grade: int) -> str:
    """The word that goes with a grade: thirds of the scale."""
    count = dict(SCALES)[scale]
    return ("negative", "positive", "definite")[min(grade * 3 // count, 2)]


class Hiring:
    """The parts of the streams of what happens to candidates."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._activities = lru_cache(maxsize=1024)(self._list_activities)
        self._jobs = world.company.jobs.count

    def list_parts(self) -> dict[str, list[PartRows]]:
        part, company = self._world.make_part, self._world.company
        opened = PartRows(company.jobs.count, 1, self._make_opened, timeline=company.jobs)
        return {
            "activities": [opened, part(ACTIVITIES, self._make_activity, "activities")],
            "events": [part(2, self._make_event, "events")],
            "offers": [part(1, self._make_offer, "offers")],
            "files": [part(2, self._make_file, "files")],
            "subscriptions": [],
        }

    def _pick_member(self, draw: int) -> str:
        return make_id("members", 1 + draw % self._world.company.employees.count)

    # Activities

    def _make_opened(self, job: int, _place: int) -> Row:
        moment = to_milli(self._world.company.jobs.created_at(job) * 1000)
        return {
            "id": make_id("activities", 1 + job), "action": "opened", "stage_name": None, "created_at": moment,
            "updated_at": moment, "body": None, "member_id": self._pick_member(job), "candidate_id": None,
            "job_shortcode": make_shortcode(1 + job), "_job": 1 + job, "_candidate": None,
        }  # fmt: skip

    def _make_activity(self, index: int, place: int) -> Row:
        number = 1 + self._jobs + index * ACTIVITIES + place
        return {"id": make_id("activities", number), **self._activities(index)[place]}

    def _list_activities(self, index: int) -> list[Row]:
        """In the order they happened."""
        facts, steps = self._world.candidate(index), self._world.history(index)
        found: list[Row] = []
        stage = steps[0]
        for place, step in enumerate(steps):
            entered, was = self._world.find_step_stage(facts, step), self._world.find_step_stage(facts, stage)
            if step.outcome in ("rejected", "withdrawn"):
                row = {"action": "disqualified", "action_stage": was.number, "member_id": None}
            elif place == 0:
                row = {"action": "applied" if facts.bits & 3 else "sourced", "action_stage": entered.number}
            else:
                row = {"action": entered.slug, "action_stage": was.number, "target_stage": entered.number}
                stage = step
            if place and facts.bits >> place & 3:
                row["member_id"] = self._pick_member(facts.bits >> 4)
            found.append(self._fill(facts, step.entered_at, row))
        found += self._list_others(facts)
        found.sort(key=lambda row: str(row["created_at"]))
        return found

    def _list_others(self, facts: CandidateFacts) -> list[Row]:
        span, bits, member = facts.updated - facts.created, facts.bits, self._pick_member(facts.bits >> 4)
        rows: list[tuple[int, Row]] = []
        for place in range(facts.comments):
            body = f"A made-up note {facts.index}-{place}."
            roles = EVERYBODY if bits >> 7 & 1 else ["admin", "recruiter"]
            rows.append((2, {"action": "comment", "body": body, "member_id": member, "visibility_roles": roles}))
        for place in range(facts.ratings):
            scale, count = SCALES[(bits >> place) % 3]
            grade = (bits >> 3 + place) % count
            rating = {"score": find_score(scale, grade), "scale": scale, "grade": grade}
            who = self._pick_member((bits >> 4) + place)
            rows.append((5 + place, {"action": "rating", "body": "As expected.", "member_id": who, "rating": rating}))
        for _ in range(min(facts.events, 1)):
            rows.append((4, {"action": "event", "body": "Interview planned", "member_id": member}))
        for _ in range(facts.messages):
            rows.append((3, {"action": "message", "body": "<p>Thank you for applying.</p>", "member_id": member}))
        return [
            self._fill(facts, moment, {"action_stage": self._find_stage_at(facts, moment), **row}, share)
            for share, row in rows
            for moment in [facts.created + span * share // 8]
        ]

    def _find_stage_at(self, facts: CandidateFacts, moment: int) -> int:
        """Where the candidate stood then."""
        steps = [step for step in self._world.history(facts.index) if step.outcome not in ("rejected", "withdrawn")]
        reached = [step for step in steps if step.entered_at <= moment]
        return self._world.find_step_stage(facts, (reached or steps)[-1 if reached else 0]).number

    def _fill(self, facts: CandidateFacts, moment: int, row: Row, millis: int = 0) -> Row:
        at = to_milli(moment * 1000 + millis)
        return {
            "action": None, "action_stage": None, "target_stage": None, "created_at": at, "updated_at": at,
            "body": None, "member_id": None, "candidate_id": make_id("candidates", 1 + facts.index),
            "job_shortcode": make_shortcode(1 + facts.job), **row, "_candidate": 1 + facts.index,
            "_job": 1 + facts.job,
        }  # fmt: skip

    # Events, offers, files

    def _make_event(self, index: int, place: int) -> Row:
        facts = self._world.candidate(index)
        created = facts.created + (facts.updated - facts.created) * (place + 1) // 4
        start = (created + 2 * DAY) // 3600 * 3600
        kind, title = (("CallEvent", "Call"), ("InterviewEvent", "Interview"))[place]
        row: Row = {
            "id": make_id("events", 1 + index * 2 + place),
            "title": f"{title} for {self._world.company.job(facts.job).title}",
            "description": "" if facts.bits & 1 else None,
            "type": kind,
            "starts_at": to_milli(start * 1000),
            "ends_at": to_milli((start + 2700) * 1000),
            "cancelled": facts.outcome == "withdrawn" and place == facts.events - 1,
            "members": [
                {"id": self._pick_member((facts.bits >> 4) + one), "status": "needs-action" if one else "accepted"}
                for one in range(1 + (facts.bits >> 9 & 1))
            ],
            "candidate_id": make_id("candidates", 1 + index),
            "job_shortcode": make_shortcode(1 + facts.job),
            "_candidate": 1 + index,
            "_job": 1 + facts.job,
        }
        if facts.bits >> 12 & 1:
            row["conference"] = {"type": "video", "id": index, "url": f"https://meet.example.com/{index}-{place}"}
        return row

    def _make_offer(self, index: int, _place: int) -> Row:
        facts = self._world.candidate(index)
        created = facts.created + (facts.updated - facts.created) * 3 // 4
        state = "accepted" if facts.outcome == "hired" else OFFER_STATES[(facts.bits >> 16) % len(OFFER_STATES)]
        amount = 40_000 + facts.bits % 40 * 1000
        return {
            "id": make_id("offers", 1 + index),
            "candidate_id": make_id("candidates", 1 + index),
            "created_at": to_second(created),
            "state": state,
            "document_variables": [
                {
                    "document_variable": {"name": "Salary", "slug": "salary"},
                    "value": {
                        "data": {
                            "amount": amount, "frequency": "year", "currency_iso": "EUR",
                            "cached_value": f"EUR {amount:,} / year",
                        }
                    },
                },
                {
                    "document_variable": {"name": "Start date", "slug": "start_date"},
                    "value": {"body": to_second(facts.updated + 60 * DAY)[:10]},
                },
            ],
            "document_names": [f"offer-{index}.pdf"],
            "_candidate": 1 + index,
        }  # fmt: skip

    def _make_file(self, index: int, place: int) -> Row:
        """The resume first, where there is one."""
        facts = self._world.candidate(index)
        is_resume = place == 0 and facts.bits >> 8 & 7 != 0
        name = f"resume-{facts.person}.pdf" if is_resume else f"portfolio-{index}.pdf"
        return {
            "id": make_id("files", 1 + index * 2 + place),
            "name": name,
            "kind": "resume" if is_resume else "other",
            "source": "candidate",
            "candidate_id": make_id("candidates", 1 + index),
            "_candidate": 1 + index,
        }
