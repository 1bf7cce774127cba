"""The native face: Bindbee's sixteen lists and records by id, each answer as it is stored."""

from unihire.dialects.common.faces import Face
from unihire.model import NATIVE_MODELS

NATIVE = Face(
    path="/api/ats/v1",
    models=tuple(NATIVE_MODELS.values()),
    schemas="Ats",
    page_sizes={"job": 100},  # documented to be smaller
)
