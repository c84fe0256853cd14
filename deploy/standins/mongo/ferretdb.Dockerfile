# Builds the FerretDB binary for hosts without a Go toolchain that is new enough. The Go of the base image fetches the
# version that go.mod asks for; the host's CA bundle comes as a secret, because a host may trust a private authority which
# the image does not know, and none of it may stay in a layer.
ARG RUNLOG_BASE_IMAGE=debian:trixie-slim
FROM ${RUNLOG_BASE_IMAGE} AS build
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends golang-go ca-certificates \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY go.mod go.sum ./
ARG GOPROXY
ENV CGO_ENABLED=0 GOTOOLCHAIN=auto GOFLAGS=-mod=readonly
RUN --mount=type=secret,id=ca,target=/run/host-ca.pem \
    --mount=type=cache,target=/root/go --mount=type=cache,target=/root/.cache/go-build \
    if [ -s /run/host-ca.pem ]; then export SSL_CERT_FILE=/run/host-ca.pem; fi; \
    if [ -z "$GOPROXY" ]; then unset GOPROXY; fi; \
    go build -trimpath -ldflags='-s -w' -o /ferretdb github.com/FerretDB/FerretDB/v2/cmd/ferretdb
FROM scratch
COPY --from=build /ferretdb /ferretdb
