"""A server of buckets on this machine, with one bucket, until its input ends."""

import sys

import boto3
from moto.server import ThreadedMotoServer

port, bucket, region = int(sys.argv[1]), sys.argv[2], sys.argv[3]
server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
server.start()
client = boto3.client(
    "s3",
    endpoint_url=f"http://127.0.0.1:{port}",
    region_name=region,
    aws_access_key_id="hub",
    aws_secret_access_key="s3cret",
)
client.create_bucket(
    Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": region}
)
print("ready", flush=True)
sys.stdin.read()
