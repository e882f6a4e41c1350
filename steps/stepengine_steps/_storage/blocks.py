"""Storage blocks: what their data says of where the files are."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from stepengine.plugin import StepError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Location = tuple[str, dict[str, Any]]


class BlockData:
    """A block's data, whose values are asked for by name.

    Args:
        name: How errors call the block: `type/name`.
        data: What the source of blocks gives.
    """

    def __init__(self, name: str, data: Any) -> None:
        if not isinstance(data, dict):
            raise StepError(f"the block {name} is no mapping", hint="give its data as names and values")
        self._name = name
        self._data: Mapping[str, Any] = data

    def get(self, key: str) -> Any:
        """Give a value; None where it is not there."""
        return self._data.get(key)

    def text(self, key: str) -> str:
        """Give a text that must be there."""
        value = self._data.get(key)
        if not isinstance(value, str) or not value:
            raise StepError(f"the block {self._name} has no {key}", hint=f"add {key} to its data")
        return value

    def block(self, key: str) -> BlockData:
        """Give a block within the block; an empty one where it is not there."""
        return BlockData(f"{self._name}.{key}", self._data.get(key) or {})

    def given(self, *keys: str, **names: str) -> dict[str, Any]:
        """Give those of some values that are there, by their own names or by others (`theirs="ours"`)."""
        wanted = {**{key: key for key in keys}, **names}
        return {new: self._data[old] for old, new in wanted.items() if self._data.get(old) is not None}


def _remote(data: BlockData) -> Location:
    settings = data.get("settings") or {}
    if not isinstance(settings, dict):
        raise StepError("the block's settings are no mapping", hint="give them as names and values")
    return data.text("basepath"), settings


def _smb(data: BlockData) -> Location:
    settings = data.given(smb_username="username", smb_password="password", smb_host="host", smb_port="port")  # noqa: S106 - names
    return f"smb://{data.text('smb_host').rstrip('/')}/{data.text('share_path').lstrip('/')}", settings


def _s3(data: BlockData) -> Location:
    # AwsCredentials, or MinIOCredentials with names of its own.
    credentials = data.block("credentials")
    settings = credentials.given(
        aws_access_key_id="key",
        aws_secret_access_key="secret",  # noqa: S106 - a name
        aws_session_token="token",  # noqa: S106 - a name
        profile_name="profile",
        minio_root_user="key",
        minio_root_password="secret",  # noqa: S106 - a name
    )
    parameters = credentials.block("aws_client_parameters")
    client = {
        **credentials.given("region_name"),
        **parameters.given("endpoint_url", "api_version", "verify", "use_ssl"),
    }
    if "verify_cert_path" in parameters.given("verify_cert_path"):
        client["verify"] = parameters.text("verify_cert_path")
    if client:
        settings["client_kwargs"] = client
    settings.update(parameters.given(config="config_kwargs"))
    return _address("s3", data.text("bucket_name"), data.get("bucket_folder")), settings


def _gcs(data: BlockData) -> Location:
    credentials = data.block("gcp_credentials")
    settings = credentials.given("project", service_account_file="token", service_account_info="token")
    token = settings.get("token")
    if isinstance(token, str) and token.lstrip().startswith("{"):
        try:
            settings["token"] = json.loads(token)
        except ValueError as error:
            raise StepError(
                "the block's service_account_info is no JSON", hint="paste the key file as it is"
            ) from error
    return _address("gs", data.text("bucket"), data.get("bucket_folder")), settings


def _azure(data: BlockData) -> Location:
    from urllib.parse import urlsplit

    credentials = data.block("credentials")
    settings = credentials.given("connection_string")
    account_url = credentials.get("account_url")
    if account_url and not settings:
        host = urlsplit(str(account_url)).netloc
        settings = {"account_name": host.partition(".")[0], "account_host": host, "anon": False}
    return _address("az", data.text("container_name"), data.get("base_folder")), settings


def _address(scheme: str, container: str, folder: Any) -> str:
    path = str(folder or "").strip("/")
    return f"{scheme}://{container}/{path}" if path else f"{scheme}://{container}"


REMOTE: dict[str, Callable[[BlockData], Location]] = {
    "remote-file-system": _remote,
    "smb": _smb,
    "s3-bucket": _s3,
    "gcs-bucket": _gcs,
    "azure-blob-storage-container": _azure,
}
"""Blocks of files that fsspec reaches: from their data to a URL and settings."""

REPOSITORIES = {
    "github-repository": ("repository_url", "credentials"),
    "gitlab-repository": ("repository", "credentials"),
    "bitbucket-repository": ("repository", "bitbucket_credentials"),
}
"""Blocks of git repositories: the names of their URL and of their credentials."""

LOCAL = "local-file-system"


def known_slugs() -> list[str]:
    """Give the types of blocks that can be pulled with."""
    return sorted([LOCAL, *REMOTE, *REPOSITORIES])
