"""Which names promise a secret: of environment variables, and of the fields of Prefect's blocks."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SECRET_WORDS = _words(
    "APIKEY APIKEYS BEARER CREDENTIAL CREDENTIALS CREDS JWT KEY KEYS PASSPHRASE PASSWD PASSWORD PASSWORDS PAT PRIVATE "
    "SECRET SECRETS TOKEN TOKENS",
)
_SECRET_LAST_WORDS = frozenset({"AUTH", "COOKIE", "PASS", "SSHPASS"})
# Words that are written together: PGPASSWORD, GITHUBTOKEN.
_SECRET_ENDINGS = (
    "ACCESSKEY",
    "APIKEY",
    "CONNECTIONSTRING",
    "CREDENTIALS",
    "PASSPHRASE",
    "PASSWD",
    "PASSWORD",
    "PRIVATEKEY",
    "SECRET",
    "SECRETKEY",
    "TOKEN",
)
# `PWD` alone is a directory, and so is the PWD of a host or a project.
_PASSWORD_OWNERS = _words("ADMIN DATABASE DB MYSQL POSTGRES REDIS SMTP USER")
# The value says something about the secret, and is none: where it lies, what it is called, how long it lives.
_PUBLIC_LAST_WORDS = _words(
    "ALGORITHM COUNT DIR DIRECTORY DISABLED DOMAIN ENABLED ENDPOINT EXPIRATION EXPIRES EXPIRY FILE FILENAME FILES "
    "FORMAT HOST ID IDS IP LENGTH LIMIT LOCATION MODE NAME NAMES NETWORK PATH PATHS PORT PREFIX PROVIDER REGION SIZE "
    "SOCK STORE SUBNET TIMEOUT TTL TYPE URI URL USER USERNAME VAULT VERSION",
)
# PUBLIC_KEY, CACHE_KEY, MAX_NEW_TOKENS; but neither CACHE_PASSWORD nor PRIMARY_ACCESS_KEY.
_PUBLIC_WORDS = _words("CACHE FOREIGN MAX MIN NUM PARTITION PRIMARY PUB PUBLIC PUBLISHABLE SORT TOTAL")
_SECRET = frozenset({"DOCKER_AUTH_CONFIG"})
# A path, by https://cloud.google.com/docs/authentication/application-default-credentials
_PUBLIC = frozenset({"GOOGLE_APPLICATION_CREDENTIALS"})


def is_secret_name(name: str) -> bool:
    """Whether an environment variable is named like a secret.

    Names are read word by word (`_` parts them, and a capital after a small letter): `GITHUB_TOKEN`, `DB_PASSWORD`,
    `apiKey`, `AWS_SECRET_ACCESS_KEY` are; `KEYBOARD`, `PWD`, `TOKEN_FILE`, `AWS_ACCESS_KEY_ID`, `PUBLIC_KEY` are not.
    """
    words = _words_of(name)
    whole = "_".join(words)
    if not words or whole in _PUBLIC:
        return False
    if whole in _SECRET or "CONNECTION_STRING" in whole:
        return True
    last = words[-1]
    if words[-2:] in (["SECRET", "ID"], ["WEBHOOK", "URL"]):
        return True
    if last in _PUBLIC_LAST_WORDS:
        return False
    words = [word for index, word in enumerate(words) if not _is_of_the_public(word, words[:index])]
    if last == "PWD":
        return len(words) > 1 and words[-2] in _PASSWORD_OWNERS
    return (
        last in _SECRET_LAST_WORDS
        or not _SECRET_WORDS.isdisjoint(words)
        or any(word.endswith(_SECRET_ENDINGS) for word in words)
    )


def _is_of_the_public(word: str, before: list[str]) -> bool:
    """Whether a word that may mean a secret does not, for what stands before it."""
    if word in ("KEY", "KEYS"):
        return before[-1:] != [] and (before[-1] in _PUBLIC_WORDS or not {"PUBLIC", "PUBLISHABLE"}.isdisjoint(before))
    return word == "TOKENS" and not _PUBLIC_WORDS.isdisjoint(before)


def _words_of(name: str) -> list[str]:
    if name not in {name.upper(), name.lower()}:
        import re

        name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return [word for word in name.upper().replace("-", "_").replace(".", "_").split("_") if word]


# Fields that Prefect's own block types (3.8.8 and its collections) do not declare secret, and that name a place or a
# person: they occur in logs on their own, so that masking them would hide much and protect nothing.
_PUBLIC_FIELDS = {
    "aws-credentials": "profile_name region_name",
    "aws-secret": "secret_name",
    "azure": "bucket_path",
    "azure-blob-storage-container": "base_folder container_name",
    "azure-blob-storage-credentials": "account_url",
    "azureml-credentials": "resource_group workspace_name",
    "bitbucket-credentials": "url username",
    "bitbucket-repository": "reference repository",
    "database-credentials": "database driver host port username",
    "databricks-credentials": "databricks_instance",
    "docker-host": "base_url max_pool_size timeout version",
    "docker-registry-credentials": "reauth registry_url username",
    "gcp-credentials": "project service_account_file",
    "gcpsecret": "secret_name secret_version",
    "gcs": "bucket_path project",
    "gcs-bucket": "bucket bucket_folder",
    "github": "include_git_objects reference repository",
    "github-repository": "reference repository_url",
    "gitlab-credentials": "url",
    "gitlab-repository": "git_depth reference repository",
    "kubernetes-cluster-config": "context_name",
    "local-file-system": "basepath",
    "minio-credentials": "region_name",
    "remote-file-system": "basepath",
    "s3": "bucket_path",
    "s3-bucket": "bucket_folder bucket_name",
    "smb": "share_path smb_host smb_port",
    "snowflake-connector": "database schema warehouse",
    "snowflake-credentials": "account authenticator endpoint role user",
}


def public_fields(type_slug: str) -> frozenset[str]:
    """Give the fields of a block type that may be shown; everything else of a block is secret."""
    return _words(_PUBLIC_FIELDS.get(type_slug, ""))
