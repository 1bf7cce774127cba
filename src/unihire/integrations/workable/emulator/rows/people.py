"""Candidates and members."""

from functools import lru_cache

from unihire.integration.emulate import PartRows, PersonFacts, Row
from unihire.integrations.workable.emulator.rows.catalog import (
    QUESTIONS,
    REJECTING,
    WITHDRAWING,
    count_questions,
    make_choices,
)
from unihire.integrations.workable.emulator.rows.ids import make_id, make_shortcode
from unihire.integrations.workable.emulator.rows.values import hash_text, to_milli, to_second
from unihire.integrations.workable.emulator.rows.world import CandidateFacts, World

COUNTRIES = {
    "Berlin": "Germany", "München": "Germany", "Hamburg": "Germany", "Köln": "Germany", "Wien": "Austria",
    "Zürich": "Switzerland", "Madrid": "Spain", "Barcelona": "Spain", "Lisboa": "Portugal", "Dublin": "Ireland",
    "London": "United Kingdom", "Amsterdam": "Netherlands", "Paris": "France", "Kraków": "Poland", "Malmö": "Sweden",
}  # fmt: skip
CODES = {
    "Germany": "DE", "Austria": "AT", "Switzerland": "CH", "Spain": "ES", "Portugal": "PT", "Ireland": "IE",
    "United Kingdom": "GB", "Netherlands": "NL", "France": "FR", "Poland": "PL", "Sweden": "SE",
}  # fmt: skip
SOURCES = {
    "Career page": ("workable.com", "Company marketing"), "LinkedIn": ("linkedin.com", "Job boards"),
    "Indeed": ("indeed.com", "Job boards"), "StepStone": ("stepstone.example.com", "Job boards"),
    "Referral": ("referral", "Referrals"), "Agency": ("agency.example.com", "Other"),
    "University fair": ("fair.example.com", "Other"),
}  # fmt: skip
"""Channel of the made-up company → domain and category of the source."""
TAGS = ("remote", "senior", "alumni", "relocation")
SKILLS = ("Python", "Negotiation", "Excel", "Welding", "Copywriting")
EXPERIENCE = (("Engineer", "Example Ltd"), ("Buyer", "Sample GmbH"), ("Nurse", "Placeholder AG"))
ROLES = (("admin", ["ats.admin", "hris.admin"]), ("simple", ["ats.simple"]), ("reviewer", ["ats.reviewer"]))
NOWHERE: Row = dict.fromkeys(("location_str", "country", "country_code", "region", "region_code", "city", "zip_code"))


def locate(city: str | None) -> Row:
    if city is None:
        return dict(NOWHERE)
    country = COUNTRIES.get(city)
    text = city if country is None else f"{city}, {country}"
    code = None if country is None else CODES[country]
    return {**NOWHERE, "location_str": text, "country": country, "country_code": code, "city": city}


def empty_candidate(now: str) -> Row:
    """What a candidate has of whom nothing is known."""
    return {
        "name": "", "firstname": "", "lastname": "", "headline": None, "image_url": None, "job_shortcode": None,
        "stage_slug": None, "disqualified": False, "disqualified_at": None, "withdrew": False, "anonymized": False,
        "disqualification_reason": None, "hired_at": None, "moved_to_offer_at": None, "sourced": True,
        "address": None, "phone": None, "email": None, "domain": None, "outlet": None, "common_source": "Unknown",
        "common_source_category": "Other", "uploader_id": None, "created_at": now, "updated_at": now,
        "cover_letter": None, "summary": None, "education_entries": [], "experience_entries": [], "skills": [],
        "answers": [], "tags": [], "location": dict(NOWHERE), "originating_candidate_id": None,
        "resume_metadata": None, "custom_attributes": {},
    }  # fmt: skip


class People:
    """The parts of the streams of people."""

    def __init__(self, world: World) -> None:
        self._world = world

    def list_parts(self) -> dict[str, list[PartRows]]:
        company = self._world.company
        return {
            "candidates": [
                PartRows(company.applications.count, 1, self._make_candidate, timeline=company.applications)
            ],
            "members": [
                PartRows(company.employees.count, 1, lru_cache(1024)(self._make_member), timeline=company.employees)
            ],
        }

    def _make_candidate(self, index: int, _place: int) -> Row:
        facts = self._world.candidate(index)
        person = self._world.company.candidate(facts.person)
        job = self._world.company.job(facts.job)
        row = empty_candidate(to_second(facts.created))
        row |= {
            "id": make_id("candidates", 1 + index),
            "updated_at": to_second(facts.updated),
            "job_shortcode": make_shortcode(1 + facts.job),
            "stage_slug": self._world.find_stage(facts).slug,
            "sourced": facts.bits & 3 == 0,
            "anonymized": person.is_anonymized,
            "_job": 1 + facts.job,
            **self._find_end(facts),
        }
        if facts.channel is not None:
            domain, category = SOURCES.get(self._world.company.channels[facts.channel], ("example.com", "Other"))
            row |= {"domain": domain, "common_source": domain, "common_source_category": category}
        if facts.bits & 3 == 0:
            row["uploader_id"] = make_id("members", 1 + (facts.bits >> 4) % self._world.company.employees.count)
        if facts.outcome == "hired":
            row["headline"] = job.title
        return row if person.is_anonymized else row | self._describe(facts, person)

    def _find_end(self, facts: CandidateFacts) -> Row:
        found: Row = {}
        for step in self._world.history(facts.index):
            if step.outcome == "offer":
                found["moved_to_offer_at"] = to_second(step.entered_at)
            elif step.outcome == "hired":
                found["hired_at"] = to_second(step.entered_at)
            elif step.outcome is not None:
                reasons = REJECTING if step.outcome == "rejected" else WITHDRAWING
                found["disqualified"], found["withdrew"] = True, step.outcome == "withdrawn"
                found["disqualified_at"] = to_milli(step.entered_at * 1000 + 476)
                if facts.bits >> 13 & 7:
                    found["disqualification_reason"] = reasons[facts.bits % len(reasons)]
        return found

    def _describe(self, facts: CandidateFacts, person: PersonFacts) -> Row:
        """All that anonymizing takes away."""
        bits, index = person.bits, facts.index
        found: Row = {
            "name": f"{person.first_name} {person.last_name}",
            "firstname": person.first_name,
            "lastname": person.last_name,
            "email": person.email,
            "_email": hash_text(person.email),
            "phone": person.phone,
            "location": locate(person.city),
            "address": person.city,
            "tags": [tag for place, tag in enumerate(TAGS) if not bits >> place * 3 & 7],
            "skills": [{"name": SKILLS[bits % len(SKILLS)]}] if bits >> 14 & 1 else [],
            "cover_letter": "I would like to work with you." if bits >> 15 & 7 == 0 else None,
            "summary": "A made-up summary." if bits >> 18 & 3 == 0 else None,
            "answers": self._list_answers(facts),
        }
        if person.linkedin is not None:
            found["social_profiles"] = [{"type": "linkedin", "name": "LinkedIn", "url": person.linkedin}]
        if bits >> 23 & 3:
            title, company = EXPERIENCE[bits % len(EXPERIENCE)]
            found["headline"] = f"{title} at {company}"
            found["experience_entries"] = [
                {
                    "id": f"{index:x}a", "title": title, "company": company, "industry": None, "summary": None,
                    "current": bool(bits >> 25 & 1), "start_date": "2019-03-01",
                    "end_date": None if bits >> 25 & 1 else "2022-02-28",
                }
            ]  # fmt: skip
        if bits >> 26 & 1:
            found["education_entries"] = [
                {
                    "id": f"{index:x}b", "school": "Example University", "degree": "Bachelor's Degree",
                    "field_of_study": "Made-up Studies", "start_date": "2014-10-01", "end_date": "2018-09-30",
                }
            ]  # fmt: skip
        if facts.files and facts.bits >> 8 & 7:
            created = to_second(facts.created)
            found["resume_metadata"] = {
                "filename": f"resume-{facts.person}.pdf", "filetype": "pdf", "created_at": created,
                "updated_at": created,
            }  # fmt: skip
        return found

    def _list_answers(self, facts: CandidateFacts) -> list[Row]:
        answers: list[Row] = []
        for place in range(count_questions(facts.job)):
            question, number = QUESTIONS[place], 1 + facts.job * len(QUESTIONS) + place
            if not question["required"] and facts.bits >> place & 1:
                continue
            kind = question["type"]
            answer: Row = {"body": "A made-up answer."}
            if kind == "date":
                answer = {"date": f"2026-{1 + facts.bits % 12:02d}-01"}
            elif kind == "boolean":
                answer = {"checked": facts.bits & 8 == 0}
            elif kind == "numeric":
                answer = {"number": facts.bits % 20}
            elif "choices" in question:
                choices = make_choices(number, question["choices"])
                answer = {"choices": choices[: 1 if question["single_answer"] else 1 + facts.bits % 2]}
            answers.append(
                {"question": {"id": make_id("questions", number), "body": question["body"]}, "answer": answer}
            )
        return answers

    def _make_member(self, index: int, _place: int) -> Row:
        person = self._world.company.employee(index)
        role, roles = ROLES[0 if index < 2 else 1 if person.bits & 3 else 2]
        return {
            "id": make_id("members", 1 + index),
            "name": f"{person.first_name} {person.last_name}",
            "headline": "Recruiter" if index < 2 else None,
            "email": person.email,
            "role": role,
            "type": "Member",
            "hris_role": "hris_admin" if index == 0 else "hris_no_access",
            "roles": [*roles, "workable.superadmin"] if index == 0 else roles,
            "active": index < 2 or index % 9 != 4,
            "collaboration_rules": [],
            "hris_member_scope": None,
        }
