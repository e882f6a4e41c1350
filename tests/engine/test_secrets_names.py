"""Which environment variables and which fields of blocks are secret, by their names."""

from __future__ import annotations

import pytest

from stepengine.secrecy.secrets import is_secret_name, public_fields


def names(text):
    return text.split()


@pytest.mark.parametrize(
    "name",
    names("""
    TOKEN token GITHUB_TOKEN GH_TOKEN NPM_TOKEN HF_TOKENS SLACK_BOT_TOKEN ACTIONS_ID_TOKEN_REQUEST_TOKEN CI_JOB_TOKEN
    PASSWORD PGPASSWORD MYSQL_ROOT_PASSWORD DB_PASSWORD SMTP_PASS ANSIBLE_VAULT_PASSPHRASE SSHPASS_PASSWD
    MYSQL_PWD DB_PWD
    SECRET CLIENT_SECRET AWS_SECRET_ACCESS_KEY DJANGO_SECRET_KEY SECRET_KEY_BASE
    KEY API_KEY APIKEY PREFECT_API_KEY OPENAI_API_KEY STRIPE_APIKEY AZURE_STORAGE_ACCESS_KEY SSH_PRIVATE_KEY SIGNING_KEY
    CREDENTIALS AWS_CREDENTIALS GCP_CREDENTIAL GIT_CREDS GITHUB_PAT PAT AZURE_DEVOPS_EXT_PAT PRIVATE_REPO_LOGIN
    githubToken apiKey dbPassword GITHUBTOKEN ACCESSKEY DOCKER_AUTH_CONFIG BASIC_AUTH SESSION_JWT
    AZURE_STORAGE_CONNECTION_STRING my.api.key my-token
    """),
)
def test_secret(name):
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    names("""
    PATH HOME PWD OLDPWD HOST_PWD LANG USER SHELL TERM KEYBOARD KEYMAP KEYCLOAK_REALM MONKEY TURKEY PATTERN COMPAT PATCH
    DISPATCH PASSENGER PASSTHROUGH BYPASS COMPASS SSH_AUTH_SOCK XAUTHORITY AUTHOR AUTHORITY GIT_AUTHOR_NAME SECRETARY
    TOKENIZERS_PARALLELISM
    MAX_TOKENS TOKEN_LIMIT TOKEN_FILE TOKEN_PATH VAULT_TOKEN_PATH SECRET_NAME SECRETS_DIR
    KEY_ID
    AWS_ACCESS_KEY_ID KEYFILE_PATH KEY_VAULT_NAME TOKEN_URL CREDENTIALS_FILE GOOGLE_APPLICATION_CREDENTIALS PUBLIC_KEY
    SSH_PUBLIC_KEY STRIPE_PUBLISHABLE_KEY CACHE_KEY PRIMARY_KEY PASSWORD_FILE POSTGRES_PASSWORD_FILE
    AUTH_USER PRIVATE_IP
    PREFECT_API_URL DOCKER_HOST PREFECT_HOME _ __ a
    """),
)
def test_public(name):
    assert not is_secret_name(name)


def test_no_name_is_public():
    assert not is_secret_name("")


def test_public_fields_of_blocks():
    assert public_fields("docker-registry-credentials") == {"username", "registry_url", "reauth"}
    assert public_fields("github-credentials") == frozenset()
    assert public_fields("secret") == frozenset()
    assert public_fields("of-a-third-party") == frozenset()
    secret = {"password", "token", "value", "connection_string", "aws_secret_access_key", "service_account_info", "url"}
    for slug in [
        "aws-credentials",
        "azure-blob-storage-credentials",
        "gcp-credentials",
        "smb",
        "snowflake-credentials",
    ]:
        assert secret.isdisjoint(public_fields(slug))


@pytest.mark.parametrize(
    "name",
    [
        "REDIS_CACHE_PASSWORD",
        "CACHE_PASSWORD",
        "PUB_SUB_TOKEN",
        "STORAGE_PRIMARY_ACCESS_KEY",
        "TOTAL_API_TOKEN",
        "NUM_API_KEY",
        "VAULT_SECRET_ID",
        "SSHPASS",
        "SESSION_COOKIE",
        "SLACK_WEBHOOK_URL",
    ],
)
def test_a_word_that_makes_a_key_public_makes_no_password_public(name):
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name", ["CACHE_KEY", "PUBLIC_SSH_KEY", "PRIMARY_KEYS", "MAX_NEW_TOKENS", "PASSWORD_FILE", "KEY_ID"]
)
def test_what_only_tells_of_a_secret_is_none(name):
    assert not is_secret_name(name)
