"""Compares the alerts with the PrometheusRule made from them, the runbook, the tests, and the table of metrics in
docs/operations.md; and the dashboard with the ConfigMap made from it.

Usage: alert-rules.py [--write]
With --write it writes PrometheusRule and ConfigMap instead. Run it from the repository's root.
"""

import json
import pathlib
import re
import sys

ALERTS = pathlib.Path("deploy/alerts/xiebao.yml")
TESTS = pathlib.Path("deploy/alerts/tests")
RULE = pathlib.Path("deploy/components/monitoring/prometheus-rule.yaml")
RUNBOOK = pathlib.Path("docs/runbook.md")
METRICS = pathlib.Path("docs/operations.md")
DASHBOARD = pathlib.Path("deploy/dashboards/xiebao.json")
CONFIG_MAP = pathlib.Path("deploy/components/monitoring/dashboard.yaml")

HEAD = """\
# Made from deploy/alerts/xiebao.yml by `python3 scripts/lib/alert-rules.py --write`: change that file, not this one.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: xiebao
spec:
"""

CONFIG_MAP_HEAD = """\
# Made from deploy/dashboards/xiebao.json by `python3 scripts/lib/alert-rules.py --write`: change that file, not this one.
# Kustomize reads no file outside a component's folder, hence the copy.
apiVersion: v1
kind: ConfigMap
metadata:
  name: xiebao-dashboard
  labels:
    # By this label the sidecar of Grafana's chart finds it.
    grafana_dashboard: "1"
data:
  xiebao.json: |-
    """


def main():
    if sys.argv[1:] == ["--write"]:
        RULE.write_text(prometheus_rule())
        CONFIG_MAP.write_text(config_map())
        return
    if sys.argv[1:]:
        sys.exit(__doc__)
    faults = list(find_faults())
    for fault in faults:
        print(f"BROKEN  {fault}")
    sys.exit(1 if faults else 0)


def prometheus_rule():
    """The groups as they are written, comments and all, one level further in."""
    text = ALERTS.read_text()
    groups = text[text.index("groups:\n") :]
    return HEAD + "".join(f"  {line}" if line.strip() else line for line in groups.splitlines(keepends=True))


def config_map():
    """In one line, which nobody is to read or change."""
    dashboard = json.loads(DASHBOARD.read_text())
    return CONFIG_MAP_HEAD + json.dumps(dashboard, ensure_ascii=False, separators=(",", ":")) + "\n"


def find_faults():
    import yaml

    groups = yaml.safe_load(ALERTS.read_text())["groups"]
    if not RULE.exists() or RULE.read_text() != prometheus_rule():
        yield f"{RULE} is not what {ALERTS} makes of it"
    elif yaml.safe_load(RULE.read_text())["spec"]["groups"] != groups:
        yield f"{RULE} has other groups than {ALERTS}"
    if not CONFIG_MAP.exists() or CONFIG_MAP.read_text() != config_map():
        yield f"{CONFIG_MAP} is not what {DASHBOARD} makes of it"
    rules = [rule for group in groups for rule in group["rules"]]
    alerts = [rule for rule in rules if "alert" in rule]
    names = [rule["alert"] for rule in alerts]
    yield from (f"{name} is there twice" for name in sorted(set(names)) if names.count(name) > 1)
    for rule in alerts:
        yield from faults_of_form(rule)
    yield from faults_of_runbook(names)
    yield from faults_of_tests(names, yaml)
    yield from faults_of_metrics(rules)


def faults_of_form(rule):
    name = rule["alert"]
    if rule.get("labels", {}).get("severity") not in ("page", "ticket"):
        yield f"{name}: severity is neither page nor ticket"
    for key in ("summary", "description"):
        if not rule.get("annotations", {}).get(key):
            yield f"{name} has no {key}"
    if rule.get("annotations", {}).get("runbook") != f"{RUNBOOK}#{name.lower()}":
        yield f"{name}: the annotation runbook must be {RUNBOOK}#{name.lower()}"


def faults_of_runbook(names):
    sections = re.findall(r"^#+ (Xiebao\w+)$", RUNBOOK.read_text(), re.MULTILINE)
    yield from (f"{RUNBOOK} has no section {name}" for name in names if name not in sections)
    yield from (f"{RUNBOOK}: there is no alert {name}" for name in sections if name not in names)


def faults_of_tests(names, yaml):
    """Each alert must be seen firing, and seen not firing."""
    seen = {True: set(), False: set()}
    for path in sorted(TESTS.glob("*.yml")):
        for test in yaml.safe_load(path.read_text())["tests"]:
            for case in test["promql_expr_test"]:
                seen[bool(case["exp_samples"])].update(re.findall(r'alertname="(\w+)"', case["expr"]))
    yield from (f"{name} has no test in which it fires" for name in names if name not in seen[True])
    yield from (f"{name} has no test in which it does not fire" for name in names if name not in seen[False])


def faults_of_metrics(rules):
    """Prometheus takes any name, and an alert on a metric that nobody has never fires."""
    known = set(re.findall(r"`(xiebao_\w+)`", METRICS.read_text()))
    for rule in rules:
        for metric in sorted(set(re.findall(r"(?<![\w:])xiebao_\w+", rule["expr"]))):
            if re.sub(r"_(bucket|sum|count)$", "", metric) not in known:
                yield f'{rule.get("alert") or rule["record"]}: {METRICS} knows no {metric}'


main()
