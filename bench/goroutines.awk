# SPDX-License-Identifier: GPL-3.0-or-later
# goroutines.awk RESULTS: what was asked for, beside what was measured.

BEGIN {
	FS = OFS = "\t"
	print "what", "of what", "measured", "limit", "verdict"
}

function check(what, of, value, limit) {
	print what, of, sprintf("%.3f", value), limit,
		value <= limit ? "met" : "MISSED"
}

# against NAME LIMIT: Delve on the twin
function against(name, limit) {
	if (!(name "-dlv" in cpu))
		return
	check(name ": CPU", "Delve's", cpu[name] / cpu[name "-dlv"], limit)
	check(name ": wall", "Delve's", wall[name] / wall[name "-dlv"], limit)
	check(name ": memory", "Delve's", rss[name] / rss[name "-dlv"], 0.25)
}

FNR > 1 {
	cpu[$1] = $2
	wall[$1] = $5
	rss[$1] = $6
}

END {
	against("live-list", 0.05)
	against("core-list", 0.05)
	against("live-stacks", 0.04)
	against("core-stacks", 0.04)
	if ("remote-list" in cpu) {
		check("gdbserver: CPU of both", "local", cpu["remote-list"] / cpu["live-list"], 5)
		check("gdbserver: wall", "local", wall["remote-list"] / wall["live-list"], 5)
	}
	check("ten times as many: CPU", "ten times the time", cpu["tenfold-list"] / cpu["live-list"] / 10, 1.1)
	check("10,000 stops with the reader: CPU", "without", cpu["stops"] / cpu["stops-without"], 1.05)
	check("10,000 stops with the reader: wall", "without", wall["stops"] / wall["stops-without"], 1.05)
}
