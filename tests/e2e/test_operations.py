"""What operators look at, and the fences between the parts."""

from runlog_client import eventually, parse_metrics

SERVICES = ("api", "runner", "result-sink")


def test_the_api_is_alive_and_ready(client):
    for path in ("/healthz", "/readyz"):
        answer = client.get(path)
        assert answer.status == 200, str(answer)
        assert "status" in answer.json(), str(answer)


def test_the_metrics_of_the_api_are_prometheus_text(client):
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain"), str(answer)
    values = parse_metrics(answer.body.decode())
    assert values["process_resident_memory_bytes"] > 0, str(values)


def test_runner_and_sink_are_alive_ready_and_measured(stack):
    for service in ("runner", "result-sink"):
        for container in stack.containers(service):
            for path in ("/healthz", "/readyz"):
                answer = stack.ops(container, path)
                assert answer is not None and answer.status == 200, f"{service}{path}: {answer}"
            values = parse_metrics(stack.ops(container, "/metrics").body.decode())
            assert values["process_resident_memory_bytes"] > 0, str(values)


def test_only_the_runner_or_the_proxy_before_it_sees_the_docker_socket(stack):
    proxied = bool(stack.containers("docker-proxy"))
    for service in (*SERVICES, "docker-proxy"):
        for container in stack.containers(service):
            mounts = [mount["Destination"] for mount in stack.inspect(container)["Mounts"]]
            sees = "/var/run/docker.sock" in mounts
            assert sees == (service == ("docker-proxy" if proxied else "runner")), f"{service}: {mounts}"


def test_the_runner_shares_no_network_with_mongo(stack):
    networks = {service: set(stack.inspect(stack.container(service))["NetworkSettings"]["Networks"])
                for service in ("runner", "mongo")}
    assert networks["runner"].isdisjoint(networks["mongo"]), networks


def test_only_the_api_is_published_and_on_the_loopback_alone(stack):
    for service in (*SERVICES, "kafka", "mongo"):
        for container in stack.containers(service):
            published = {port: hosts for port, hosts in stack.inspect(container)["NetworkSettings"]["Ports"].items() if hosts}
            if service != "api":
                assert not published, f"{service}: {published}"
                continue
            assert list(published) == ["3005/tcp"], str(published)
            assert {host["HostIp"] for host in published["3005/tcp"]} == {"127.0.0.1"}, str(published)


def test_services_run_with_a_read_only_root_and_without_capabilities(stack):
    for service in SERVICES:
        host_config = stack.inspect(stack.container(service))["HostConfig"]
        assert host_config["ReadonlyRootfs"], service
        assert host_config["CapDrop"] == ["ALL"], f"{service}: {host_config['CapDrop']}"
        assert not host_config["Privileged"], service


def test_a_sandbox_is_gone_when_its_program_has_ended(client, stack):
    result = client.run("import os; print(os.getuid())", "python")
    name = f"runlog-uid-{result['stdOutput'].strip()}"  # the name is the claim to the uid
    seen = ["not asked yet"]

    def is_gone():
        seen[:] = stack.sandboxes()
        return name not in [line.split()[0] for line in seen]

    try:
        eventually(f"{name} is gone", is_gone, deadline=120)
    except AssertionError as error:
        raise AssertionError(f"{error}: {seen}") from None
