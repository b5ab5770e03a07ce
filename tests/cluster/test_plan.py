"""The plan: measured on a few made-up steps of each system, and the request that follows from it."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from sedsep.cli import sedsep
from sedsep.cluster import plan
from sedsep.cluster.plan import GB, Plan
from sedsep.cluster.slurm import requested
from sedsep.errors import UserError

RECIPES = Path(__file__).resolve().parents[2] / "egs"
SMOKE = RECIPES / "desed_2021/conf/smoke"
EXAMPLE = Plan("separation", "train_sep", "cuda:0", 10, 6, 0.5, 2.0, 3 * GB, 7 * GB, 9 << 20, 1000, 200, 4)


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*/conf/smoke/*.yaml")), ids=lambda path: path.stem)
def test_every_preset_can_be_measured(path):
    found = plan.measure(path, batches=50)
    assert found.kind == yaml.safe_load(path.read_text())["system"]["kind"]
    assert found.device == "cpu" and found.gpu_memory == 0
    assert found.parameters > 500 and 0 < found.batch < 20 and found.validation > 0
    assert found.epoch == found.batch * found.batches and found.disk > 10000 and found.memory > GB / 10


def test_the_request():
    assert plan.request(EXAMPLE) == {"time": "42:05:00", "memory": "5G", "cpus": 5, "gpus": 1}
    assert plan.request(replace(EXAMPLE, gpu_memory=0, epochs=1, workers=0)) == {
        "time": "0:27:00", "memory": "5G", "cpus": 2,
    }  # fmt: skip


def test_it_is_said_in_words():
    lines = plan.describe(EXAMPLE).splitlines()
    assert lines[0] == "separation on cuda:0: 10 parameters train, 6 clips in a batch"
    assert "8.3 min per epoch of 1000 batches, 27.9 h for 200 epochs" in lines[1]
    assert lines[2] == "memory    3.0 GB, 7.0 GB of the GPU"
    assert lines[4] == "request   train_sep: {time: '42:05:00', memory: 5G, cpus: 5, gpus: 1}"


def test_the_request_is_written_into_a_site_file(tmp_path):
    site = tmp_path / "site.yaml"
    site.write_text("default: {partition: p}\ntrain_sep: {account: me}\n")
    done = CliRunner().invoke(sedsep, ["plan", str(SMOKE / "sep.yaml"), "--write", str(site)])
    assert done.exit_code == 0 and "request   train_sep:" in done.output, done.output
    assert yaml.safe_load(site.read_text())["train_sep"]["account"] == "me"
    asked = requested(site, "train_sep", "x")
    assert (asked.partition, asked.gpus) == ("p", 0) and re.fullmatch(r"\d+G", asked.memory)


def test_a_configuration_of_an_unknown_system(tmp_path):
    (tmp_path / "odd.yaml").write_text("seed: 1\n")
    with pytest.raises(UserError, match="say --system separation|detection|joint"):
        plan.measure(tmp_path / "odd.yaml")
