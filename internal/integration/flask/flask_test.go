//go:build unix

package flask_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jwtgate/gate/internal/integration/servers"
)

// live is one process with Flask, and one server of ours.
type live struct {
	t           testing.TB
	flask, gate string // addresses
	apps        map[string]http.Handler
	client      *http.Client
}

// startLive starts both.
func startLive(t testing.TB) *live {
	t.Helper()
	servers.Need(t, "/usr/lib/python3/dist-packages/flask_jwt_extended/__init__.py")
	python := servers.Need(t, "/usr/bin/python3") // the one that has Debian's packages
	script, err := filepath.Abs("testdata/app.py")
	if err != nil {
		t.Fatal(err)
	}
	addr := fmt.Sprint("127.0.0.1:", servers.FreePort(t))
	servers.Run(t, addr, []string{"PYTHONDONTWRITEBYTECODE=1"}, python, script, addr[strings.LastIndex(addr, ":")+1:])
	l := &live{t: t, flask: "http://" + addr, apps: map[string]http.Handler{}, client: &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	ours := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l.apps[r.Header.Get("X-App")].ServeHTTP(w, r)
	}))
	t.Cleanup(ours.Close)
	l.gate = ours.URL
	return l
}

// add makes an application on both sides.
func (l *live) add(s spec) error {
	a, err := newApp(s)
	if err != nil {
		return err
	}
	l.apps[s.Name] = a
	r, err := l.client.Post(l.flask+"/__app", "application/json", strings.NewReader(compact(s)))
	if err != nil {
		return err
	}
	defer r.Body.Close()
	if r.StatusCode != http.StatusNoContent {
		return fmt.Errorf("Flask answers %s to the options of %s", r.Status, s.Name)
	}
	return nil
}

// ask sends a request to one side.
func (l *live) ask(server, app string, q request) reply {
	l.t.Helper()
	r, err := q.httpRequest(server, app)
	if err != nil {
		l.t.Fatal(err)
	}
	res, err := l.client.Do(r)
	if err != nil {
		l.t.Fatalf("%s: %v", q.name, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		l.t.Fatalf("%s: %v", q.name, err)
	}
	return reply{res.StatusCode, res.Header, body}
}

// tally counts comparisons.
type tally struct{ all, equal, listed, others int }

// TestSameAnswers sends the same requests to both sides, over all option sets.
func TestSameAnswers(t *testing.T) {
	l, rows, n := startLive(t), listed(t), tally{}
	sets := optionSets()
	for i, s := range sets {
		if err := l.add(s.spec); err != nil {
			t.Error(err)
			continue
		}
		for _, q := range s.requests(i) {
			if d := n.judge(s, q, differences(l.ask(l.flask, s.Name, q), l.ask(l.gate, s.Name, q)), rows); d != nil {
				t.Errorf("%s %s (%s, %v), options %v %v:\n%s: Flask %q, here %q", q.method, q.path, q.name, q.keys, short(s.Options), s.Loaders, d.what, d.theirs, d.ours)
			}
		}
	}
	for _, r := range rows {
		if r.seen == 0 {
			t.Errorf("%s lists %s, which no answer shows", guidePage, r.key)
		}
	}
	if len(sets) < 100 || n.all < 5000 {
		t.Errorf("%d option sets and %d comparisons; 100 and 5,000 are wanted", len(sets), n.all)
	}
	fmt.Fprintf(os.Stdout, "flask: %d comparisons, %d equal, %d listed, %d others\n", n.all, n.equal, n.listed, n.others)
}

// judge counts one comparison, and returns a difference that no row explains.
func (n *tally) judge(s optionSet, q request, all []difference, rows []*row) *difference {
	n.all++
	if len(all) == 0 {
		n.equal++
		return nil
	}
	keys := slices.Concat(s.keys, q.keys)
	for _, d := range all {
		i := slices.IndexFunc(rows, func(r *row) bool { return r.explains(d, keys) })
		if i < 0 {
			n.others++
			return &d
		}
		rows[i].seen++
	}
	n.listed++
	return nil
}

// short are the options without what all have.
func short(options object) object {
	few := object{}
	for name, v := range options {
		if !strings.HasSuffix(name, "_KEY") {
			few[name] = v
		}
	}
	return few
}
