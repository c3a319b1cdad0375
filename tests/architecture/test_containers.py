"""compose.yaml and Dockerfile say what matters, and name only what exists."""

import re
from typing import Any

import pytest
import yaml

from tests.architecture.files import APPS, ROOT

PARTS = {"web", "beat", "sending", "events", "long", "sandbox"}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def dockerfile() -> str:
    return (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_every_part_of_the_product_runs_exactly_once(compose: dict[str, Any]) -> None:
    commands = [
        service["command"]
        for service in compose["services"].values()
        if service.get("image") == "warta"
    ]
    assert all(command[:3] == ["python", "-m", "config.run"] for command in commands)
    assert sorted(part for command in commands for part in command[3:]) == sorted(PARTS)


def test_the_sandbox_is_off_unless_asked_for(compose: dict[str, Any]) -> None:
    with_profiles = {name for name, it in compose["services"].items() if it.get("profiles")}
    assert with_profiles == {"sandbox"}


def test_only_the_web_server_can_be_reached_from_outside(compose: dict[str, Any]) -> None:
    assert {name for name, it in compose["services"].items() if it.get("ports")} == {"web"}


def test_valkey_keeps_the_journal(compose: dict[str, Any]) -> None:
    command = compose["services"]["valkey"]["command"]
    options = dict(zip(command[1::2], command[2::2], strict=True))
    assert options["--appendonly"] == "yes"
    assert options["--appendfsync"] == "everysec"
    assert options["--maxmemory-policy"] == "noeviction"


def test_secrets_have_no_default_and_images_a_version(compose: dict[str, Any]) -> None:
    text = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    assert re.findall(r"\$\{(?:POSTGRES_PASSWORD|VALKEY_PASSWORD|SECRET_KEY)(?!:\?)", text) == []
    foreign = [it["image"] for it in compose["services"].values() if it["image"] != "warta"]
    assert all(re.search(r":\d", image) for image in foreign)


def test_data_outlives_containers(compose: dict[str, Any]) -> None:
    mounted = {
        volume.split(":")[0]
        for service in compose["services"].values()
        for volume in service.get("volumes", [])
    }
    assert mounted == set(compose["volumes"])


def test_workers_wait_for_a_migrated_schema(compose: dict[str, Any]) -> None:
    for name in ("worker", "beat"):
        condition = compose["services"][name]["depends_on"]["web"]["condition"]
        assert condition == "service_healthy"


def test_the_image_holds_every_room_and_does_not_run_as_root(dockerfile: str) -> None:
    copied = set(re.findall(r"^COPY (\w+) \w+$", dockerfile, re.MULTILINE))
    assert set(APPS) | {"templates", "static"} <= copied
    assert "\nUSER warta\n" in dockerfile
    assert "--require-hashes" in dockerfile
    assert re.findall(r"^FROM (?!\S+:[\d.]+-\S+)", dockerfile, re.MULTILINE) == []


def test_the_settings_table_names_every_variable() -> None:
    settings = (ROOT / "config" / "settings.py").read_text(encoding="utf-8")
    read = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', settings)) | {"SECRET_KEY"}
    table = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert {name for name in read if f"`{name}`" not in table} == set()


def test_no_container_has_more_rights_than_it_needs(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["read_only"] is True, name
        assert service["security_opt"] == ["no-new-privileges:true"], name


def test_the_web_port_is_open_to_this_machine_and_the_proxy_on_it(compose: dict[str, Any]) -> None:
    assert compose["services"]["web"]["ports"] == ["${BIND:-127.0.0.1}:${PORT:-8000}:8000"]
    assert compose["services"]["web"]["environment"]["BEHIND_PROXY"] == "${BEHIND_PROXY:-true}"


def test_databases_ask_for_passwords_on_a_network_of_their_own(compose: dict[str, Any]) -> None:
    assert compose["networks"]["inner"] == {"internal": True}
    for name in ("postgres", "valkey"):
        assert compose["services"][name]["networks"] == ["inner"]
    command = compose["services"]["valkey"]["command"]
    assert "${VALKEY_PASSWORD:?" in command[command.index("--requirepass") + 1]
    assert "${VALKEY_PASSWORD:?" in compose["services"]["web"]["environment"]["REDIS_URL"]
