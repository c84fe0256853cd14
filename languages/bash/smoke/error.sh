set -u
echo "$NOWHERE"
