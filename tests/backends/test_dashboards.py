"""Every query of every dashboard and alert, asked of a real Prometheus and Tempo that a real cloud has filled."""

from __future__ import annotations

import json
import math
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from dashboards.generate import BOARDS
from dashboards.grafana import PROMETHEUS, model
from dashboards.metrics import EDGES, FAILED_EDGES
from tests.backends import programs
from tests.backends.programs import until
from tests.cloud import environment
from tests.cloud.cloud import Cloud
from tests.cloud.demo import create_image
from tests.cloud.processes import CloudError
from tests.cloud.progress import Progress

FOLDER = programs.ROOT / "dashboards"
TENANT = {"X-Scope-OrgID": "dashboards"}
SERVICE = "glance-api"
METRICS = {
    "OTEL_METRICS_EXPORTER": "otlp",
    "OTEL_METRIC_EXPORT_INTERVAL": "2000",
}
# keystone lists its versions with 300, which this client takes for a reason to try again
RETRIES = """
import sys, urllib3
retries = urllib3.Retry(2, status_forcelist=[300], raise_on_status=False)
urllib3.PoolManager().request("GET", sys.argv[1], retries=retries)
"""
LAST = '{ kind = server && resource.service.name = "swift-proxy-server" && span.http.response.status_code >= 500 }'
# What Grafana asks Prometheus for a service graph of Tempo
GRAPH = (EDGES, FAILED_EDGES, "traces_service_graph_request_server_seconds_sum")
METRIC = re.compile(
    r"""\b((?:traces|otel|otelcol|service:|up\b)[a-z0-9_:]*)(\{(?:"(?:[^"\\]|\\.)*"|[^"}])*\})?""", re.VERBOSE
)

pytestmark = [pytest.mark.cloud, pytest.mark.timeout(600)]


@dataclass(frozen=True)
class Filled:
    """Back ends that a cloud has filled.

    :param began: when, in seconds since the epoch.
    """

    prometheus: str
    tempo: str
    began: float

    def series(self, expression: str, *, instant: bool) -> list[dict[str, Any]]:
        """Run PromQL as Grafana does."""
        now = time.time()
        times = {"time": now} if instant else {"start": self.began, "end": now, "step": 1}
        path = "query" if instant else "query_range"
        query = {"query": self.filled_in(expression), **times}
        return list(self.get(f"{self.prometheus}/api/v1/{path}", query)["data"]["result"])

    def traces(self, expression: str) -> list[dict[str, Any]]:
        """Run TraceQL as Grafana does."""
        query = {"q": self.filled_in(expression), "limit": 20, "spss": 20, **self.times()}
        return list(self.get(f"{self.tempo}/api/search", query).get("traces", []))

    def times(self) -> dict[str, int]:
        """Return the time range, as Tempo wants it."""
        return {"start": int(self.began), "end": int(time.time()) + 1}

    def filled_in(self, expression: str) -> str:
        """Put values for the variables, as Grafana does: all of them, where only one is chosen glance's."""
        values = {
            "$__rate_interval": "30s",
            "$__range": f"{time.time() - self.began:.0f}s",
            "$request": self._request_id() if "$request" in expression else "",
            '"$service"': f'"{SERVICE}"',
            "?$service": f"?{SERVICE}",
        }
        for name, value in values.items():
            expression = expression.replace(name, value)
        return re.sub(r"\$(service|route|operation|project|user)\b", ".*", expression)

    def _request_id(self) -> str:
        """Return an id that swift gave out."""
        (span, *_) = self.traces(f"{LAST} | select(span.openstack.request_id)")[0]["spanSet"]["spans"]
        values = {pair["key"]: pair["value"] for pair in span["attributes"]}
        return str(values["openstack.request_id"]["stringValue"])

    def get(self, url: str, parameters: dict[str, Any]) -> Any:
        """Return what an API answers; what it refuses fails the test with its reason."""
        reply = requests.get(url, parameters, headers=TENANT, timeout=10)
        assert reply.status_code == 200, f"{parameters}: {reply.text}"
        return reply.json()


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, tempo_server: programs.BackEnd) -> Iterator[Filled]:
    """Run a cloud whose agents send spans and metrics through the Collector, and use it, until all is kept."""
    folder = tmp_path_factory.mktemp("dashboards")
    overlay = folder / "tenant.yaml"
    overlay.write_text(json.dumps({"exporters": {"otlp_grpc": {"headers": TENANT}}}))
    programs.program("prometheus")
    installed = environment.prepare(Progress(quiet=True))
    began = time.time()
    with ExitStack() as running:
        enter = running.enter_context
        settings = {"BACKEND": tempo_server.otlp_grpc, "METRICS_INTERVAL": "1s"}
        collector = enter(programs.collector(folder, "single-host", "redaction", overlay, settings=settings))
        configuration = _configuration(folder, collector)
        prometheus = enter(programs.prometheus(folder, configuration))
        cloud = enter(Cloud(installed, folder / "cloud", otlp_endpoint=collector.otlp_http, variables=METRICS))
        _use(cloud)
        back_ends = Filled(prometheus, tempo_server.api, began)
        until(lambda: back_ends.traces(LAST), what=LAST)
        until(lambda: back_ends.series("service:http_failures:rate5m", instant=True), what="the rate of its failures")
        yield back_ends


def _configuration(folder: Path, collector: programs.RunningCollector) -> Path:
    """Return the configuration of Prometheus that users get, with the ports and intervals of a test."""
    text = (FOLDER / "prometheus.yaml").read_text()
    for usual, here in (
        ("127.0.0.1:9464", collector.metrics.split("/")[2]),
        ("127.0.0.1:8888", collector.telemetry.split("/")[2]),
        ("15s", "1s"),
        ("alerts.yaml", str(FOLDER / "alerts.yaml")),
    ):
        assert usual in text
        text = text.replace(usual, here)
    file = folder / "prometheus.yaml"
    file.write_text(text)
    return file


def _use(cloud: Cloud) -> None:
    """Do what a day brings: an image, one that is not there, a stranger, retries, a lost server."""
    image = create_image(cloud)
    for number in range(2):  # a counter's first value is no increase
        with ThreadPoolExecutor() as together:
            saved = together.submit(cloud.openstack, "image", "save", "--file", cloud.layout.state / f"{number}", image)
            others = (
                together.submit(_fails, cloud, "image", "show", "missing"),
                # Not a wrong password: to count these keystone writes, and its SQLite takes one writer at a time
                together.submit(_fails, cloud, "--os-username=nobody", "token", "issue"),
                together.submit(_retry, cloud),
            )
        for done in (saved, *others):
            done.result()
    os.killpg(cloud.pids["swift-object-server"], signal.SIGKILL)
    cloud.openstack("container", "create", "demo")
    for _ in range(2):
        _fails(cloud, "object", "create", "--name", "image", "demo", cloud.layout.state / "0")


def _fails(cloud: Cloud, *arguments: str | Path) -> None:
    with pytest.raises(CloudError):
        cloud.openstack(*arguments)


def _retry(cloud: Cloud) -> None:
    program, launcher = cloud.environment.program("python"), cloud.environment.program("opentelemetry-instrument")
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": str(cloud.otlp_endpoint), "OTEL_SERVICE_NAME": "retries"}
    command = [launcher, program, "-c", RETRIES, cloud.ports.identity_url]
    subprocess.run(command, env=cloud.client_environment() | variables, check=True, timeout=60)


def _targets() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every query of every panel, and its name."""
    for board in BOARDS:
        for panel in model(board)["panels"]:
            for target in panel.get("targets", []):
                yield f"{board.title}: {panel['title']}, {target['refId']}", target


@pytest.mark.parametrize("target", [pytest.param(target, id=name) for name, target in _targets()])
def test_a_panel_shows_something(filled: Filled, target: dict[str, Any]) -> None:
    if target["datasource"]["type"] == PROMETHEUS:
        assert _numbers(filled.series(target["expr"], instant=target["instant"])), filled.filled_in(target["expr"])
    elif target["queryType"] == "serviceMap":
        for metric in GRAPH:
            selected = f"{metric}{target['serviceMapQuery']}"
            assert _numbers(filled.series(f"sum by (client, server) (rate({selected}[$__range]))", instant=True)), (
                metric
            )
    else:
        spans = [
            span for trace in filled.traces(target["query"]) for found in trace["spanSets"] for span in found["spans"]
        ]
        assert spans, filled.filled_in(target["query"])
        shown = {pair["key"] for span in spans for pair in span.get("attributes", ())}
        assert _selected(target["query"]) <= shown, spans


def _selected(query: str) -> set[str]:
    """Return the attributes that TraceQL is asked to show."""
    names = re.findall(r"select\((.*)\)", query)
    return {name.partition(".")[2] for name in ", ".join(names).split(", ") if name}


def _numbers(series: list[dict[str, Any]]) -> list[float]:
    """Return what can be drawn of series."""
    points = (point for found in series for point in found.get("values") or [found["value"]])
    return [number for number in (float(text) for _, text in points) if math.isfinite(number)]


@pytest.mark.parametrize(
    "route", ["/v2/images/{image_id}/file", r"/v2/images/\\{image_id\\}/file"], ids=["raw", "escaped"]
)
def test_one_route_can_be_chosen(filled: Filled, route: str) -> None:
    """Whether Grafana escapes what looks like a regular expression, as for Prometheus, or does not."""
    promql, traceql = (
        target["expr" if target["datasource"]["type"] == PROMETHEUS else "query"].replace("$route", route)
        for name, target in _targets()
        if name in ("One service: Requests by route, A", "One service: Slow requests, A")
    )
    assert {series["metric"]["http_route"] for series in filled.series(promql, instant=False)} == {
        "/v2/images/{image_id}/file"
    }
    assert filled.traces(traceql.replace("100ms", "1ms"))


def _variables() -> Iterator[Any]:
    for board in BOARDS:
        for variable in model(board)["templating"]["list"]:
            if variable["type"] == "query":
                yield pytest.param(variable, id=f"{board.title}: {variable['label']}")


@pytest.mark.parametrize("variable", list(_variables()))
def test_a_variable_has_values_to_choose_from(filled: Filled, variable: dict[str, Any]) -> None:
    if variable["datasource"]["type"] == PROMETHEUS:
        selector, label = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"]["query"]).groups()
        url = f"{filled.prometheus}/api/v1/label/{label}/values"
        assert filled.get(url, {"match[]": filled.filled_in(selector)})["data"]
    else:
        url = f"{filled.tempo}/api/v2/search/tag/span.{variable['query']['label']}/values"
        assert filled.get(url, filled.times())["tagValues"]


def test_links_from_a_trace_to_metrics_lead_somewhere(filled: Filled) -> None:
    queries = re.findall(r"^ +query: '(.*)'$", (FOLDER / "provisioning" / "datasources.yaml").read_text(), re.MULTILINE)
    assert len(queries) == 3
    for query in queries:
        expression = query.replace("$$__tags", f'service_name="{SERVICE}"')
        assert _numbers(filled.series(expression, instant=True)), expression


def test_exemplars_lead_from_a_duration_to_a_trace(filled: Filled) -> None:
    """Under the name of the label that the data source is told of."""
    query = {"query": "traces_span_metrics_duration_seconds_bucket", **filled.times()}
    series = filled.get(f"{filled.prometheus}/api/v1/query_exemplars", query)["data"]
    trace_id = series[0]["exemplars"][0]["labels"]["trace_id"]
    assert filled.get(f"{filled.tempo}/api/v2/traces/{trace_id}", {})["trace"]


def test_rules_are_evaluated_and_ask_for_series_that_exist(filled: Filled) -> None:
    groups = filled.get(f"{filled.prometheus}/api/v1/rules", {})["data"]["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert {rule["health"] for rule in rules} == {"ok"}
    for rule in rules:
        for selector in (name + labels for name, labels in METRIC.findall(rule["query"])):
            known = filled.get(f"{filled.prometheus}/api/v1/series", {"match[]": selector})["data"]
            assert known, f"{rule['name']}: {selector}"


def test_rules_pass_their_unit_tests() -> None:
    program = programs.program("promtool")
    subprocess.run([program, "test", "rules", "alerts-test.yaml"], cwd=FOLDER, check=True)
