"""deploy/: what its files name is there, and says to Impasto what it understands. No container is built here."""

import re
import shlex
import shutil
import subprocess
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

from impasto.ui import build_parser
from impasto.ui_access import TOKEN_VARIABLE
from serve.api.admission import Admission
from serve.api.guard import PROBES
from serve.api.limits import Limits
from serve.api.metrics import Metrics
from serve.api.server import GRACE_S
from serve.api.style_list import StyleList
from serve.engine import Engine

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
IMAGES = ("Containerfile.cpu", "Containerfile.cuda12")
ANOTHER = re.compile(r"--from=\w+")


def instructions(name: str) -> list[tuple[str, str]]:
    """Of a container file, comments left out and lines put together: the instruction, and what stands behind it."""
    lines = [line for line in (DEPLOY / name).read_text().splitlines() if not line.startswith("#")]
    whole = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in whole.splitlines() if line.strip()]


def values(name: str, instruction: str) -> list[str]:
    return [value for found, value in instructions(name) if found == instruction]


def compose(*names: str) -> dict[str, Any]:
    """The services of compose files."""
    return {service: said for name in names for service, said in load(name)["services"].items()}


def load(name: str) -> Any:
    return yaml.safe_load((DEPLOY / name).read_text())


def copied(path: str) -> bool:
    """Whether .dockerignore lets a path into the build: the last line that fits decides."""
    found = True
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        if line and not line.startswith("#"):
            pattern = line.removeprefix("!")
            parts = path.split("/")
            if any(fnmatch("/".join(parts[:count]), pattern) for count in range(1, len(parts) + 1)):
                found = line.startswith("!")
    return found


@pytest.mark.parametrize("name", IMAGES)
def test_what_an_image_copies_is_there_and_let_in(name: str):
    sources = [source for value in values(name, "COPY") if not ANOTHER.match(value) for source in value.split()[:-1]]
    assert sources and all((ROOT / source).exists() and (source == "." or copied(source)) for source in sources)
    named = re.findall(r"(?:constraint|override|-r) ([\w./-]+\.(?:txt|toml))", " ".join(values(name, "RUN")))
    assert named and all((ROOT / file).is_file() and copied(file) for file in named)


def test_what_impasto_is_made_of_is_let_in_and_nothing_else():
    packages = re.search(r'include = \["(checkpoints.*|impasto.*)"\]', (ROOT / "pyproject.toml").read_text())
    assert packages
    for package in re.findall(r"(\w+)\*", packages[0]):
        assert copied(f"{package}/__init__.py")
    assert not any(map(copied, (".git/HEAD", ".venv/bin/python", "deploy/.env", "tests/conftest.py", "out/a.png")))


@pytest.mark.parametrize("name", IMAGES)
def test_image_serves_as_nobody_in_particular(name: str):
    assert [re.match(r"python:3\.12\.\d+-slim-\w+", value) is not None for value in values(name, "FROM")] == [True] * 2
    assert len({value.removesuffix(" AS build") for value in values(name, "FROM")}) == 1  # the venv links to its Python
    assert values(name, "USER") == ["10001"] and values(name, "ENTRYPOINT") == ['["impasto"]']
    command = yaml.safe_load(values(name, "CMD")[0])
    assert command[0] == "ui" and build_parser().parse_args(command[1:]).host == "0.0.0.0"
    (probe,) = values(name, "HEALTHCHECK")
    assert f"http://127.0.0.1:{build_parser().get_defaults().port}{PROBES[0]}" in probe
    assert not re.search("TOKEN|SECRET|PASSWORD|KEY", (DEPLOY / name).read_text())


def test_image_without_cuda_has_the_same_onnx_runtime():
    pinned = re.findall(r"^onnxruntime==.*$", (ROOT / "constraints/gtx970.in").read_text(), re.MULTILINE)
    assert len(pinned) == 1 and pinned[0] in " ".join(values("Containerfile.cpu", "RUN")).split()


def test_image_for_cards_has_the_libraries_that_are_looked_for():
    constrained = (ROOT / "constraints/gtx970.txt").read_text()
    libraries = re.findall(r"nvidia-[\w-]+", " ".join(values("Containerfile.cuda12", "RUN")))
    assert len(libraries) == 6 and all(f"\n{library}==" in constrained for library in libraries)
    preloaded = re.search(r"for package in \((.*?)\):", (ROOT / "serve/providers.py").read_text(), re.DOTALL)
    assert preloaded
    wanted = {name.replace("_", "-") for name in re.findall(r'"(\w+)"', preloaded[1])}
    assert {library.removeprefix("nvidia-").removesuffix("-cu12") for library in libraries} == wanted


def test_compose_names_files_that_are_there():
    found = compose("compose.yaml", "compose.cuda12.yaml") | {"web of compose.yaml": compose("compose.yaml")["web"]}
    for service in found.values():
        if "build" in service:
            assert (DEPLOY / service["build"]["context"] / service["build"]["dockerfile"]).is_file()
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            assert not source.startswith("./") or source == "./styles" or (DEPLOY / source).is_file()
    assert f"{TOKEN_VARIABLE}=\n" in (DEPLOY / "example.env").read_text()
    ignored = (DEPLOY / ".gitignore").read_text().splitlines()
    assert found["web of compose.yaml"]["env_file"] in ignored and "styles/" in ignored


def test_compose_publishes_to_this_machine_alone():
    for name, service in compose("compose.yaml").items():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ())), name
    assert "ports" not in compose("compose.yaml")["web"]


def test_compose_gives_servers_the_time_that_they_take():
    web = compose("compose.yaml")["web"]
    command = [re.sub(r"\$\{\w+:-(.*?)\}", r"\1", word) for word in web["command"]]
    options = build_parser().parse_args(command[1:])
    assert options.paint_only and options.public_url == "http://127.0.0.1:8080"
    assert int(web["stop_grace_period"].removesuffix("s")) > options.drain + GRACE_S
    looks = re.search(r"check inter (\d+)s fall (\d+)", (DEPLOY / "haproxy.cfg").read_text())
    assert looks and options.drain > 2 * int(looks[1]) * int(looks[2])
    timeout = re.search(r"timeout server (\d+)s", (DEPLOY / "haproxy.cfg").read_text())
    assert timeout and int(timeout[1]) > Limits().timeout_s


def test_alerts_ask_for_figures_that_there_are():
    told = Metrics(Engine(), StyleList(), Admission(Limits())).response(ready=True).body
    known = {name.removesuffix("_total") for name in re.findall(r"^# TYPE (\w+)", bytes(told).decode(), re.MULTILINE)}
    rules = load("alerts.yaml")["groups"][0]["rules"]
    asked = {name.removesuffix("_total") for rule in rules for name in re.findall(r"impasto_\w+", rule["expr"])}
    assert asked and asked <= known
    assert f'job="{load("prometheus.yaml")["scrape_configs"][0]["job_name"]}"' in rules[0]["expr"]


def test_unit_of_systemd_serves():
    lines = (DEPLOY / "impasto.service").read_text().splitlines()
    said = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    assert build_parser().parse_args(shlex.split(said["ExecStart"])[2:]).paint_only
    assert int(said["TimeoutStopSec"]) > GRACE_S


CHECKS = {
    "haproxy": ["haproxy", "-c", "-f", "haproxy.cfg"],
    "promtool": ["promtool", "check", "rules", "alerts.yaml"],
    "hadolint": ["hadolint", *IMAGES],
}


@pytest.mark.parametrize("program", CHECKS)
def test_the_programs_that_read_them_find_nothing_wrong(program: str):
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    checked = subprocess.run(CHECKS[program], cwd=DEPLOY, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr
