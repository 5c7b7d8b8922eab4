"""Alert rules and dashboard: each rule fires and clears, leads to a runbook, and asks for figures that exist."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conformance.test_docs import anchors_of
from tests.support.world import migrate_world, open_world
from worker.intake.metrics import Looked, render_metrics
from worker.storage.broker import Broker
from worker.storage.heartbeats import BEAT, beat
from worker.storage.spool import Spool
from worker.usecases.health.status import read_status
from worker.usecases.health.vitals import read_vitals

ROOT = Path(__file__).parents[2]
MONITORING = ROOT / "deploy" / "monitoring"
RULES: dict[str, dict[str, Any]] = {
    rule["alert"]: rule
    for group in yaml.safe_load((MONITORING / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
}

Series = dict[str, tuple[float, float]]
"""A series, with a value at which the rule fires, and one at which it does not."""

WEEK = 'nurture_week_emails{outcome="%s"}'
CASES: dict[str, Series] = {
    "NurtureWebAway": {'up{job="nurture"}': (0, 1)},
    "NurtureDatabaseAway": {"nurture_up": (0, 1)},
    "NurtureBrokerAway": {"nurture_broker_up": (0, 1)},
    "NurtureBeatSilent": {"nurture_beat_age_seconds": (121, 5)},
    "NurtureQueueUnserved": {'nurture_queue_consumers{queue="send"}': (0, 1)},
    "NurtureQueueOld": {'nurture_queue_oldest_seconds{queue="intake"}': (301, 2)},
    "NurtureSendsLate": {"nurture_sends_due_oldest_seconds": (301, 301), "nurture_pauses": (0, 1)},
    "NurtureSpoolOld": {"nurture_spool_oldest_seconds": (601, 0)},
    "NurtureSpoolSetAside": {"nurture_spool_set_aside": (1, 0)},
    "NurtureDiskFull": {"nurture_spool_disk_free_ratio": (0.09, 0.5)},
    "NurtureUrgent": {"nurture_urgent_unanswered": (1, 0)},
    "NurtureSendingStopped": {"nurture_sending_stopped": (1, 0)},
    "NurtureProviderFailing": {"nurture_provider_failing": (1, 0)},
    "NurtureParked": {"nurture_parked": (1, 0)},
    "NurtureUnknown": {'nurture_sends{state="unknown"}': (1, 0)},
    "NurtureStranded": {"nurture_enrollments_stranded": (1, 0)},
    "NurtureAlertsParked": {'nurture_alerts{state="parked"}': (1, 0)},
    "NurtureLeadUnanswered": {"nurture_leads_late": (1, 0)},
    "NurtureNoLeads": {"nurture_lead_quiet_seconds": (57_601, 57_000)},
    "NurtureBounces": {WEEK % "hard_bounced": (5, 4), WEEK % "sent": (100, 100)},
    "NurtureComplaints": {WEEK % "complained": (2, 2), WEEK % "sent": (1000, 3000)},
    "NurtureSequenceStopped": {"nurture_sequences_stopped": (1, 0)},
    "NurtureMailboxSilent": {"nurture_mailboxes_silent": (1, 0)},
    "NurtureWebhooksFailing": {"nurture_webhooks_failing": (1, 0)},
    "NurtureNeedsAttention": {"nurture_ok": (0, 1)},
}

BAD_FOR, GOOD_FOR = 90, 30
"""Minutes; longer than any rule waits."""


def promtool(*words: object) -> subprocess.CompletedProcess[str]:
    program = shutil.which("promtool") or Path(sys.executable).parent / "promtool"
    if not Path(program).exists():
        pytest.fail("promtool is missing: `python3 dev.py test` fetches it", pytrace=False)
    command = [str(program), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def labels_of(alert: str, series: Series) -> dict[str, str]:
    """Those that an alert has: of its first series, but for what the expression takes away."""
    found = dict(re.findall(r'(\w+)="([^"]*)"', next(iter(series))))
    if "ignoring(outcome)" in RULES[alert]["expr"]:
        del found["outcome"]
    return found | RULES[alert]["labels"]


def trial_of(alert: str, series: Series) -> dict[str, Any]:
    fires = {"exp_labels": labels_of(alert, series), "exp_annotations": RULES[alert]["annotations"]}
    return {
        "interval": "1m",
        "input_series": [
            {"series": name, "values": f"{bad}+0x{BAD_FOR} {good}+0x{GOOD_FOR}"} for name, (bad, good) in series.items()
        ],
        "alert_rule_test": [
            {"alertname": alert, "eval_time": f"{BAD_FOR - 5}m", "exp_alerts": [fires]},
            {"alertname": alert, "eval_time": f"{BAD_FOR + GOOD_FOR - 5}m", "exp_alerts": []},
        ],
    }


def test_every_rule_has_a_trial() -> None:
    assert CASES.keys() == RULES.keys()


def test_each_rule_fires_and_clears(tmp_path: Path) -> None:
    trials = [trial_of(alert, series) for alert, series in CASES.items()]
    file = tmp_path / "trials.yml"
    file.write_text(json.dumps({"rule_files": [str(MONITORING / "alerts.yml")], "tests": trials}))  # JSON is YAML

    tried = promtool("test", "rules", file)

    assert tried.returncode == 0, tried.stdout + tried.stderr


def test_a_trial_can_fail(tmp_path: Path) -> None:
    trial = trial_of("NurtureParked", {"nurture_parked": (0, 0)})
    file = tmp_path / "trials.yml"
    file.write_text(json.dumps({"rule_files": [str(MONITORING / "alerts.yml")], "tests": [trial]}))

    assert promtool("test", "rules", file).returncode != 0


def test_prometheus_accepts_the_files() -> None:
    checked = promtool("check", "config", MONITORING / "prometheus.yml")

    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("alert", sorted(RULES))
def test_every_rule_leads_to_a_runbook(alert: str) -> None:
    page, _, anchor = RULES[alert]["annotations"]["runbook_url"].partition("#")

    assert anchor in anchors_of(ROOT / page)
    assert RULES[alert]["labels"]["severity"] in {"page", "ticket"}


def test_every_figure_that_rules_and_dashboard_ask_for_exists(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'lead.db'}"
    migrate_world(url)
    broker, spool = Broker("redis://127.0.0.1:1"), Spool(tmp_path / "spool")
    with open_world(url, tmp_path) as world:
        world.post()
        with world.database.write() as connection:
            beat(connection, "beat", BEAT, [])
        with world.database.read() as connection:
            vitals = read_vitals(world.services, connection)
        looked = Looked(status=read_status(world.database, broker, spool), vitals=vitals, disk_free=spool.free_share())
    broker.close()
    there = set(re.findall(r"^# TYPE (\w+) ", render_metrics(looked).decode(), re.MULTILINE))

    dashboard = json.loads((MONITORING / "grafana.json").read_text(encoding="utf-8"))
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    asked += [rule["expr"] for rule in RULES.values()]

    assert {name for expr in asked for name in re.findall(r"nurture_\w+", expr)} - there == set()
    assert all("nurture_" in expr or expr.startswith("up{") for expr in asked)
