# shellcheck shell=bash
# common.sh: what every script of this folder stands on: where things are, timed steps, failures that say what to do.
#
# A step runs a command in a subshell with `set -e`, its output in the log of this run, and prints one line with the time it
# took. When it fails, the script ends with the command that failed, its last lines and a hint. A step is therefore never
# called inside a condition: bash would switch `set -e` off in everything below it.
#
# Sourced, not run. The caller has set `set -euo pipefail` and RL_ROOT, the checkout.

readonly RL_STATE="$RL_ROOT/.runlog"
RL_LOG=/dev/null
RL_TAIL_LINES=40     # of a failed step's output that are shown
RL_TOOK='' # how long the step lasted that was finished last
RL_BEGAN=0 # when this run began, as rl_now gives it
RL_QUIET_SECONDS=20 # a step that lasts longer says that it is still at work this often

# Seconds since boot with two digits: the wall clock may jump.
rl_now() {
    local up
    read -r up _ </proc/uptime
    printf '%s' "$up"
}

# rl_since START [END] -> "12.3 s"
rl_since() {
    awk -v a="$1" -v b="${2:-$(rl_now)}" 'BEGIN { printf "%.1f s", b - a }'
}

# The time since this run began.
rl_elapsed() {
    rl_since "$RL_BEGAN"
}

rl_say() {
    printf '%s\n' "$*"
    [[ $RL_LOG == /dev/null ]] || printf '%s\n' "$*" >>"$RL_LOG"
}

# Opens the log of this run: .runlog/logs/NAME-TIME.log, the newest ten of a name are kept.
rl_open_log() {
    local name=$1
    mkdir -p "$RL_STATE/logs"
    RL_LOG="$RL_STATE/logs/$name-$(date +%Y%m%d-%H%M%S)-$$.log"
    : >"$RL_LOG"
    find "$RL_STATE/logs" -maxdepth 1 -name "$name-*.log" -printf '%T@ %p\n' | sort -rn | tail -n +11 |
        cut -d' ' -f2- | xargs -r rm -f
    RL_BEGAN=$(rl_now)
}

# Ends the script with a message and what to try.
rl_die() {
    local message=$1 hint=${2:-}
    printf '\nfailed: %s\n' "$message" >&2
    [[ -z $hint ]] || printf 'try:    %s\n' "$hint" >&2
    [[ $RL_LOG == /dev/null ]] || printf 'log:    %s\n' "$RL_LOG" >&2
    exit 1
}

# Runs a command as root, by sudo where that is needed.
rl_as_root() {
    if ((EUID == 0)); then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        echo "needs root: $*" >&2
        return 1
    fi
}

# The body of a step: strict. The command that fails leaves its name in FILE.failed, the end its status and time in
# FILE.ended: steps run side by side and are collected in turn, and by then bash may have forgotten one that ended early.
rl_strict() {
    RL_STEP_FILE=$1 # not a local: the traps run after this function has ended
    shift
    set -Eeuo pipefail
    trap 'printf "%s\n" "${BASH_COMMAND}" >"$RL_STEP_FILE.failed"' ERR
    RL_STEP_DONE=''
    trap 'rl_note_end "$?"' EXIT
    "$@"
    RL_STEP_DONE=1
}

# A step that a signal ended comes here with the status of its last command, which may well be 0.
rl_note_end() {
    local status=$1
    [[ -n $RL_STEP_DONE ]] || ((status)) || status=143
    echo "$status $(rl_now)" >"$RL_STEP_FILE.ended"
}

# rl_start NAME COMMAND...: starts a step in the background; rl_finish collects it. Several may run at once.
declare -A RL_PID RL_TITLE RL_HINT RL_START
rl_start() {
    local name=$1 title=$2 hint=$3
    shift 3
    local work="$RL_STATE/steps/$$"
    mkdir -p "$work"
    : >"$work/$name.failed"
    rm -f "$work/$name.ended"
    RL_TITLE[$name]=$title
    RL_HINT[$name]=$hint
    RL_START[$name]=$(rl_now)
    rl_say "  ..      $title"
    (rl_strict "$work/$name" "$@") >"$work/$name.out" 2>&1 </dev/null &
    RL_PID[$name]=$!
}

# rl_finish NAME: waits for the step, prints its line; ends the script when it failed (after the other steps in the
# background have been stopped). RL_SOFT=1: returns the status instead. RL_TOOK: how long the step lasted.
rl_finish() {
    local name=$1 status=0 ended='' ticking ticker took
    local work="$RL_STATE/steps/$$" title=${RL_TITLE[$1]}
    exec {ticking}> >(rl_tick "$name")
    ticker=$!
    wait "${RL_PID[$name]}" 2>/dev/null || status=$?
    # Without the file the step was killed outright, and the status is what `wait` saw.
    if [[ -s $work/$name.ended ]]; then read -r status ended <"$work/$name.ended"; fi
    exec {ticking}>&-
    wait "$ticker" 2>/dev/null || true
    unset "RL_PID[$name]"
    took=$(rl_since "${RL_START[$name]}" "$ended")
    # shellcheck disable=SC2034 # for who calls this
    RL_TOOK=$took
    {
        printf '===== %s (%s, status %s)\n' "$title" "$took" "$status"
        cat "$work/$name.out"
    } >>"$RL_LOG"
    if ((status == 0)); then
        rl_say "  ok      $title ($took)"
        return 0
    fi
    rl_say "  FAILED  $title ($took)"
    rl_report_failure "$name" "$status"
    [[ -z ${RL_SOFT:-} ]] || return "$status"
    rl_stop_steps
    exit 1
}

# Says now and then that a step is still at work, until the pipe on its standard input is closed. It is never killed: bash
# runs this script's own EXIT trap, which removes things, in a child that a signal meets right after its birth.
rl_tick() {
    local status
    while true; do
        status=0
        read -rt "$RL_QUIET_SECONDS" || status=$?
        ((status > 128)) || return 0
        printf '  ..      %s: still at it after %s\n' "${RL_TITLE[$1]}" "$(rl_since "${RL_START[$1]}")"
    done
}

# ctest's lines about tests that passed would push those that failed out of the last lines.
rl_without_passed_tests() {
    grep -vE '^ *Start +[0-9]+: |^ *[0-9]+/[0-9]+ Test .* Passed ' || true
}

# What a reader needs when a step has failed.
rl_report_failure() {
    local name=$1 status=$2 work="$RL_STATE/steps/$$"
    {
        printf '\n%s failed with status %s.\n' "${RL_TITLE[$name]}" "$status"
        [[ ! -s $work/$name.failed ]] || printf 'command: %s\n' "$(head -n 1 "$work/$name.failed")"
        printf 'its last lines:\n'
        rl_without_passed_tests <"$work/$name.out" | tail -n "$RL_TAIL_LINES" | sed 's/^/    | /'
        [[ -z ${RL_HINT[$name]} ]] || printf 'try: %s\n' "${RL_HINT[$name]}"
        printf 'log: %s\n\n' "$RL_LOG"
    } >&2
}

# Stops the steps that still run in the background, each with what it started.
rl_stop_steps() {
    local name
    for name in "${!RL_PID[@]}"; do
        rl_kill_tree "${RL_PID[$name]}"
    done
}

rl_kill_tree() {
    local child
    for child in $(cat "/proc/$1/task/$1/children" 2>/dev/null || true); do
        rl_kill_tree "$child"
    done
    kill "$1" 2>/dev/null || true
}

# rl_step NAME TITLE HINT COMMAND...: one step in the foreground.
rl_step() {
    rl_start "$@"
    rl_finish "$1"
}

# The last output of a step that succeeded.
rl_output_of() {
    cat "$RL_STATE/steps/$$/$1.out"
}

rl_clean_steps() {
    rm -rf "${RL_STATE:?}/steps/$$"
}

rl_text_hash() {
    printf '%s' "$1" | sha256sum | cut -c1-12
}

# A hash of the content and names of files: the key of everything that is built from them. Twelve digits.
rl_content_hash() {
    local file
    for file in "$@"; do
        printf '%s %s\n' "$(sha256sum <"$file" | cut -c1-64)" "${file##*/}"
    done | sha256sum | cut -c1-12
}

# Refreshes the package index once per step. One broken source among several is no reason to stop: the installation
# that follows will say what it misses.
rl_apt_refresh() {
    [[ -z ${RL_APT_FRESH:-} ]] || return 0
    rl_as_root apt-get update -qq || echo 'apt-get update failed for some source'
    RL_APT_FRESH=1
}

# Installs Debian packages.
rl_apt_install() {
    command -v apt-get >/dev/null || {
        echo "not a Debian host: install by hand: $*" >&2
        return 1
    }
    rl_apt_refresh
    rl_as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"
}

# Whether the host's package index offers PACKAGE at version MINIMUM or later.
rl_apt_offers() {
    local candidate
    command -v apt-cache >/dev/null || return 1
    candidate=$(apt-cache policy "$1" 2>/dev/null | awk '/Candidate:/ { print $2 }')
    [[ -n $candidate && $candidate != '(none)' ]] && dpkg --compare-versions "$candidate" ge "$2"
}

# Holds a lock of this machine while a part runs that two checkouts must not do at once. Released when the script ends
# (the descriptor closes) or by rl_unlock_machine.
rl_lock_machine() {
    exec {RL_LOCK_FD}>>"$(rl_lock_file)"
    if ! flock -n "$RL_LOCK_FD"; then
        rl_say '  ..      another run prepares this machine: waiting for it'
        flock "$RL_LOCK_FD"
    fi
}

# In a folder where nobody else can put a file of that name, or a link to a file that is dear to us.
rl_lock_file() {
    local folder=${XDG_RUNTIME_DIR:-$HOME}
    if ((EUID == 0)); then folder=/run/lock; fi
    [[ -d $folder ]] || folder=$HOME
    printf '%s/runlog-setup.lock' "$folder"
}

rl_unlock_machine() {
    exec {RL_LOCK_FD}>&-
}
