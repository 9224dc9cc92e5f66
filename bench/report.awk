# SPDX-License-Identifier: GPL-3.0-or-later
# report.awk SIZES RESULTS: what was asked for, beside what was measured.

BEGIN {
	FS = OFS = "\t"
	print "program", "what", "measured", "limit", "verdict"
}

function check(program, what, value, limit) {
	print program, what, sprintf("%.3f", value), limit,
		value <= limit ? "met" : "MISSED"
}

FNR == NR {
	size[$1] = $2
	next
}

FNR > 1 {
	cpu[$1] = $2
	rss[$1] = $6
	if (sub(/-walk$/, "", $1))
		programs[++n] = $1
}

END {
	for (i = 1; i <= n; i++) {
		p = programs[i]
		# the limits are for programs of about 100,000 functions
		if (!(p "-symbols" in size) || size[p "-symbols"] < 10e6)
			continue
		check(p, "walk: CPU, of debug/gosym's",
			cpu[p "-walk"] / cpu[p "-gosym"], 0.5)
		check(p, "walk: memory, of debug/gosym's",
			rss[p "-walk"] / rss[p "-gosym"], 0.5)
		print p, "walk: CPU, of one pass over the bytes",
			sprintf("%.3f", cpu[p "-walk"] / cpu[p "-floor"]), "-", "-"
		check(p, "functions and lines, cold: CPU s",
			cpu[p "-basic"], 0.2)
		check(p, "functions and lines: MB", size[p "-basic"] / 1e6, 25)
		print p, "all of a symbol file, cold: CPU s",
			sprintf("%.3f", cpu[p "-symbols"]), "-", "-"
		print p, "all of a symbol file: MB",
			sprintf("%.3f", size[p "-symbols"] / 1e6), "-", "-"
		if (p "-load" in cpu)
			check(p, "go load, cached, with GDB: CPU s", cpu[p "-load"], 0.3)
		if (!(p "-break-full" in cpu))
			continue
		check(p, "break main.main: CPU, of full DWARF's",
			cpu[p "-break-ours"] / cpu[p "-break-full"], 0.2)
		check(p, "break main.main: memory, of full DWARF's",
			rss[p "-break-ours"] / rss[p "-break-full"], 0.333)
		check(p, "the same, functions and lines: CPU",
			cpu[p "-break-basic"] / cpu[p "-break-full"], 0.2)
		check(p, "the same, functions and lines: memory",
			rss[p "-break-basic"] / rss[p "-break-full"], 0.333)
		check(p, "first bt: CPU, of full DWARF's",
			cpu[p "-bt-ours"] / cpu[p "-bt-full"], 0.25)
		ours = cpu[p "-bt-ours"] - cpu[p "-run"]
		full = cpu[p "-bt-full"] - cpu[p "-run"]
		print p, "the same, beyond GDB's without symbols",
			sprintf("%.3f", ours / full), "-", "-"
		check(p, "first bt: memory, of full DWARF's",
			rss[p "-bt-ours"] / rss[p "-bt-full"], 0.5)
		check(p, "first bt, functions and lines: CPU",
			cpu[p "-bt-basic"] / cpu[p "-bt-full"], 0.25)
		check(p, "first bt, functions and lines: memory",
			rss[p "-bt-basic"] / rss[p "-bt-full"], 0.5)
	}
}
