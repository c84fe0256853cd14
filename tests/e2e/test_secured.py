"""A second stack whose Kafka lets nobody in without TLS and a password, and whose MongoDB speaks TLS alone.

Authority and certificates are made for the test. The API proves itself by SCRAM, the others by PLAIN; the runner has its
password from its environment, the others from a file. Everything is configured by the variables that users have.
"""

import contextlib
import os
import secrets
import subprocess

import pytest

from runlog_client import Client, Stack, eventually, show

pytestmark = pytest.mark.disruptive  # of nothing; but once is enough

PASSWORD = "secret;" + secrets.token_urlsafe(12)
WRONG = "mistaken-" + secrets.token_urlsafe(12)

SERVER = """
node.id=1
process.roles=broker,controller
controller.quorum.voters=1@localhost:9093
controller.listener.names=CONTROLLER
inter.broker.listener.name=INTERNAL
listeners=CLIENTS://:9092,INTERNAL://localhost:9094,CONTROLLER://localhost:9093
advertised.listeners=CLIENTS://kafka:9092,INTERNAL://localhost:9094
listener.security.protocol.map=CLIENTS:SASL_SSL,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT
listener.name.clients.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512
listener.name.clients.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_plain="{password}";
listener.name.clients.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.clients.ssl.keystore.type=PEM
listener.name.clients.ssl.keystore.location=/mnt/shared/config/kafka.pem
log.dirs=/var/lib/kafka/data
auto.create.topics.enable=false
message.max.bytes=10485760
offsets.topic.num.partitions=8
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
"""

OVERRIDE = """
x-credentials: &credentials
  RUNLOG_KAFKA_SECURITY_PROTOCOL: SASL_SSL
  RUNLOG_KAFKA_SASL_MECHANISM: PLAIN
  RUNLOG_KAFKA_SASL_USERNAME: plain
  RUNLOG_KAFKA_SASL_PASSWORD_FILE: /run/secured/password
  RUNLOG_KAFKA_SSL_CA_LOCATION: /run/secured/ca.pem
x-mongo: &mongo
  RUNLOG_MONGO_URI: mongodb://mongo:27018/runlog?tls=true&tlsCAFile=/run/secured/ca.pem
x-mount: &mount ["secured:/run/secured:ro"]
services:
  kafka:
    environment: !override
      CLUSTER_ID: ciWo7IWazngRchmPES6q5A
      KAFKA_HEAP_OPTS: -Xms192m -Xmx320m
    tmpfs: !override [/etc/kafka/secrets]
    volumes: ["secured:/mnt/shared/config:ro"]
  mongo:
    command: [mongod, --bind_ip_all, --quiet, --port, "27018", --tlsMode, requireTLS, --tlsCertificateKeyFile,
              /run/secured/mongo.pem, --tlsCAFile, /run/secured/ca.pem, --tlsAllowConnectionsWithoutCertificates]
    environment:
      FERRETDB_LISTEN_TLS: 0.0.0.0:27018
      FERRETDB_LISTEN_TLS_CERT_FILE: /run/secured/mongo.crt
      FERRETDB_LISTEN_TLS_KEY_FILE: /run/secured/mongo.key
    volumes: *mount
  topics:
    environment: *credentials
    volumes: *mount
  tools:
    environment: *credentials
    volumes: *mount
  api:
    environment:
      <<: [*credentials, *mongo]
      RUNLOG_KAFKA_SASL_MECHANISM: SCRAM-SHA-512
      RUNLOG_KAFKA_SASL_USERNAME: scram
    volumes: *mount
  result-sink:
    environment:
      <<: [*credentials, *mongo]
    volumes: *mount
  runner:
    environment:
      <<: *credentials
      RUNLOG_LANGUAGES: bash
      RUNLOG_KAFKA_SASL_PASSWORD_FILE: ""
      RUNLOG_KAFKA_SASL_PASSWORD: "{password}"
    volumes: *mount
volumes:
  secured: {{ external: true, name: "{volume}" }}
"""


def openssl(folder, *arguments):
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True, timeout=60)


def make_certificates(folder):
    """An authority, and for each server a key and a certificate in the forms that it reads."""
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")
    openssl(folder, "req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=authority")
    for name in ("kafka", "mongo"):
        openssl(folder, "req", "-x509", *key, "-CA", "ca.pem", "-CAkey", "ca.key", "-keyout", f"{name}.key",
                "-out", f"{name}.crt", "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}",
                "-addext", "basicConstraints=critical,CA:FALSE")
        (folder / f"{name}.pem").write_text((folder / f"{name}.key").read_text() + (folder / f"{name}.crt").read_text())
    (folder / "ca.key").unlink()


@contextlib.contextmanager
def filled_volume(stack, name, folder):
    for file in folder.iterdir():
        file.chmod(0o644)
    stack.docker("volume", "create", "--label", f"runlog.test={stack.project}", name)
    try:
        image = stack.inspect(stack.container("kafka"))["Image"]
        helper = stack.docker("create", "--volume", f"{name}:/secured", image, "true").strip()
        stack.docker("cp", f"{folder}/.", f"{helper}:/secured")
        stack.docker("rm", "--volumes", helper)
        yield
    finally:
        stack.docker("volume", "rm", "--force", name)


def add_scram_user(secured):
    """Through the listener that only the broker's own container reaches."""

    def added():
        try:
            return secured.docker(
                "exec", secured.container("kafka"), "java", "-cp", "/opt/kafka/libs/*", "kafka.admin.ConfigCommand",
                "--bootstrap-server", "localhost:9094", "--alter", "--entity-type", "users", "--entity-name", "scram",
                "--add-config", f"SCRAM-SHA-512=[password={PASSWORD}]")
        except AssertionError:
            return ""

    eventually("the broker knows the user", added, deadline=90)


def start_services(secured):
    try:
        secured.compose("up", "--detach", "--wait", "api", "runner", "result-sink")
    except AssertionError as error:
        raise AssertionError(f"{error}\n{secured.compose('logs', '--no-color', '--tail', '15')}") from None


@pytest.fixture
def secured(stack, tmp_path):
    project = f"{stack.project}-secured"
    volume = f"{project}-files"
    files = tmp_path / "files"
    files.mkdir(mode=0o755)
    make_certificates(files)
    (files / "server.properties").write_text(SERVER.format(password=PASSWORD))
    (files / "password").write_text(PASSWORD + "\n")
    override = tmp_path / "secured.yaml"
    override.write_text(OVERRIDE.format(password=PASSWORD, volume=volume))
    usual = [file for file in os.environ["COMPOSE_FILE"].split(":") if "cluster" not in file]
    secured = Stack(project, {"COMPOSE_PROJECT_NAME": project, "RUNLOG_PORT": "0", "RUNLOG_TOPICS_WARM_UP": "off",
                              "COMPOSE_FILE": ":".join([*usual, str(override)])})
    with filled_volume(stack, volume, files):
        try:
            secured.compose("up", "--detach", "kafka", "mongo")
            add_scram_user(secured)
            start_services(secured)
            yield secured
        finally:
            secured.compose("down", "--volumes", "--timeout", "5")
            for sandbox in secured.sandboxes():
                secured.docker("rm", "--force", sandbox.split()[0])


def test_a_kafka_that_demands_a_password_over_tls_and_a_mongodb_with_tls_are_served(secured):
    client = Client("http://" + secured.compose("port", "api", "3005").strip())
    result = client.run("echo secured", "bash")
    assert (result["verdict"], result["stdOutput"]) == ("OK", "secured\n"), show(result)
    sink = secured.container("result-sink")
    eventually("the result is in MongoDB", lambda: secured.runner_metric(sink, "runlog_sink_applied_total") >= 1)
    with pytest.raises(AssertionError) as refused:
        secured.compose("run", "--rm", "--env", "RUNLOG_TOPICS_WAIT=3s", "--env", "RUNLOG_KAFKA_SASL_PASSWORD_FILE=",
                        "--env", f"RUNLOG_KAFKA_SASL_PASSWORD={WRONG}", "topics")
    said = str(refused.value).split("\n", 1)[1]  # behind the command line, which has it
    assert "uthentication" in said, said
    for secret in (PASSWORD, WRONG):
        assert secret not in said and secret not in secured.compose("logs", "api", "runner", "result-sink", "topics", "mongo")
