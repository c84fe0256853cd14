# shellcheck shell=bash
# docker.sh: a Docker Engine that answers, with the compose and buildx plugins. Nothing is done where all three are there.
#
# Sourced after common.sh.

readonly RL_DOCKERD_LOG=/var/log/runlog-dockerd.log

rl_engine_answers() {
    timeout 15 docker version --format '{{.Server.Version}}' >/dev/null 2>&1
}

rl_ensure_docker() {
    if ! command -v docker >/dev/null || ! rl_engine_answers; then
        rl_step engine 'Docker Engine' \
            'install Docker Engine by hand (https://docs.docker.com/engine/install/), then run this again' rl_provide_engine
    fi
    if ! docker compose version >/dev/null 2>&1 || ! docker buildx version >/dev/null 2>&1; then
        rl_step plugins 'Docker plugins: compose, buildx' \
            'install the compose and buildx plugins by hand, then run this again' rl_provide_plugins
    fi
}

# Installs what is missing of the engine and starts it.
rl_provide_engine() {
    if [[ -n ${DOCKER_HOST:-} ]]; then
        echo "DOCKER_HOST=$DOCKER_HOST does not answer, and it is not this script's to start" >&2
        return 1
    fi
    if timeout 15 docker version 2>&1 | grep -qi 'permission denied'; then
        echo "the engine runs, but $(id -un) may not use it: sudo usermod -aG docker $(id -un), then log in again" >&2
        return 1
    fi
    if ! command -v dockerd >/dev/null && [[ ! -x /usr/sbin/dockerd ]]; then
        local packages=(docker.io iptables)
        rl_apt_refresh
        # Newer Debian splits the client off.
        command -v docker >/dev/null || ! rl_apt_offers docker-cli 0 || packages+=(docker-cli)
        rl_apt_install "${packages[@]}"
    fi
    command -v iptables >/dev/null || [[ -x /usr/sbin/iptables ]] || rl_apt_install iptables
    rl_start_engine
    rl_await_engine
}

rl_start_engine() {
    if [[ -d /run/systemd/system ]]; then
        rl_as_root systemctl start docker
        return
    fi
    rl_remove_stale_pid /var/run/docker.pid dockerd
    rl_remove_stale_pid /var/run/docker/containerd/containerd.pid containerd
    # In a session of its own and with no descriptor of ours, so that it survives this script and its terminal.
    # shellcheck disable=SC2016 # the inner shell expands $fd
    rl_as_root env PATH="$PATH:/usr/sbin:/sbin" setsid --fork \
        bash -c 'for fd in /proc/self/fd/*; do fd=${fd##*/}; ((fd < 3)) || eval "exec $fd>&-"; done; exec dockerd' \
        </dev/null >>"$(rl_dockerd_log)" 2>&1
}

# A log the caller may write: root's own place, or beside the other logs.
rl_dockerd_log() {
    if [[ -w ${RL_DOCKERD_LOG%/*} ]]; then printf '%s' "$RL_DOCKERD_LOG"; else printf '%s' "$RL_STATE/dockerd.log"; fi
}

# After an unclean end the pid file stays, and its number may by now be another process: the engine would not start.
rl_remove_stale_pid() {
    local file=$1 name=$2 pid
    [[ -e $file ]] || return 0
    pid=$(rl_as_root cat "$file" 2>/dev/null || true)
    if [[ $pid =~ ^[0-9]+$ && -r /proc/$pid/comm && $(<"/proc/$pid/comm") == "$name" ]]; then return 0; fi
    echo "removing $file: no $name runs as ${pid:-(empty)}"
    rl_as_root rm -f "$file"
}

rl_await_engine() {
    local tries
    for ((tries = 0; tries < 120; tries++)); do
        if rl_engine_answers; then return 0; fi
        sleep 0.5
    done
    echo 'the engine did not answer within a minute; its log ends:' >&2
    tail -n 20 "$(rl_dockerd_log)" >&2 || true
    return 1
}

# The plugins come from the host's own distribution where it has them, else from the packages of Debian 13, unpacked into
# the user's plugin folder: they run on older Debian too.
rl_provide_plugins() {
    local wanted=()
    if ! docker compose version >/dev/null 2>&1; then
        rl_install_plugin_package compose docker-compose-plugin docker-compose-v2 docker-compose || wanted+=(docker-compose)
    fi
    if ! docker buildx version >/dev/null 2>&1; then
        rl_install_plugin_package buildx docker-buildx-plugin docker-buildx || wanted+=(docker-buildx)
    fi
    if ((${#wanted[@]})); then rl_unpack_plugins "${wanted[@]}"; fi
    docker compose version
    docker buildx version
}

# Tries the distribution's packages in turn. The old Python docker-compose (1.x) is no plugin and does not count.
rl_install_plugin_package() {
    local plugin=$1 package minimum
    shift
    for package in "$@"; do
        minimum=0
        [[ $package == docker-compose ]] && minimum=2
        rl_apt_offers "$package" "$minimum" || continue
        rl_apt_install "$package" && docker "$plugin" version && return 0
    done
    return 1
}

# The Debian mirror to take other suites from: RUNLOG_DEBIAN_MIRROR, or the one that this host's apt is set up with. Where
# apt has read no index yet it knows no labels, so its lists are refreshed before giving up.
rl_debian_mirror() {
    local mirror
    mirror=$(rl_setting RUNLOG_DEBIAN_MIRROR '')
    [[ -n $mirror ]] || mirror=$(rl_mirror_of_apt)
    if [[ -z $mirror ]] && command -v apt-get >/dev/null; then
        rl_apt_refresh >&2
        mirror=$(rl_mirror_of_apt)
    fi
    if [[ -z $mirror ]]; then
        echo 'this host is not set up with a Debian mirror: set RUNLOG_DEBIAN_MIRROR to the address of one, as in' >&2
        echo 'RUNLOG_DEBIAN_MIRROR=http://MIRROR/debian scripts/up' >&2
        return 1
    fi
    printf '%s' "${mirror%/}"
}

# The first source of apt that calls itself Debian; a local mirror may have no label, but then has the usual path.
rl_mirror_of_apt() {
    command -v apt-get >/dev/null || return 0
    # shellcheck disable=SC2016 # apt expands it
    apt-get indextargets --format '$(REPO_URI) $(LABEL)' 'Created-By: Packages' |
        awk '!found && ($2 == "Debian" || (!$2 && $1 ~ "/debian/$")) { sub("/$", "", $1); print $1; found = 1 }'
}

rl_unpack_plugins() {
    local work target package mirror
    mirror=$(rl_debian_mirror)
    work=$(mktemp -d)
    target="${DOCKER_CONFIG:-$HOME/.docker}/cli-plugins"
    mkdir -p "$target" "$work"/lists/partial "$work"/cache/archives/partial "$work"/debs
    cat >"$work/trixie.sources" <<SOURCES
Types: deb
URIs: $mirror
Suites: trixie
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
SOURCES
    : >"$work/status"
    # An index of its own: the host's sources stay as they are.
    local apt=(apt-get -qq -o Dir::Etc::SourceParts=/dev/null -o Dir::Etc::SourceList="$work/trixie.sources"
        -o Dir::State::Lists="$work/lists" -o Dir::State::status="$work/status" -o Dir::Cache="$work/cache"
        -o Acquire::Languages=none -o APT::Sandbox::User=)
    "${apt[@]}" update
    (cd "$work/debs" && "${apt[@]}" download "$@")
    for package in "$@"; do
        dpkg-deb --extract "$work/debs/$package"_*.deb "$work/root"
        install -m 0755 "$work/root/usr/libexec/docker/cli-plugins/$package" "$target/$package"
    done
    rm -rf "$work"
}
