#!/bin/bash
# One script for the machine, per connection.
# in:  TOKEN LENGTH\n<LENGTH bytes of script>   out: <stdout><stderr>\nENDED STATUS LENGTH-OF-STDERR\n
read -r token length
[ "$token" = "$TOKEN" ] || exit 1
unset TOKEN
LC_ALL=C IFS= read -r -N "$length" script
cd /
# Every process costs a tenth of a second here: the usual case, no errors, takes one.
errors=/run/vm/errors-$$
bash -c "$script" </dev/null 2>$errors; status=$?
size=0
if [ -s $errors ]; then size=$(stat -c %s $errors); cat $errors; rm $errors; fi
printf '\nENDED %d %d\n' $status "$size"
