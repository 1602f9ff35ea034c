#!/bin/bash
# One script for the machine, per connection.
# in:  TOKEN LENGTH\n<LENGTH bytes of script>   out: <stdout><stderr>\nENDED STATUS LENGTH-OF-STDERR\n
read -r token length
[ "$token" = "$TOKEN" ] || exit 1
unset TOKEN
own=/run/vm/exec-$$; mkdir $own
LC_ALL=C IFS= read -r -N "$length" script; printf %s "$script" > $own/script
cd /
bash $own/script </dev/null 2>$own/stderr; status=$?
size=$(stat -c %s $own/stderr); cat $own/stderr
printf '\nENDED %d %d\n' $status "$size"
rm -rf $own
