"""What people do with boto3, with no other address than AWS_ENDPOINT_URL. Fails at the first call that does."""

import boto3
from botocore.exceptions import ClientError


def expect(what, found, wanted):
    if found != wanted:
        raise SystemExit(f"{what}: found {found!r}, not {wanted!r}")


expect("account", boto3.client("sts").get_caller_identity()["Account"], "000000000000")

iam = boto3.client("iam")
made = iam.create_user(UserName="sdk-python", Path="/sdks/")
expect("ARN", made["User"]["Arn"], "arn:aws:iam::000000000000:user/sdks/sdk-python")
try:
    iam.create_user(UserName="sdk-python")
    raise SystemExit("a second user of the same name was made")
except ClientError as error:
    expect("a second user", error.response["Error"]["Code"], "EntityAlreadyExists")
pages = iam.get_paginator("list_users").paginate(PathPrefix="/sdks/", PaginationConfig={"PageSize": 1})
expect("users", [user["UserName"] for page in pages for user in page["Users"]], ["sdk-python"])
iam.delete_user(UserName="sdk-python")

s3 = boto3.client("s3")
bucket, key = "revisions", "sdk python/app.zip"
s3.put_object(Bucket=bucket, Key=key, Body=b"from Python")
expect("object", s3.get_object(Bucket=bucket, Key=key)["Body"].read(), b"from Python")

deploy = boto3.client("codedeploy")
deploy.create_application(applicationName="sdk-python")
location = {"revisionType": "S3", "s3Location": {"bucket": bucket, "key": key, "bundleType": "zip"}}
deploy.register_application_revision(applicationName="sdk-python", revision=location)
listed = deploy.list_application_revisions(applicationName="sdk-python")["revisions"]
expect("revisions", len(listed), 1)
print("ok")
