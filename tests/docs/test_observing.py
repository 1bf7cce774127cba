"""docs/observing.md tells every metric, and the alerts ask for metrics there are."""

import re
from pathlib import Path

from prometheus_client.metrics import MetricWrapperBase

from unihire.dialects.unihire.metrics import GAUGES, UP
from unihire.kit import metrics

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "observing.md").read_text()
ALERTS = (DOCS / "alerts.yml").read_text()


def list_lines() -> list[str]:
    """The lines of the table, as they must be."""
    told = []
    for measure in vars(metrics).values():
        if isinstance(measure, MetricWrapperBase):
            (family,) = measure.describe()
            name = f"{family.name}_total" if family.type == "counter" else family.name
            told.append((name, family.type, measure._labelnames, family.documentation))
        elif isinstance(measure, metrics.RequestSeconds):
            told.append((measure.name, "histogram", measure.labels, measure.help))
    told += [(gauge.name, "gauge", gauge.labels, gauge.help) for gauge in (*GAUGES.values(), UP)]
    return [
        f"| `{name}` | {kind} | {', '.join(f'`{label}`' for label in labels)} | {help} |"
        for name, kind, labels, help in told
    ]


def test_every_metric_is_in_the_table_as_it_is_told_and_no_other() -> None:
    assert re.findall(r"^\| `unihire_.*$", PAGE, re.MULTILINE) == list_lines()


def test_alerts_ask_for_metrics_there_are() -> None:
    known = {line.split("`")[1] for line in list_lines()}
    asked = {re.sub(r"_(bucket|count|sum)$", "", name) for name in re.findall(r"\bunihire_[a-z_]+", ALERTS)}
    assert asked
    assert asked <= known


def test_names_end_as_prometheus_has_it() -> None:
    for line in list_lines():
        name, kind = line.split("`")[1], line.split("|")[2].strip()
        assert name.endswith("_total") == (kind == "counter"), name
        assert kind != "histogram" or name.endswith("_seconds"), name
