IFS= read -r first </proc/1/comm
[[ $first == runlog-agent && $EUID != 0 ]] || { echo 'BREACH: this is no sandbox'; exit 99; }
refused() { if "$@"; then echo "BREACH: $*"; else echo "refused: $1"; fi; }
