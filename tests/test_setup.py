"""What pyproject.toml asks for, constraints.txt pins and environment.yml installs must agree."""

import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
REQUIREMENTS = [Requirement(line) for line in sum(PROJECT["optional-dependencies"].values(), PROJECT["dependencies"])]
PINS = [line.partition("==") for line in (ROOT / "constraints.txt").read_text().splitlines()]
VERSIONS = {canonicalize_name(name): version for name, _, version in PINS}


@pytest.mark.parametrize("requirement", REQUIREMENTS, ids=str)
def test_each_requirement_is_pinned_within_its_range(requirement):
    assert requirement.specifier, "a requirement needs a range"
    assert VERSIONS[canonicalize_name(requirement.name)] in requirement.specifier


def test_each_pin_is_one_public_version():
    for name, equals, version in PINS:
        assert equals, f"{name} is not pinned with =="
        assert Version(version).local is None, f"{name}=={version} exists on some machines only"


def test_environment_installs_the_pinned_book():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    python, pip, packages = environment["dependencies"]
    assert python.removeprefix("python=") in SpecifierSet(PROJECT["requires-python"])
    assert pip == "pip"
    assert packages == {"pip": ["-c constraints.txt", "-e .[book]"]}


def test_metadata_promise_the_versions_that_are_tried():
    workflow = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text())
    tried = workflow["jobs"]["test"]["strategy"]["matrix"]["python"]
    assert tried == [f"3.{minor}" for minor in range(20) if f"3.{minor}" in SpecifierSet(PROJECT["requires-python"])]


def found_by_make(tmp_path, *present):
    """Return which of the Pythons that are present `make` takes."""
    for name in present:
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    path = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    command = ["make", "--eval", "found: ; @echo $(notdir $(PYTHON))", "found"]
    return subprocess.run(command, cwd=ROOT, env=path, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize(
    ("present", "taken"),
    [
        (["python3.11", "python3.12", "python3.13", "python3.14"], "python3.13"),
        (["python3.11", "python3.12"], "python3.12"),
    ],
)
def test_make_takes_the_newest_python_that_will_do(tmp_path, present, taken):
    assert found_by_make(tmp_path, *present) == taken
