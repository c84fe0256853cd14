# shellcheck shell=bash
# images.sh: the three images that Runlog does not build itself: Debian, Kafka, MongoDB.
#
# The official ones where a registry answers, found out by one short probe. Otherwise stand-ins from package registries
# (deploy/standins), tagged with the hash of what they are made of, so that they are made once per machine and content.
# A machine that has stand-ins keeps to them. RUNLOG_IMAGES=official|standins decides by hand.
#
# Neither kind of MongoDB can read the other's data: it would begin an empty database beside it, and every old result would
# be gone from sight. So what lies in the project's volume decides before anything else, and a switch is refused. (Both
# kinds of Kafka are the same program and share their data.)
#
# Sourced after common.sh, docker.sh and stack.sh. Sets RUNLOG_BASE_IMAGE, RUNLOG_KAFKA_IMAGE, RUNLOG_MONGO_IMAGE.

readonly RL_STANDINS="$RL_ROOT/deploy/standins"
readonly RL_OFFICIAL_BASE=debian:trixie-slim
readonly RL_OFFICIAL_KAFKA=apache/kafka:4.3.1
readonly RL_OFFICIAL_MONGO=mongo:8.0
readonly RL_PROBE_SECONDS=10
readonly RL_BASE_SUITE=trixie
readonly RL_POSTGRES_SUITE=sid
readonly RL_POSTGRES_PACKAGE=postgresql-18-documentdb

# As in the official slim image: no documentation, and apt leaves nothing behind that a layer would keep.
# shellcheck disable=SC2016 # mmdebstrap's shell expands $1
readonly RL_SLIM=(
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*'
    --dpkgopt='path-exclude=/usr/share/locale/*' --aptopt='Acquire::Languages "none"'
    --customize-hook='printf "%s\n" "DPkg::Post-Invoke { \"rm -f /var/cache/apt/archives/*.deb || true\"; };" "Dir::Cache::pkgcache \"\";" "Dir::Cache::srcpkgcache \"\";" >"$1/etc/apt/apt.conf.d/docker-clean"; rm -f "$1"/var/cache/apt/*.bin'
)

rl_have_image() {
    docker image inspect "$1" >/dev/null 2>&1
}

# The names that the stand-ins of this checkout have, whether they exist or not.
rl_name_standins() {
    local kafka mongo
    RL_STANDIN_BASE=runlog-standin/debian:$RL_BASE_SUITE-$(rl_text_hash "$RL_BASE_SUITE ${RL_SLIM[*]}")
    RL_STANDIN_POSTGRES=runlog-standin/postgres:$(rl_text_hash "$RL_POSTGRES_SUITE $RL_POSTGRES_PACKAGE ${RL_SLIM[*]}")
    kafka=$(rl_text_hash "$RL_STANDIN_BASE $(rl_content_hash "$RL_STANDINS"/kafka/*)")
    mongo=$(rl_text_hash "$RL_STANDIN_POSTGRES $(rl_content_hash "$RL_STANDINS"/mongo/*)")
    RL_STANDIN_KAFKA=runlog-standin/kafka:$kafka
    RL_STANDIN_MONGO=runlog-standin/mongo:$mongo
}

# rl_kind_of_data VOLUME: which kind of MongoDB wrote what lies in it, "official" or "standins"; nothing where it is empty; fails where the engine does not say.
# Read from the data itself, which is there however the volume came about and whatever else was lost. No image can be
# counted on, so an empty one lends its container, which is never started, to `docker cp`.
rl_kind_of_data() {
    local volume=$1 probe=runlog/nothing:probe-$$ container status=0
    tar --create --files-from /dev/null | docker import - "$probe" >&2
    container=$(docker create --volume "$volume:/data:ro" "$probe" none)
    rl_kind_in "$container" || status=$?
    docker rm "$container" >&2
    docker image rm "$probe" >&2
    return "$status"
}

rl_kind_in() {
    local container=$1 trace status
    for trace in standins:postgres/PG_VERSION official:WiredTiger; do
        status=0
        rl_holds "$container" "/data/${trace#*:}" || status=$?
        case $status in
            0) echo "${trace%%:*}" && return ;;
            1) ;;
            *) return "$status" ;;
        esac
    done
}

# rl_holds CONTAINER FILE: 0 where the file is there, 1 where it is not. 2 where the engine did not say: an engine that is
# busy must not make data look like none.
rl_holds() {
    local said
    if said=$(docker cp "$1:$2" - 2>&1 >/dev/null); then return 0; fi
    case "${said,,}" in
        *'could not find the file'* | *'no such container:path'* | *'could not be found on container'*) return 1 ;;
    esac
    printf '%s\n' "$said" >&2
    return 2
}

# Prints the kind of the images that this machine has already, or nothing.
rl_kind_of_machine() {
    if rl_have_image "$RL_STANDIN_BASE"; then
        echo standins
    elif rl_have_image "$RL_OFFICIAL_BASE" && rl_have_image "$RL_OFFICIAL_KAFKA" && rl_have_image "$RL_OFFICIAL_MONGO"; then
        echo official
    fi
}

# Decides between official and stand-in, and has the base image ready. The others may still be missing:
# rl_start_images begins with them in the background, rl_finish_images waits.
rl_choose_images() {
    rl_name_standins
    local wanted held='' why='' kind
    wanted=$(rl_setting RUNLOG_IMAGES '')
    case "$wanted" in
        '' | official | standins) ;;
        *) rl_die "RUNLOG_IMAGES=$wanted is neither official nor standins" ;;
    esac
    if docker volume inspect "${RL_PROJECT}_mongo" >/dev/null 2>&1; then
        rl_step data 'data of an earlier run' 'does the engine work? docker volume ls' rl_kind_of_data "${RL_PROJECT}_mongo"
        held=$(rl_output_of data | grep -xE 'official|standins' || true)
    fi
    if [[ -n $wanted && -n $held && $wanted != "$held" ]]; then
        rl_die "RUNLOG_IMAGES=$wanted, but the results of project $RL_PROJECT are in $(rl_kind_name "$held")'s format, which the other kind of image cannot read" \
            'leave RUNLOG_IMAGES out and keep the results, or give them up first: scripts/down --volumes'
    fi
    kind=${wanted:-$held}
    [[ -z $held ]] || why=" (the results of project $RL_PROJECT need them)"
    [[ -n $kind ]] || kind=$(rl_kind_of_machine)
    if [[ -z $kind ]]; then
        rl_step probe 'image registry: probe' '' rl_probe_registry
        kind=$(rl_output_of probe | tail -n 1)
    fi
    RL_IMAGE_KIND=$kind
    RL_IMAGE_HELD=$held
    if [[ $kind == official ]]; then
        RUNLOG_BASE_IMAGE=$RL_OFFICIAL_BASE RUNLOG_KAFKA_IMAGE=$RL_OFFICIAL_KAFKA RUNLOG_MONGO_IMAGE=$RL_OFFICIAL_MONGO
    else
        RUNLOG_BASE_IMAGE=$RL_STANDIN_BASE RUNLOG_KAFKA_IMAGE=$RL_STANDIN_KAFKA RUNLOG_MONGO_IMAGE=$RL_STANDIN_MONGO
    fi
    rl_say "  --      images: $kind$why"
    export RUNLOG_BASE_IMAGE RUNLOG_KAFKA_IMAGE RUNLOG_MONGO_IMAGE
}

rl_kind_name() {
    if [[ $1 == official ]]; then echo 'the official image'; else echo 'the stand-in'; fi
}

# What to try when an official image cannot be pulled.
rl_pull_hint() {
    if [[ -n $RL_IMAGE_HELD ]]; then
        printf 'the results of project %s need this image: try again when the registry answers' "$RL_PROJECT"
    else
        printf 'RUNLOG_IMAGES=standins scripts/up builds stand-ins instead'
    fi
}

# Prints "official" or "standins". The manifest of a small image must arrive within the limit; from then on the download
# may take as long as it takes.
rl_probe_registry() {
    local out pid began status=0
    out=$(mktemp)
    docker pull "$RL_OFFICIAL_BASE" >"$out" 2>&1 &
    pid=$!
    began=$SECONDS
    while kill -0 "$pid" 2>/dev/null && ! grep -q 'Pulling from' "$out" && ((SECONDS - began < RL_PROBE_SECONDS)); do
        sleep 0.2
    done
    if kill -0 "$pid" 2>/dev/null && ! grep -q 'Pulling from' "$out"; then
        echo "no answer within $RL_PROBE_SECONDS s"
        kill "$pid" 2>/dev/null || true
    fi
    wait "$pid" || status=$?
    cat "$out"
    rm -f "$out"
    if ((status == 0)); then echo official; else echo standins; fi
}

# Begins with what is missing; several steps run at once. The base image comes first: everything else is built on it.
rl_start_images() {
    rl_start_base
    if [[ $RL_IMAGE_KIND == official ]]; then
        local name
        for name in KAFKA MONGO; do
            local variable=RUNLOG_${name}_IMAGE
            rl_have_image "${!variable}" && continue
            rl_start "image-$name" "pull ${!variable}" "$(rl_pull_hint)" \
                docker pull -q "${!variable}"
            RL_IMAGE_STEPS+=("image-$name")
        done
        return 0
    fi
    if ! rl_have_image "$RL_STANDIN_MONGO"; then
        RL_MONGO_WORK="$RL_STATE/build/mongo-$$"
        rl_start ferretdb 'stand-in: MongoDB, FerretDB' 'is the Go module proxy reachable (GOPROXY)?' \
            rl_make_ferretdb "$RL_MONGO_WORK"
        rl_start postgres 'stand-in: MongoDB, PostgreSQL under it' 'is the Debian mirror reachable?' rl_make_postgres
        RL_IMAGE_STEPS+=(ferretdb postgres)
    fi
    if ! rl_have_image "$RL_STANDIN_KAFKA"; then
        rl_start kafka 'stand-in: Kafka' 'is Maven Central reachable (mvn dependency:get)?' rl_make_kafka
        RL_IMAGE_STEPS+=(kafka)
    fi
}

# The base image alone, for what needs neither Kafka nor MongoDB.
rl_start_base() {
    RL_IMAGE_STEPS=()
    if [[ $RL_IMAGE_KIND == official ]]; then
        rl_have_image "$RL_OFFICIAL_BASE" ||
            rl_step base "pull $RL_OFFICIAL_BASE" "$(rl_pull_hint)" docker pull -q "$RL_OFFICIAL_BASE"
        return 0
    fi
    rl_have_image "$RL_STANDIN_KAFKA" && rl_have_image "$RL_STANDIN_MONGO" && rl_have_image "$RL_STANDIN_BASE" && return 0
    rl_step hosttools 'host tools for the stand-ins' 'install mmdebstrap and maven by hand' rl_ensure_standin_tools
    rl_have_image "$RL_STANDIN_BASE" ||
        rl_step base "stand-in: Debian $RL_BASE_SUITE" 'is the Debian mirror reachable?' rl_make_base
}

rl_finish_images() {
    local name
    for name in "${RL_IMAGE_STEPS[@]}"; do
        rl_finish "$name"
    done
    if [[ -n ${RL_MONGO_WORK:-} ]]; then
        rl_step mongo 'stand-in: MongoDB' '' rl_make_mongo "$RL_MONGO_WORK"
    fi
}

rl_ensure_standin_tools() {
    local missing=()
    command -v mmdebstrap >/dev/null || missing+=(mmdebstrap)
    [[ -e /usr/share/keyrings/debian-archive-keyring.gpg ]] || missing+=(debian-archive-keyring)
    if ! rl_have_image "$RL_STANDIN_KAFKA" && ! command -v mvn >/dev/null; then missing+=(maven); fi
    ((${#missing[@]} == 0)) || rl_apt_install "${missing[@]}"
}

# rl_make_debian IMAGE SUITE PACKAGES [mmdebstrap option...]
rl_make_debian() {
    local image=$1 suite=$2 packages=$3 mirror
    shift 3
    mirror=$(rl_debian_mirror)
    rl_as_root mmdebstrap --quiet --variant=minbase --include="$packages" "${RL_SLIM[@]}" "$@" \
        "$suite" - "$mirror" | docker import - "$image"
}

rl_make_base() {
    rl_make_debian "$RL_STANDIN_BASE" "$RL_BASE_SUITE" ca-certificates
}

rl_make_kafka() {
    local work
    work=$(mktemp -d)
    cp "$RL_STANDINS"/kafka/* "$work/"
    mvn -B -q -ntp -f "$work/pom.xml" dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$work/libs"
    docker buildx build --builder default --progress plain --tag "$RL_STANDIN_KAFKA" \
        --build-arg RUNLOG_BASE_IMAGE="$RL_STANDIN_BASE" "$work"
    rm -rf "$work"
}

rl_make_postgres() {
    # The suite moves on without its packages being dated anew; its index may be past its own validity.
    rl_have_image "$RL_STANDIN_POSTGRES" ||
        rl_make_debian "$RL_STANDIN_POSTGRES" "$RL_POSTGRES_SUITE" "$RL_POSTGRES_PACKAGE" \
            --aptopt='Acquire::Check-Valid-Until "false"'
}

rl_make_mongo() {
    docker buildx build --builder default --progress plain --tag "$RL_STANDIN_MONGO" \
        --build-arg RUNLOG_POSTGRES_IMAGE="$RL_STANDIN_POSTGRES" "$1"
    rm -rf "$1"
}

# Puts the image's files and the FerretDB binary into a new folder. The host's Go where it is new enough, else the base
# image's, which fetches a newer one.
rl_make_ferretdb() {
    local work=$1 wanted version
    rm -rf "$work"
    mkdir -p "$work"
    cp "$RL_STANDINS"/mongo/* "$work/"
    wanted=$(awk '$1 == "go" { print $2 }' "$work/go.mod")
    version=$(GOTOOLCHAIN=local go env GOVERSION 2>/dev/null | sed 's/^go//' || true)
    if [[ -n $version ]] && printf '%s\n%s\n' "$wanted" "$version" | sort -V -C; then
        (cd "$work" && CGO_ENABLED=0 go build -mod=readonly -trimpath -ldflags='-s -w' -o ferretdb \
            github.com/FerretDB/FerretDB/v2/cmd/ferretdb)
        return
    fi
    echo "no Go >= $wanted on this host: building in a container"
    docker buildx build --builder default --progress plain --file "$work/ferretdb.Dockerfile" \
        --build-arg RUNLOG_BASE_IMAGE="$RL_STANDIN_BASE" --build-arg GOPROXY="${GOPROXY:-}" \
        --secret id=ca,src="$(rl_ca_bundle)" --output type=local,dest="$work" "$work"
}

# The certificate authorities this host trusts.
rl_ca_bundle() {
    local file
    for file in "${SSL_CERT_FILE:-}" /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem; do
        if [[ -n $file && -s $file ]]; then
            printf '%s' "$file"
            return 0
        fi
    done
    printf '/dev/null'
}
