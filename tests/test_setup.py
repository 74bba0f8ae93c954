"""What pyproject.toml asks for, constraints.txt pins and environment.yml installs must agree."""

import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
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
    assert python == f"python={PROJECT['requires-python'].removeprefix('>=')}"
    assert pip == "pip"
    assert packages == {"pip": ["-c constraints.txt", "-e .[book]"]}
