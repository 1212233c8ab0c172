"""The queries of scripts/check-observability to running services and to a Prometheus that scrapes them.

Usage: observability.py hasten <RULES >RULES       the same rules with minutes as seconds, hours as minutes, and so on
       observability.py scrape ADDRESS             /metrics of an admin listener, in Prometheus' plain text format
       observability.py agree FILE…                fails unless docs/operations.md names exactly the metrics of these files
       observability.py refuse URL                 posts requests that a receiver must refuse
       observability.py scraped PROMETHEUS COUNT   waits until that many targets are scraped
       observability.py panels PROMETHEUS          fails unless every query of the dashboard returns numbers
       observability.py alerts PROMETHEUS SECONDS firing|silent NAME…   waits until they are
Run it from the repository's root. Exit code 1: something is not as it should be.
"""

import json
import math
import pathlib
import re
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

DASHBOARD = pathlib.Path("deploy/dashboards/xiebao.json")
METRICS = pathlib.Path("docs/operations.md")

SECONDS = {"m": 1, "h": 60, "d": 24 * 60, "w": 7 * 24 * 60}
# The values that Grafana fills in. The window covers the whole load.
VARIABLES = {"$__rate_interval": "1m", "$namespace": ".*"}
PATIENCE = 20


def hasten():
    """Sixty times as fast: only durations that are written as such, no thresholds."""
    shorter = lambda found: f"{int(found[1]) * SECONDS[found[2]]}s"
    sys.stdout.write(re.sub(r"\b(\d+)([mhdw])\b", shorter, sys.stdin.read()))
    return []


def scrape(address):
    request = urllib.request.Request(f"http://{address}/metrics", headers={"Accept": "text/plain"})
    with urllib.request.urlopen(request, timeout=5) as answer:
        sys.stdout.write(answer.read().decode())
    return []


def agree(*files):
    text = METRICS.read_text()
    told = set(re.findall(r"^\| `((?:xiebao|process)_\w+)`", text, re.MULTILINE))
    there = set()
    for file in files:
        there.update(re.findall(r"^# TYPE (\w+) ", pathlib.Path(file).read_text(), re.MULTILINE))
    yield from (f"{METRICS} does not name {name}" for name in sorted(there - told))
    yield from (f"no service has {name}, which {METRICS} names" for name in sorted(told - there))


def refuse(url):
    unsigned = b'{"notifyType":1,"sign":"00000000000000000000000000000000","data":{"partnerId":1048483,"insureNum":"1"}}'
    stranger = unsigned.replace(b"1048483", b"1")
    for body, verdict in ((b"nonsense", "malformed"), (unsigned, "bad_signature"), (stranger, "unknown_partner")):
        with urllib.request.urlopen(urllib.request.Request(url, data=body, method="POST"), timeout=10) as answer:
            if answer.headers["x-notice-result"] != verdict:
                yield f"wanted the verdict {verdict}, got {answer.headers['x-notice-result']}"


def scraped(prometheus, count):
    """Prometheus takes some seconds to begin."""
    end = time.monotonic() + PATIENCE
    while True:
        up = sum(float(one["value"][1]) for one in ask(prometheus, "query", query="up")["result"])
        if up == int(count):
            return []
        if time.monotonic() > end:
            return [f"{up:.0f} of {count} targets are scraped"]
        time.sleep(0.2)


def panels(prometheus):
    queries = list(queries_of(json.loads(DASHBOARD.read_text())["panels"]))
    end = time.monotonic() + PATIENCE
    faults = [f"{DASHBOARD} has no query"] if not queries else []
    # Some gauges appear with the next sample of the tables, and a rate needs two scrapes.
    while queries:
        left = [(title, query, fault) for title, query in queries if (fault := fault_of(prometheus, query))]
        queries = [(title, query) for title, query, _ in left]
        if time.monotonic() > end:
            faults += [f"panel {title!r}: {fault}: {query}" for title, query, fault in left]
            break
        time.sleep(0.5)
    return faults


def queries_of(panels):
    for panel in panels:
        yield from queries_of(panel.get("panels", []))
        for target in panel.get("targets", []):
            query = target["expr"]
            for name, value in VARIABLES.items():
                query = query.replace(name, value)
            yield panel["title"], query
        if panel["type"] != "row":
            for wanted in ("title", "description"):
                if not panel.get(wanted):
                    sys.exit(f"BROKEN  panel {panel.get('title') or panel['id']} has no {wanted}")
            if not panel["fieldConfig"]["defaults"].get("unit"):
                sys.exit(f"BROKEN  panel {panel['title']} has no unit")


def fault_of(prometheus, query):
    if "$" in query:
        return "a variable that this script does not know"
    try:
        series = ask(prometheus, "query", query=query)["result"]
    except urllib.error.HTTPError as error:
        return json.load(error).get("error", "refused")
    values = [float(one["value"][1]) for one in series]
    if not values:
        return "empty"
    return "not a number" if all(math.isnan(value) for value in values) else None


def alerts(prometheus, seconds, state, *names):
    end = time.monotonic() + float(seconds)
    began = time.monotonic()
    while True:
        now = {alert["labels"]["alertname"] for alert in ask(prometheus, "alerts")["alerts"] if alert["state"] == "firing"}
        wrong = [name for name in names if (name in now) != (state == "firing")]
        if not wrong:
            print(f"ok      {', '.join(names)}: {state} after {time.monotonic() - began:.0f} s")
            return []
        if time.monotonic() > end:
            return [f"{name} is not {state} within {seconds} s; firing: {', '.join(sorted(now)) or 'nothing'}" for name in wrong]
        time.sleep(0.5)


def ask(prometheus, what, **query):
    url = f"http://{prometheus}/api/v1/{what}?{urllib.parse.urlencode(query)}"
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)["data"]


def main():
    commands = {function.__name__: function for function in (hasten, scrape, agree, refuse, scraped, panels, alerts)}
    if len(sys.argv) < 2 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    faults = list(commands[sys.argv[1]](*sys.argv[2:]))
    for fault in faults:
        print(f"BROKEN  {fault}")
    sys.exit(1 if faults else 0)


main()
