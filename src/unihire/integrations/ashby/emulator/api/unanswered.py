"""Endpoints of the vendor's that are not answered, and why: a call of one is 404 with the reason."""

from collections.abc import Mapping

_APPROVALS = "approval chains are not made up: offers are approved with offer.approve"
_PARTNERS = "assessments are for partners that run them"
_OUTWARD = "the vendor calls this at an assessment partner"
_REPORTS = "reports are made by users of the product; none are made up"
_BODIES = "its body is not published where we could read it"
_REVIEW = "reviews by a model are not made up"

UNANSWERED: Mapping[str, str] = {
    "application.listCriteriaEvaluations": _REVIEW,
    "approval.list": _APPROVALS,
    "approvalDefinition.update": _APPROVALS,
    "assessment.addCompletedToCandidate": _PARTNERS,
    "assessment.cancel": _OUTWARD,
    "assessment.customField.list": _PARTNERS,
    "assessment.list": _OUTWARD,
    "assessment.start": _OUTWARD,
    "assessment.update": _PARTNERS,
    "applicationFeedbackRequest.create": _BODIES,
    "interviewBriefing.info": _BODIES,
    "location.updateRemoteStatus": "the vendor removed it in 2026: location.updateWorkplaceType says the same",
    "notetakerTranscript.info": "no interviews are recorded",
    "report.generate": _REPORTS,
    "report.synchronous": _REPORTS,
    "user.createInterviewerPause": _BODIES,
    "user.deleteInterviewerPause": _BODIES,
    "user.listInterviewerPauses": _BODIES,
    "user.setCustomFieldValue": _BODIES,
    "user.setCustomFieldValues": _BODIES,
    "workflow.info": _BODIES,
    "workflow.list": _BODIES,
    "workflow.start": _BODIES,
    "workflow.update": _BODIES,
}
