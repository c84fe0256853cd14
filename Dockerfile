# Every image of Runlog, one stage each: api, runner, result-sink, docker-proxy, tools, agent, tests, bench, and the services once more
# with sanitizers, and as a version to come.
#
#   base -> build-deps -> build -> (binaries) -> runtime -> api | runner | result-sink | docker-proxy | tools
#                               -> next-build -> api-next | runner-next | result-sink-next
#                      -> agent-build -> agent            (static, FROM scratch; language images copy it)
#                      -> tests-build -> tests            (sources, test programs, pytest, the Docker client; go-client's binary)
#                                     -> sanitized -> api-sanitized | runner-sanitized | result-sink-sanitized
#                      -> go-client                       (the client in Go; its compiler is left behind)
#                      -> fuzz                            (the fuzzers, by clang)
#   base -> bench                                         (the load generator and what drives it)
#
# Only what the BuildKit inside Engine 20.10 knows is used here: a newer frontend would have to be pulled.
ARG RUNLOG_BASE_IMAGE=debian:trixie-slim

FROM ${RUNLOG_BASE_IMAGE} AS base
ENV LANG=C.UTF-8

# ---- compilers and headers
FROM base AS build-deps
ENV DEBIAN_FRONTEND=noninteractive
RUN apt-get update \
 && apt-get install -y --no-install-recommends \
      build-essential ccache check cmake ninja-build pkg-config \
      libarchive-dev libavro-dev libcivetweb-dev libcurl4-openssl-dev libjansson-dev libllhttp-dev libmongoc-dev librdkafka-dev libseccomp-dev \
      libssl-dev libsubunit-dev zlib1g-dev \
 && rm -rf /var/lib/apt/lists/*
ENV CMAKE_C_COMPILER_LAUNCHER=ccache CCACHE_DIR=/ccache CCACHE_MAXSIZE=500M
WORKDIR /src

# ---- the agent: only sandbox/ and the build system, so that an edit in a service leaves the language images alone
FROM build-deps AS agent-build
COPY CMakeLists.txt CMakePresets.json ./
COPY cmake cmake
COPY sandbox sandbox
RUN --mount=type=cache,target=/ccache \
    cmake --preset release -DCMAKE_INSTALL_PREFIX=/opt/runlog \
 && cmake --build build/release --target runlog-agent runlog-record-names \
 && cmake --install build/release --component agent --strip

FROM scratch AS agent
COPY --from=agent-build /opt/runlog/sbin/runlog-agent /opt/runlog/sbin/runlog-record-names /

# ---- services and tools
FROM build-deps AS build
COPY CMakeLists.txt CMakePresets.json ./
COPY cmake cmake
COPY lib lib
COPY schemas schemas
COPY sandbox sandbox
COPY services services
COPY tools tools
RUN --mount=type=cache,target=/ccache \
    cmake --preset release -DCMAKE_INSTALL_PREFIX=/opt/runlog \
 && cmake --build build/release \
 && cmake --install build/release --strip
# What the services read at run time: the schemas, and of the languages their manifests alone.
COPY languages /tmp/languages
RUN mkdir -p /opt/runlog/share/runlog/languages && cp -r schemas /opt/runlog/share/runlog/ \
 && cd /tmp/languages && find . -mindepth 2 -maxdepth 2 -name manifest.json -exec cp --parents {} /opt/runlog/share/runlog/languages/ \;

# ---- what all of them need to run
FROM base AS runtime
ARG DEBIAN_FRONTEND=noninteractive
RUN apt-get update \
 && apt-get install -y --no-install-recommends \
      ca-certificates libavro24 libjansson4 librdkafka1 libssl3t64 libcurl4t64 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 65532 --user-group --home-dir /nonexistent --no-create-home --shell /usr/sbin/nologin runlog
COPY --from=build /opt/runlog/share/runlog /usr/share/runlog
COPY --from=build /opt/runlog/bin/runlog /usr/bin/runlog
USER 65532:65532

FROM runtime AS runtime-store
ARG DEBIAN_FRONTEND=noninteractive
USER root
RUN apt-get update \
 && apt-get install -y --no-install-recommends libmongoc-1.0-0t64 libcivetweb1 \
 && rm -rf /var/lib/apt/lists/*
USER 65532:65532

FROM runtime-store AS api
# The key of the ids lives in a volume, which takes its first owner from this folder.
USER root
RUN mkdir -p /var/lib/runlog/secret && chown -R 65532:65532 /var/lib/runlog && chmod 0700 /var/lib/runlog/secret
USER 65532:65532
VOLUME ["/var/lib/runlog/secret"]
COPY --from=build /opt/runlog/bin/runlog-api /usr/bin/runlog-api
EXPOSE 3005
ENTRYPOINT ["/usr/bin/runlog-api"]

FROM runtime-store AS result-sink
COPY --from=build /opt/runlog/bin/runlog-result-sink /usr/bin/runlog-result-sink
EXPOSE 9100
ENTRYPOINT ["/usr/bin/runlog-result-sink"]

FROM runtime AS runner
ARG DEBIAN_FRONTEND=noninteractive
USER root
RUN apt-get update && apt-get install -y --no-install-recommends libcivetweb1 && rm -rf /var/lib/apt/lists/*
USER 65532:65532
COPY --from=build /opt/runlog/bin/runlog-runner /usr/bin/runlog-runner
EXPOSE 9100
ENTRYPOINT ["/usr/bin/runlog-runner"]

# Optional, before the Engine's socket. The folder is where a volume takes its first mode from: the proxy's user depends on the
# host's groups.
FROM runtime AS docker-proxy
ARG DEBIAN_FRONTEND=noninteractive
USER root
RUN apt-get update && apt-get install -y --no-install-recommends libcivetweb1 libllhttp9.2 && rm -rf /var/lib/apt/lists/* \
 && mkdir -m 1777 /run/runlog
USER 65532:65532
COPY --from=build /opt/runlog/bin/runlog-docker-proxy /usr/bin/runlog-docker-proxy
ENTRYPOINT ["/usr/bin/runlog-docker-proxy"]

FROM runtime-store AS tools
COPY --from=build /opt/runlog/bin/runlog-rebuild /usr/bin/runlog-rebuild
ENTRYPOINT ["/usr/bin/runlog"]

# ---- tests: the test programs of three builds, the sources as they are, and what drives a stack from outside
FROM build-deps AS tests-build
RUN apt-get update \
 && (apt-cache show docker-cli >/dev/null 2>&1 && cli=docker-cli || cli=docker.io; \
     apt-get install -y --no-install-recommends $cli) \
 && apt-get install -y --no-install-recommends \
      ca-certificates clang-format clang-tidy cppcheck curl docker-compose gcovr git iproute2 jq procps python3 python3-avro python3-jsonschema python3-pytest \
      python3-pytest-xdist python3-requests shellcheck \
 && rm -rf /var/lib/apt/lists/*
COPY CMakeLists.txt CMakePresets.json ./
COPY cmake cmake
COPY lib lib
COPY sandbox sandbox
COPY schemas schemas
COPY services services
COPY tools tools
COPY languages languages
COPY tests/support tests/support
COPY tests/unit tests/unit
COPY tests/integration tests/integration
COPY tests/interop tests/interop
COPY tests/metrics tests/metrics
COPY tests/docs tests/docs
RUN --mount=type=cache,target=/ccache \
    cmake --preset coverage && cmake --build build/coverage \
 && cmake --preset asan-ubsan && cmake --build build/asan-ubsan \
 && cmake --preset tsan && cmake --build build/tsan

# GCC's Go compiler has its standard library compiled: a few seconds, where the other one takes a minute.
FROM build-deps AS go-client
RUN apt-get update \
 && apt-get install -y --no-install-recommends gccgo \
 && rm -rf /var/lib/apt/lists/*
COPY docs/clients/runlog.go ./
RUN mkdir /opt/clients && gccgo -Wall -O1 -s -static-libgo -static-libgcc -o /opt/clients/runlog-go runlog.go

FROM tests-build AS tests
COPY --from=go-client /opt/clients /opt/clients
COPY . .
ENV PYTHONDONTWRITEBYTECODE=1 PYTEST_ADDOPTS="-p no:cacheprovider"

# ---- the services under AddressSanitizer and UndefinedBehaviorSanitizer, as the tests have built them: what the end-to-end
# tests run against. Everything else of their images is that of the images which ship.
FROM tests-build AS sanitized
RUN cmake --install build/asan-ubsan --prefix /opt/sanitized \
 && mkdir -p /opt/sanitized/root/usr/lib/sanitizers /opt/sanitized/root/var/log/sanitizers \
 && chmod 1777 /opt/sanitized/root/var/log/sanitizers \
 && ldd /opt/sanitized/bin/runlog-api | awk '/lib(a|ub)san/ { print $3 }' | xargs cp -L -t /opt/sanitized/root/usr/lib/sanitizers

FROM api AS api-sanitized
COPY --from=sanitized /opt/sanitized/root/ /
COPY --from=sanitized /opt/sanitized/bin/runlog-api /usr/bin/runlog-api
ENV LD_LIBRARY_PATH=/usr/lib/sanitizers

FROM runner AS runner-sanitized
COPY --from=sanitized /opt/sanitized/root/ /
COPY --from=sanitized /opt/sanitized/bin/runlog-runner /usr/bin/runlog-runner
ENV LD_LIBRARY_PATH=/usr/lib/sanitizers

FROM result-sink AS result-sink-sanitized
COPY --from=sanitized /opt/sanitized/root/ /
COPY --from=sanitized /opt/sanitized/bin/runlog-result-sink /usr/bin/runlog-result-sink
ENV LD_LIBRARY_PATH=/usr/lib/sanitizers

# ---- the services as a version to come, whose records have a field that this one does not know: for tests of rolling upgrades
FROM build AS next-build
RUN --mount=type=cache,target=/ccache \
    cmake -B build/release -DRL_NEXT_SCHEMAS=ON \
 && cmake --build build/release --target runlog-api runlog-runner runlog-result-sink \
 && for part in api runner result-sink; do cmake --install build/release --prefix /opt/next --strip --component $part; done

FROM api AS api-next
COPY --from=next-build /opt/next/bin/runlog-api /usr/bin/runlog-api

FROM runner AS runner-next
COPY --from=next-build /opt/next/bin/runlog-runner /usr/bin/runlog-runner

FROM result-sink AS result-sink-next
COPY --from=next-build /opt/next/bin/runlog-result-sink /usr/bin/runlog-result-sink

# ---- the fuzzers, which want clang
FROM build-deps AS fuzz
RUN apt-get update \
 && apt-get install -y --no-install-recommends clang libclang-rt-19-dev \
 && rm -rf /var/lib/apt/lists/*
COPY CMakeLists.txt CMakePresets.json ./
COPY cmake cmake
COPY lib lib
COPY sandbox sandbox
COPY schemas schemas
COPY services services
COPY tools tools
COPY languages languages
COPY tests/support tests/support
COPY tests/fuzz tests/fuzz
RUN --mount=type=cache,target=/ccache cmake --preset fuzz && cmake --build build/fuzz

# ---- the benchmark: the load generator, the timer of bare programs (static: it runs inside every language's image)
FROM build-deps AS bench-build
COPY tests/bench/bare.c /src/
RUN mkdir -p /opt/bench \
 && cc -std=c11 -O2 -static -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wformat=2 -Werror -o /opt/bench/bare bare.c

FROM base AS bench
RUN apt-get update \
 && (apt-cache show docker-cli >/dev/null 2>&1 && cli=docker-cli || cli=docker.io; \
     apt-get install -y --no-install-recommends $cli) \
 && apt-get install -y --no-install-recommends docker-compose python3 wrk \
 && rm -rf /var/lib/apt/lists/*
COPY --from=bench-build /opt/bench /opt/bench
WORKDIR /src
COPY compose.yaml ./
COPY languages languages
COPY docs/benchmarks.md docs/
COPY tests/e2e/runlog_client.py tests/e2e/
COPY tests/integration/sandbox/engine.py tests/integration/sandbox/wire.py tests/integration/sandbox/
COPY tests/bench tests/bench
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PYTHONPATH=tests/e2e:tests/integration/sandbox
ENTRYPOINT ["python3", "tests/bench/bench.py"]

# ---- a Docker Engine of the tests' own, for sandboxes alone: one that can be restarted and killed
FROM base AS engine
RUN apt-get update \
 && (apt-cache show docker-cli >/dev/null 2>&1 && cli=docker-cli || cli=; \
     apt-get install -y --no-install-recommends docker.io iptables $cli) \
 && rm -rf /var/lib/apt/lists/*
