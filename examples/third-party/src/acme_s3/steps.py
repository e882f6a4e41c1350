"""The step. boto3 takes a quarter of a second to import: it waits until the step runs."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, TypedDict

from stepengine.plugin import Context, StepError, step

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
"""https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html."""


class Uploaded(TypedDict):
    """What was uploaded.

    Attributes:
        bucket: The bucket.
        prefix: What the keys begin with; empty, or with a `/` at its end.
        count: How many objects there are.
    """

    bucket: str
    prefix: str
    count: int


def check_bucket(inputs: Mapping[str, Any]) -> Iterator[str]:
    """Tell of a bucket that can have no such name; one that is known later is left alone."""
    bucket = inputs.get("bucket")
    if isinstance(bucket, str) and "{{" not in bucket and not BUCKET.fullmatch(bucket):
        yield f"no bucket can be called {bucket}: 3 to 63 of a-z, 0-9, '.' and '-', a letter or digit at both ends"


@step(phase="deployer", touches=["network"], check=check_bucket)
def upload_directory(
    bucket: str,
    directory: str = ".",
    prefix: str = "",
    endpoint_url: str | None = None,
    region: str = "us-east-1",
    access_key_id: str | None = None,
    secret_access_key: str | None = None,
    *,
    context: Context,
) -> Uploaded:
    """Upload the files of a directory to an S3 bucket.

    Symbolic links are left out. Objects that are there under the same keys are replaced; others stay.

    Args:
        bucket: The bucket; it must be there.
        directory: The directory, relative to the working directory.
        prefix: What the keys of the objects begin with, as a directory's path.
        endpoint_url: The address of a server that is not Amazon's.
        region: The bucket's region.
        access_key_id: The id of the access key; by default boto3 looks where it looks for credentials.
        secret_access_key: The access key's secret.
        context: The run.

    Raises:
        StepError: the directory is not there, or S3 refuses.
    """
    import boto3
    from boto3.exceptions import Boto3Error
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    root = context.resolve(directory)
    if not os.path.isdir(root):
        raise StepError(f"there is no directory {directory}", hint="a path relative to the working directory")
    files = list(find_files(root))
    prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
    try:
        session = boto3.session.Session(access_key_id, secret_access_key, region_name=region)
        config = Config(connect_timeout=10, read_timeout=60, retries={"max_attempts": 3, "mode": "standard"})
        client = session.client("s3", endpoint_url=endpoint_url, config=config)
        _upload(client, bucket, root, files, prefix, context)
    except ClientError as error:
        raise StepError(f"S3 refuses: {error}", hint="look at the bucket, the region and the access key") from error
    except (BotoCoreError, Boto3Error, ValueError) as error:
        raise StepError(f"cannot upload to {bucket}: {error}", hint="look at the address and the access key") from error
    context.logger.info("%s files are in s3://%s/%s", len(files), bucket, prefix)
    return {"bucket": bucket, "prefix": prefix, "count": len(files)}


def find_files(root: str) -> Iterator[str]:
    """Give the files below a directory, relative to it, in the order of their names; no symbolic links."""
    for parent, directories, names in os.walk(root):
        directories.sort()
        for name in sorted(names):
            path = os.path.join(parent, name)
            if os.path.isfile(path) and not os.path.islink(path):
                yield os.path.relpath(path, root)


def _upload(client: Any, bucket: str, root: str, files: list[str], prefix: str, context: Context) -> None:
    from boto3.s3.transfer import TransferConfig

    total = sum(os.path.getsize(os.path.join(root, file)) for file in files)
    done = 0

    def advance(size: int) -> None:
        nonlocal done
        done += size
        context.check_cancelled()
        context.progress("upload", f"uploading to {bucket}", done, total)

    # Without threads Ctrl-C ends the upload where it is.
    one_by_one = TransferConfig(use_threads=False)
    for file in files:
        context.check_cancelled()
        key = prefix + file.replace(os.sep, "/")
        client.upload_file(os.path.join(root, file), bucket, key, Callback=advance, Config=one_by_one)
