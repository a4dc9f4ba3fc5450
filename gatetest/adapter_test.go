package gatetest_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/gatetest"
)

// adapterFault is a fault of an adapter, and the check that has to see it.
type adapterFault struct {
	name, check string
	guard       func(g *gate.Gate, p gate.Policy) func(http.Handler) http.Handler
	renew       func(g *gate.Gate, o gate.RenewOptions) func(http.Handler) http.Handler
	ctx         func(context.Context) context.Context
	body        func(r *http.Request) io.Reader
	cookies     func(w http.ResponseWriter, list []*http.Cookie)
}

// buildHTTP serves with net/http, which is an adapter with nothing to adapt.
func buildHTTP(f adapterFault) func(*testing.T, gatetest.AdapterApp) func(net.Listener) error {
	return func(_ *testing.T, app gatetest.AdapterApp) func(net.Listener) error {
		mux := http.NewServeMux()
		for _, route := range app.Routes {
			h := f.handler(route)
			for i := len(route.Policies) - 1; i >= 0; i-- {
				h = f.guard(app.Gate, route.Policies[i])(h)
			}
			mux.Handle(route.Pattern, h)
		}
		h := http.Handler(mux)
		if app.Renew != nil {
			h = f.renew(app.Gate, *app.Renew)(h)
		}
		return func(l net.Listener) error { return http.Serve(l, recovered(h)) }
	}
}

func (f adapterFault) handler(route gatetest.AdapterRoute) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(f.body(r))
		if err != nil {
			panic(err)
		}
		ctx := f.ctx(r.Context())
		t, _ := gate.FromContext(ctx)
		user, _ := gate.User[any](ctx)
		a := route.Handle(ctx, t, user, body)
		for name, values := range a.Header {
			w.Header()[name] = values
		}
		f.cookies(w, a.Cookies)
		w.WriteHeader(a.Status)
		io.WriteString(w, a.Body)
	})
}

// recovered answers panics with 500, and takes back what was to be sent.
func recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if recover() != nil {
				w.WriteHeader(http.StatusInternalServerError)
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// sound is without a fault.
func sound() adapterFault {
	return adapterFault{
		guard: (*gate.Gate).Require, renew: (*gate.Gate).Renew, cookies: gate.SetCookies,
		ctx:  func(ctx context.Context) context.Context { return ctx },
		body: func(r *http.Request) io.Reader { return r.Body },
	}
}

func TestAdapter(t *testing.T) {
	var protocols sync.Map
	f := sound()
	f.body = func(r *http.Request) io.Reader {
		protocols.Store(r.Proto, true)
		return r.Body
	}
	gatetest.Adapter(t, buildHTTP(f))
	for _, p := range []string{"HTTP/1.1", "HTTP/2.0"} {
		if _, ok := protocols.Load(p); !ok {
			t.Errorf("the suite never spoke %s", p)
		}
	}
}

// complete fills what the fault leaves alone.
func (f adapterFault) complete() adapterFault {
	s := sound()
	if f.guard != nil {
		s.guard = f.guard
	}
	if f.renew != nil {
		s.renew = f.renew
	}
	if f.ctx != nil {
		s.ctx = f.ctx
	}
	if f.body != nil {
		s.body = f.body
	}
	if f.cookies != nil {
		s.cookies = f.cookies
	}
	return s
}

// TestPlantedAdapter is run by TestAdapterSuiteBites.
func TestPlantedAdapter(t *testing.T) {
	for _, f := range plantedAdapters {
		if f.name == os.Getenv("GATETEST_PLANTED") {
			gatetest.Adapter(t, buildHTTP(f.complete()))
		}
	}
}

// TestAdapterSuiteBites runs the suite on adapters with a fault each, and wants the check
// that is for it to fail.
func TestAdapterSuiteBites(t *testing.T) {
	for _, f := range plantedAdapters {
		t.Run(f.name, func(t *testing.T) {
			cmd := exec.Command(os.Args[0], "-test.run=^TestPlantedAdapter$/^in process$/^"+f.check+"$", "-test.v")
			cmd.Env = append(os.Environ(), "GATETEST_PLANTED="+f.name)
			out, err := cmd.CombinedOutput()
			failed := "--- FAIL: TestPlantedAdapter/in_process/" + strings.ReplaceAll(f.check, " ", "_") + " "
			if err == nil || !bytes.Contains(out, []byte(failed)) {
				t.Errorf("error %v; want the check %q to fail:\n%s", err, f.check, summary(out))
			}
		})
	}
}
