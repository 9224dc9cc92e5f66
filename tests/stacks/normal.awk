# SPDX-License-Identifier: GPL-3.0-or-later
# A traceback, Go's or ours, as one line for each goroutine, call and creator,
# each with the goroutine's number before it.  Arguments and registers are
# left out; so is goroutine 0, which is a thread's own stack.
function name(line) {
	sub(/\([^()]*\)$/, "", line)
	return line
}
/^goroutine [0-9]+ / {
	id = $2
	head = $0
	sub(/ gp=[^ ]+ m=[^ ]+( mp=[^ ]+)? \[/, " [", head)
	# minutes may pass between the two
	sub(/, [0-9]+ minutes/, ", minutes", head)
	if (id != 0)
		print id, head
	next
}
/^\t/ && id {
	sub(/ fp=0x.*/, "")
	print id, call, $1, $2
	next
}
/^created by / && id {
	call = $0
	next
}
/^\.\.\./ && id {
	if ($0 !~ /of the runtime's own/)
		print id, $0
	next
}
/\)$/ {
	call = name($0)
	next
}
/^$/ {
	id = 0
}
