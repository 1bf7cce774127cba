"""Contacts, their opportunities and applications."""

from typing import Any

from unihire.integration.emulate import PartRows, PersonFacts, Row
from unihire.integrations.lever.emulator.rows.catalog import HIRED, REJECTED, WITHDRAWN
from unihire.integrations.lever.emulator.rows.forms import QUESTION_SETS, fill_fields
from unihire.integrations.lever.emulator.rows.ids import make_id
from unihire.integrations.lever.emulator.rows.values import to_millis
from unihire.integrations.lever.emulator.rows.world import YEAR, Progress, World

PHONE_TYPES = ("mobile", "home", "work", "skype", "other")
EMPLOYERS = ("Example Ltd, Sample University", "Placeholder AG", "Sample GmbH, Example Ltd", "")
ANONYMOUS = "Anonymized contact"


class People:
    """The parts of the streams of people."""

    def __init__(self, world: World) -> None:
        self._world = world

    def list_parts(self) -> dict[str, list[PartRows]]:
        world, company = self._world, self._world.company
        candidates = company.candidates
        return {
            "contacts": [PartRows(candidates.count, 1, self._make_contact, timeline=candidates)],
            "opportunities": [
                PartRows(world.count, 1, self._make_opportunity, timeline=company.applications),
                PartRows(
                    candidates.count,
                    1,
                    self._make_lead,
                    lambda index: int(world.is_lead_only(index)),
                    candidates,
                    lambda: world.totals["leads"],
                ),
            ],
            "applications": [world.make_part(1, self._make_application, "applications")],
        }

    # Contacts

    def _make_contact(self, index: int, _place: int) -> Row:
        person = self._world.company.candidate(index)
        allowed = person.bits >> 22 & 7 != 1
        return {
            "id": make_id("contacts", 1 + index),
            "name": ANONYMOUS if person.is_anonymized else f"{person.first_name} {person.last_name}",
            "headline": "" if person.is_anonymized else EMPLOYERS[person.bits >> 20 & 3],
            "isAnonymized": person.is_anonymized,
            "location": {"name": person.city or ""},
            "emails": self._list_emails(index, person),
            "phones": self._list_phones(person),
            "dataProtection": {"interviewIntelligence": {"allowed": allowed, "expiresAt": None}},
        }

    @staticmethod
    def _list_emails(index: int, person: PersonFacts) -> list[str]:
        if person.is_anonymized or person.bits & 63 == 5:
            return []
        return [person.email, f"work.{index}@staff.example.com"] if person.bits & 31 == 9 else [person.email]

    @staticmethod
    def _list_phones(person: PersonFacts) -> list[Row]:
        if person.phone is None:
            return []
        if person.bits >> 24 & 7 == 1:
            return [{"value": person.phone}]
        return [{"type": PHONE_TYPES[person.bits >> 21 & 1], "value": person.phone}]

    # Opportunities

    def _make_opportunity(self, index: int, _place: int) -> Row:
        facts = self._world.progress(index)
        job, person = self._world.job(facts.job), self._world.company.candidate(facts.candidate)
        updated = to_millis(facts.updated)
        row = self._make_base(1 + index, facts.candidate, person, facts.bits, facts.created, facts.updated)
        steps = self._world.list_steps(facts)
        row |= {
            "stage": make_id("stages", 1 + facts.stage),
            "confidentiality": "confidential" if job.is_confidential else "non-confidential",
            "archived": self.make_archived(facts),
            "tags": self._world.list_tags(facts.bits),
            "sources": self._world.list_sources(facts),
            "stageChanges": [
                {"toStageId": make_id("stages", 1 + stage), "toStageIndex": stage, "updatedAt": at}
                | ({"userId": self._world.pick_user(facts.bits >> 3)} if place and facts.bits >> place & 3 == 0 else {})
                for place, (stage, at) in enumerate(steps)
            ],
            "origin": self._world.find_origin(facts),
            "sourcedBy": self._world.pick_user(facts.bits >> 6) if facts.bits & 3 == 0 else None,
            "snoozedUntil": updated + YEAR * 1000 if facts.bits >> 19 & 31 == 3 else None,
        }
        if job.state != "draft" and facts.applications:
            row["opportunityLocation"] = ("Berlin", "Madrid", "unspecified")[job.bits % 3]
        return row

    def _make_lead(self, candidate: int, _place: int) -> Row:
        """Of somebody who applied to nothing."""
        timeline, person = self._world.company.candidates, self._world.company.candidate(candidate)
        created, updated = timeline.created_at(candidate), timeline.updated_at(candidate)
        row = self._make_base(1 + self._world.count + candidate, candidate, person, person.bits, created, updated)
        entry = {"toStageId": "lead-new", "toStageIndex": 0, "updatedAt": to_millis(updated)}
        return row | {
            "stage": "lead-new",
            "confidentiality": "non-confidential",
            "archived": None,
            "tags": [],
            "sources": ["Added manually"],
            "stageChanges": [entry],
            "origin": "sourced",
            "sourcedBy": self._world.pick_user(person.bits >> 4),
            "snoozedUntil": None,
        }

    def _make_base(
        self, number: int, candidate: int, person: PersonFacts, bits: int, created: int, updated: int
    ) -> Row:
        """What every opportunity has; one that nobody touched since it began says nothing of an update."""
        owner = self._world.pick_user(bits >> 8)
        links = [] if person.linkedin is None or person.is_anonymized else [person.linkedin]
        if bits >> 20 & 7 == 0 and links:
            links.append(f"github.com/example-{candidate:08d}")
        protection: Any = None
        if bits >> 14 & 3:
            protection = {
                "store": {"allowed": True, "expiresAt": to_millis(created + 4 * YEAR)},
                "contact": {"allowed": bits >> 16 & 7 != 5, "expiresAt": None},
            }
        return {
            "id": make_id("opportunities", number),
            "contact": make_id("contacts", 1 + candidate),
            "links": links,
            "owner": owner,
            "followers": [owner],
            "createdAt": to_millis(created),
            "updatedAt": to_millis(updated) if updated != created else None,
            "lastInteractionAt": to_millis(updated),
            "lastAdvancedAt": to_millis(updated),
            "dataProtection": protection,
        }

    def make_archived(self, facts: Progress) -> Row | None:
        if facts.outcome not in ("hired", "rejected", "withdrawn"):
            return None
        if facts.outcome == "hired":
            number = HIRED
        else:
            reasons = WITHDRAWN if self._world.is_withdrawn(facts) else REJECTED
            number = reasons[facts.bits >> 12 & len(reasons) - 1]
        return {"reason": make_id("archive_reasons", number), "archivedAt": to_millis(facts.updated)}

    # Applications

    def _make_application(self, index: int, _place: int) -> Row:
        facts = self._world.progress(index)
        person, bits = self._world.company.candidate(facts.candidate), facts.bits
        type_ = "referral" if facts.referrals else "user" if bits & 3 == 0 else "posting"
        is_known = not person.is_anonymized
        row: Row = {
            "id": make_id("applications", 1 + index),
            "type": type_,
            "opportunityId": make_id("opportunities", 1 + index),
            "posting": make_id("postings", 1 + facts.job),
            "name": f"{person.first_name} {person.last_name}" if is_known else None,
            "company": EMPLOYERS[bits >> 20 & 3].partition(",")[0] or None if is_known else None,
            "phone": {"type": None, "value": person.phone} if person.phone is not None else None,
            "email": person.email if is_known else None,
            "links": [person.linkedin] if person.linkedin is not None and is_known else [],
            "comments": f"Made-up comment {index}" if bits >> 21 & 7 == 2 else None,
            "user": self._world.pick_user(bits >> 6) if type_ != "posting" else None,
            "customQuestions": self._make_answers(facts) if type_ == "posting" and is_known else [],
            "createdAt": to_millis(facts.created),
            "requisitionForHire": None,
            "ipAddress": None,
            "referer": None,
            "userAgent": None,
            "acceptLanguage": None,
            "timezone": "Europe/Berlin" if bits & 1 else None,
        }
        if facts.outcome == "hired":
            number = 1 + facts.job
            row["requisitionForHire"] = {
                "id": make_id("requisitions", number),
                "requisitionCode": f"REQ-{number:05d}",
                "hiringManagerOnHire": None,
            }
        return row

    def _make_answers(self, facts: Progress) -> list[Row]:
        """The question sets of the posting, filled in."""
        return [
            {
                "type": "posting",
                "id": make_id("events", 1 + facts.index * 2 + place),
                "text": QUESTION_SETS[which][0],
                "instructions": "",
                "fields": fill_fields(QUESTION_SETS[which][1], facts.bits >> place),
                "baseTemplateId": make_id("question_sets", 1 + which),
                "user": None,
                "createdAt": to_millis(facts.created),
                "completedAt": to_millis(facts.created),
                "deletedAt": None,
            }
            for place, which in enumerate(list_question_sets(facts.job))
        ]


def list_question_sets(job: int) -> tuple[int, ...]:
    """Places in QUESTION_SETS."""
    return ((0,), (0, 1), (1,), ())[job % 4]
