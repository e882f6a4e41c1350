"""What a user gets from `push_docker_image`, from a real engine and a real registry that wants a password."""

from __future__ import annotations

import base64
import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from stepengine.plugin import StepError
from stepengine_steps._docker import transient
from stepengine_steps.docker_push import push_docker_image
from support.docker_project import Recorder, Services
from support.registry_proxy import RegistryProxy

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.docker


@pytest.fixture
def image(services: Services, image_name: str) -> str:
    """A small image of its own, tagged v1 and v2."""
    for tag in ("v1", "v2"):
        services.run("tag", services.empty, f"{image_name}:{tag}")
    return image_name


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Docker's configuration, empty."""
    path = tmp_path / "config"
    path.mkdir()
    return path


def recorder(config: Path, **environ: str) -> Recorder:
    return Recorder(config, environ={"DOCKER_CONFIG": str(config), **environ})


def auths(services: Services, registry: str | None = None, password: str | None = None) -> dict[str, Any]:
    pair = f"{services.username}:{password or services.password}"
    return {"auths": {registry or services.registry: {"auth": base64.b64encode(pair.encode()).decode()}}}


def helper(directory: Path, name: str, script: str) -> str:
    """Install a credential helper; gives the PATH that finds it."""
    directory.mkdir(exist_ok=True)
    program = directory / f"docker-credential-{name}"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return f"{directory}{os.pathsep}{os.environ['PATH']}"


def test_a_pushed_image_can_be_pulled_back_by_its_digest(services: Services, image: str, config: Path) -> None:
    run = recorder(config)
    pushed = push_docker_image(image, "v1", services.credentials, ["v2"], context=run.context)
    assert pushed == {
        "image_name": image,
        "tag": "v1",
        "image": f"{image}:v1",
        "additional_tags": ["v2"],
        "digest": pushed["digest"],
    }
    assert run.secrets == [services.password]
    assert services.password not in run.output
    assert run.warnings == []
    services.run("image", "rm", f"{image}:v1", f"{image}:v2")
    (config / "config.json").write_text(json.dumps(auths(services)))
    for reference in (f"{image}@{pushed['digest']}", f"{image}:v2"):
        services.run("--config", str(config), "pull", reference)
        services.run("image", "rm", reference)


@pytest.mark.parametrize("form", ["{}", "http://{}", "https://{}/v1/", "https://{}/team/x"])
def test_a_registry_url_is_taken_in_every_form(services: Services, image: str, config: Path, form: str) -> None:
    credentials = {**services.credentials, "registry_url": form.format(services.registry), "reauth": True}
    pushed = push_docker_image(image, "v1", credentials, context=recorder(config).context)
    assert pushed["digest"].startswith("sha256:")


@pytest.mark.parametrize("url", [None, ""])
def test_credentials_without_a_registry_are_for_the_images(
    services: Services, image: str, config: Path, url: str | None
) -> None:
    run = recorder(config)
    pushed = push_docker_image(image, "v1", {**services.credentials, "registry_url": url}, context=run.context)
    assert pushed["digest"].startswith("sha256:")
    assert run.warnings == []


def test_a_wrong_password_fails_clearly_and_is_not_tried_again(services: Services, image: str, config: Path) -> None:
    run = recorder(config)
    credentials = {**services.credentials, "password": "not-the-password"}
    with pytest.raises(StepError, match=r"cannot push .*:v1: .*(unauthorized|denied|authentication)") as caught:
        push_docker_image(image, "v1", credentials, context=run.context)
    assert "refuses these credentials" in caught.value.hint
    assert "not-the-password" not in str(vars(caught.value))
    assert run.warnings == []


def test_without_credentials_the_hint_says_how_to_log_in(services: Services, image: str, config: Path) -> None:
    with pytest.raises(StepError, match="cannot push") as caught:
        push_docker_image(image, "v1", context=recorder(config).context)
    assert f"docker login {services.registry}" in caught.value.hint


def test_an_image_that_is_not_here_is_named_before_anything_is_pushed(
    services: Services, image: str, config: Path
) -> None:
    run = recorder(config)
    with pytest.raises(StepError, match=rf"the engine has no image {image}:v3"):
        push_docker_image(image, "v1", services.credentials, ["v3"], context=run.context)
    assert "Pushing" not in run.output


@pytest.mark.parametrize("key", ["{}", "http://{}", "https://{}/v1/"])
def test_dockers_own_config_is_used(services: Services, image: str, config: Path, key: str) -> None:
    (config / "config.json").write_text(json.dumps(auths(services, key.format(services.registry))))
    run = recorder(config)
    assert push_docker_image(image, "v1", context=run.context)["digest"]
    assert run.secrets == [services.password]


@pytest.mark.parametrize("kind", ["credsStore", "credHelpers"])
def test_a_credential_helper_is_asked(services: Services, image: str, config: Path, tmp_path: Path, kind: str) -> None:
    answer = {"ServerURL": services.registry, "Username": services.username, "Secret": services.password}
    script = f"""test "$1" = get && test "$(cat)" = {services.registry} && printf '%s' '{json.dumps(answer)}'"""
    path = helper(tmp_path / "bin", "mine", script)
    (config / "config.json").write_text(
        json.dumps({kind: "mine" if kind == "credsStore" else {services.registry: "mine"}})
    )
    run = recorder(config, PATH=path)
    assert push_docker_image(image, "v1", context=run.context)["digest"]
    assert run.secrets == [services.password]


def test_a_helper_without_credentials_leaves_it_to_the_config(
    services: Services, image: str, config: Path, tmp_path: Path
) -> None:
    path = helper(tmp_path / "bin", "none", "echo credentials not found in native keychain; exit 1")
    (config / "config.json").write_text(json.dumps({"credsStore": "none", **auths(services)}))
    assert push_docker_image(image, "v1", context=recorder(config, PATH=path).context)["digest"]


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo the keychain is locked >&2; exit 3", "the credential helper docker-credential-mine failed"),
        ("echo nonsense", "the credential helper docker-credential-mine gave no credentials"),
        (None, "the credential helper docker-credential-mine is not installed"),
    ],
)
def test_a_helper_that_fails_is_named(
    services: Services, image: str, config: Path, tmp_path: Path, script: str | None, message: str
) -> None:
    path = helper(tmp_path / "bin", "mine" if script else "other", script or "")
    (config / "config.json").write_text('{"credsStore": "mine"}')
    with pytest.raises(StepError, match=message) as caught:
        push_docker_image(image, "v1", context=recorder(config, PATH=path).context)
    assert caught.value.hint


def test_a_damaged_config_is_named(image: str, config: Path) -> None:
    (config / "config.json").write_text("{")
    with pytest.raises(StepError, match=r"config\.json is not JSON"):
        push_docker_image(image, "v1", context=recorder(config).context)


def test_credentials_for_another_registry_are_not_sent_to_this_one(
    services: Services, image: str, config: Path
) -> None:
    (config / "config.json").write_text(json.dumps(auths(services)))
    run = recorder(config)
    credentials = {"username": "me", "password": "hub-password", "registry_url": "https://index.docker.io/v1/"}
    assert push_docker_image(image, "v1", credentials, context=run.context)["digest"]
    assert run.warnings == [
        f"the credentials are for docker.io, and the image goes to {services.registry}; using Docker's own for that"
    ]


@pytest.mark.parametrize("missing", ["username", "password"])
def test_credentials_must_be_complete(services: Services, image: str, config: Path, missing: str) -> None:
    credentials = {name: value for name, value in services.credentials.items() if name != missing}
    with pytest.raises(StepError, match=f"the credentials have no {missing}"):
        push_docker_image(image, "v1", credentials, context=recorder(config).context)


def through(services: Services, proxy: RegistryProxy, image: str) -> tuple[str, dict[str, str]]:
    name = f"{proxy.address}/{image.partition('/')[2]}"
    for tag in ("v1", "v2"):
        services.run("tag", services.empty, f"{name}:{tag}")
    return name, {**services.credentials, "registry_url": proxy.address}


def test_what_can_pass_is_tried_again(
    services: Services, image: str, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transient, "DELAYS_SECONDS", (0.01, 0.01, 0.01))
    failures = iter([503, 502])

    def answer(method: str, path: str) -> int | None:
        return next(failures, None) if method == "PUT" and path.endswith("/manifests/v1") else None

    with RegistryProxy(services.registry, answer) as proxy:
        name, credentials = through(services, proxy, image)
        run = recorder(config)
        try:
            assert push_docker_image(name, "v1", credentials, context=run.context)["digest"]
        finally:
            services.run("image", "rm", f"{name}:v1", f"{name}:v2")
    assert len(run.warnings) == 2
    assert all("trying again in" in warning for warning in run.warnings)


def test_the_attempts_end_and_the_tags_that_went_through_are_named(
    services: Services, image: str, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transient, "DELAYS_SECONDS", (0.01, 0.01, 0.01))

    def answer(method: str, path: str) -> int | None:
        return 503 if method == "PUT" and path.endswith("/manifests/v2") else None

    with RegistryProxy(services.registry, answer) as proxy:
        name, credentials = through(services, proxy, image)
        try:
            with pytest.raises(StepError, match=r"cannot push .*:v2: .*503.* \(pushed before: v1\)"):
                push_docker_image(name, "v1", credentials, ["v2"], context=recorder(config).context)
        finally:
            services.run("image", "rm", f"{name}:v1", f"{name}:v2")
    assert proxy.count("PUT", "/manifests/v2") == 4


def test_a_refusal_is_not_tried_again(services: Services, image: str, config: Path) -> None:
    def answer(method: str, path: str) -> int | None:
        return 403 if method == "PUT" and path.endswith("/manifests/v1") else None

    with RegistryProxy(services.registry, answer) as proxy:
        name, credentials = through(services, proxy, image)
        try:
            with pytest.raises(StepError, match="cannot push") as caught:
                push_docker_image(name, "v1", credentials, context=recorder(config).context)
        finally:
            services.run("image", "rm", f"{name}:v1", f"{name}:v2")
    assert proxy.count("PUT", "/manifests/v1") == 1
    assert "refuses these credentials" in caught.value.hint
