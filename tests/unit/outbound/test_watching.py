import pytest

from unihire.outbound.telemetry import to_template


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/v3/candidates", "/v3/candidates"),
        ("/v3/candidates/4711", "/v3/candidates/{id}"),
        ("/v2/people/6f1c0a52-9d1f-4f7e-9f0a-1d2b3c4d5e6f/stages", "/v2/people/{id}/stages"),
        ("/v2", "/v2"),
        ("/v2x7/x", "/{id}/x"),
        ("", ""),
    ],
)
def test_ids_are_left_out_of_a_path_and_versions_are_not(path: str, template: str) -> None:
    assert to_template(path) == template
