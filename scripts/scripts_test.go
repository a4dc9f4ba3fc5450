// Package scripts_test holds the scripts to what every developer's machine has: GNU
// and BSD tools, and the bash 3.2 of macOS.
package scripts_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// notEverywhere are uses of tools that work with GNU's tools or a newer bash only.
var notEverywhere = []struct{ name, pattern string }{
	{"find -printf", `\bfind\b.*-(printf|regextype)`},
	{"grep -P", `\bgrep\s+(-\S+\s+)*-[a-zA-Z]*P`},
	{"sed -i", `\bsed\s+(-\S+\s+)*-[a-zA-Z]*i`},
	{"sed with \\t, \\n, \\s, \\w, \\b, \\+ or \\?", `\bsed\b.*\\[tnswb+?]`},
	{"grep with \\s, \\w, \\b, \\+ or \\?", `\bgrep\b.*\\[swb+?]`},
	{"expand", `\bexpand\b`},
	{"readlink -f", `\breadlink\s+-\S*[fem]`},
	{"realpath", `\brealpath\b`},
	{"xargs -r or -d", `\bxargs\s+(-\S+\s+)*-[a-zA-Z]*[rd]`},
	{"date -d or --", `\bdate\s+(-d|--)`},
	{"stat -c", `\bstat\s+(-c|--)`},
	{"sort -V", `\bsort\s+(-\S+\s+)*-[a-zA-Z]*V`},
	{"head -n -N", `\bhead\s+-n\s*-`},
	{"a long option of a tool", `\b(ls|cp|mv|rm|mkdir|mktemp|cut|tr|sort|uniq|head|tail|wc|find|grep|sed|awk|tee)\s+(-\S+\s+)*--[a-z]`},
	{"timeout, nproc, tac, or shuf", `(^|[;&|(])\s*(timeout|nproc|tac|shuf)\b`},
	{"mapfile or readarray", `\b(mapfile|readarray)\b`},
	{"declare -A", `\b(declare|local)\s+-[a-zA-Z]*[An]`},
	{"a change of case in an expansion", `\$\{\w+(,,|\^\^)`},
	{"|& or &>>", `\|&|&>>`},
}

// files are the scripts, the Makefile and what continuous integration runs.
func files(t *testing.T) []string {
	t.Helper()
	all, err := filepath.Glob("*.sh")
	if err != nil || len(all) < 5 {
		t.Fatalf("found %q, which cannot be all: %v", all, err)
	}
	return append(all, "../Makefile", "../.ci/run")
}

func TestScriptsWorkEverywhere(t *testing.T) {
	for _, name := range files(t) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(text), "\n") {
			for _, found := range uses(line) {
				t.Errorf("%s:%d uses %s, which is not everywhere: %s", name, i+1, found, line)
			}
		}
	}
}

// uses returns what a line uses that is not everywhere. Comments use nothing.
func uses(line string) (names []string) {
	if strings.HasPrefix(strings.TrimSpace(line), "#") {
		return nil
	}
	for _, u := range notEverywhere {
		if regexp.MustCompile(u.pattern).MatchString(line) {
			names = append(names, u.name)
		}
	}
	return names
}

// TestScan: the scan finds what it looks for.
func TestScan(t *testing.T) {
	for _, line := range []string{
		`find . -name go.mod -printf '%h\n' | sort`,
		`grep -oP '\d+' file`,
		`sed -i 's/a/b/' file`,
		`sed -E 's/:/\t/'`,
		`	nproc`,
		`cat x | expand -t 12`,
		`cp --archive a b`,
		`mapfile -t lines < file`,
		`date -d yesterday`,
	} {
		if len(uses(line)) == 0 {
			t.Errorf("the scan finds nothing in %s", line)
		}
	}
	if found := uses(`	find . -name go.mod | sed 's#/go\.mod$##' | sort`); found != nil {
		t.Errorf("the scan finds %q in a line that works everywhere", found)
	}
}

func TestBashReadsScripts(t *testing.T) {
	for _, name := range files(t) {
		if name == "../Makefile" {
			continue
		}
		if out, err := exec.Command("bash", "-n", name).CombinedOutput(); err != nil {
			t.Errorf("bash -n %s: %v\n%s", name, err, out)
		}
	}
}

// TestServers: what servers.sh does on four kinds of machine, with another script in
// the place of the one that installs.
func TestServers(t *testing.T) {
	const asks, hint, installs = "to refuse: make test SERVERS=no", "to have them: ", "INSTALLING"
	for _, tt := range []struct {
		name, uid, missing string
		env                []string
		want, never        []string
	}{
		{"root", "0", "redis-server", nil, []string{"apt-get and npm: redis-server", asks, installs}, []string{hint}},
		{"root, refused", "0", "redis-server", []string{"SERVERS=no"}, []string{hint}, []string{installs}},
		{"not root", "1000", "redis-server", nil, []string{"not installed: redis-server", hint}, []string{installs}},
		{"nothing missing", "0", "", nil, nil, []string{asks, hint, installs}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out := runServers(t, tt.uid, tt.missing, tt.env)
			rest := out
			for _, want := range tt.want {
				_, after, ok := strings.Cut(rest, want)
				if !ok {
					t.Fatalf("printed no %q, or not in this order: %q", want, out)
				}
				rest = after
			}
			for _, never := range tt.never {
				if strings.Contains(out, never) {
					t.Errorf("printed %q: %q", never, out)
				}
			}
		})
	}
}

// runServers runs servers.sh as a user, on a machine where packages are missing.
func runServers(t *testing.T, uid, missing string, env []string) string {
	t.Helper()
	dir := t.TempDir()
	text, err := os.ReadFile("servers.sh")
	if err != nil {
		t.Fatal(err)
	}
	program(t, filepath.Join(dir, "scripts", "servers.sh"), string(text))
	program(t, filepath.Join(dir, "scripts", "install-servers.sh"),
		"#!/bin/sh\n[ \"${1:-}\" = missing ] && echo '"+missing+"' && exit\necho INSTALLING\n")
	program(t, filepath.Join(dir, "bin", "id"), "#!/bin/sh\necho "+uid+"\n")
	cmd := exec.Command(filepath.Join(dir, "scripts", "servers.sh"))
	cmd.Env = append(os.Environ(), "CI=", "SERVERS=", "PATH="+filepath.Join(dir, "bin")+":"+os.Getenv("PATH"))
	cmd.Env = append(cmd.Env, env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

func program(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

// TestHelp: make help names each target that is described.
func TestHelp(t *testing.T) {
	makefile, err := os.ReadFile("../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("make", "-s", "-C", "..", "help").CombinedOutput()
	if err != nil {
		t.Skipf("no make here: %v\n%s", err, out)
	}
	for _, m := range regexp.MustCompile(`(?m)^([a-z]+):.*## (.*)$`).FindAllStringSubmatch(string(makefile), -1) {
		if !regexp.MustCompile(`(?m)^ +` + m[1] + ` +` + regexp.QuoteMeta(m[2]) + `$`).Match(out) {
			t.Errorf("make help has no line for %q: %q", m[1], m[2])
		}
	}
}

// TestNoLargeFiles: go build leaves programs beside their source, which nobody means to
// commit.
func TestNoLargeFiles(t *testing.T) {
	out, err := exec.Command("git", "-C", "..", "ls-files", "-z").Output()
	if err != nil {
		t.Skip("this is no clone of the repository: ", err)
	}
	const most = 1 << 20
	for name := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		info, err := os.Stat(filepath.Join("..", name))
		if err == nil && info.Size() > most {
			t.Errorf("%s has %d bytes, more than %d", name, info.Size(), most)
		}
	}
}
