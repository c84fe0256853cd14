# The tools that scripts call most, so that their names are in the image's list.
printf '3\n1\n2\n' | sort -n | head -n 2 | tail -n 1 | tr 1 2 | cut -c 1 | sed 's/2/3/' | grep -c 3 | awk '{ print $1 }' | wc -l
ls / >/dev/null
cat </dev/null | uniq | xargs echo | tee /dev/null
date +%s >/dev/null
expr 1 + 1 >/dev/null
seq 1 2 | bc >/dev/null
find . -maxdepth 0 >/dev/null
sleep 0
