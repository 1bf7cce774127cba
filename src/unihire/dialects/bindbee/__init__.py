"""The unified ATS API under /api/ats/v1, wire-compatible with Bindbee's."""
