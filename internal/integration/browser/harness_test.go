//go:build unix

package browser_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/jwtgate/gate/internal/integration/servers"
)

// patience is how long a test waits for anything. Loaded machines are slow, and what is
// ready costs nothing of it.
const patience = time.Minute

// browsers are the names of the program.
var browsers = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"}

// shared is the browser that most tests use, each with a profile of its own.
var shared struct {
	sync.Mutex
	ctx  context.Context
	stop func() error
}

func TestMain(m *testing.M) {
	code := m.Run()
	os.RemoveAll(built.dir)
	if shared.stop != nil {
		if err := shared.stop(); err != nil {
			fmt.Fprintln(os.Stderr, "stopping the browser:", err)
			code = max(code, 1)
		}
	}
	os.Exit(code)
}

// newProfile returns a tab in a profile of its own: it has no cookies, and shares nothing
// with other tests. The tab and the profile end with the test.
func newProfile(t testing.TB) context.Context {
	t.Helper()
	program := servers.Need(t, browsers...)
	shared.Lock()
	defer shared.Unlock()
	if shared.ctx == nil {
		dir, err := os.MkdirTemp("", "browser")
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop, err := launch(program, dir)
		if err != nil {
			t.Fatal(err)
		}
		shared.ctx = ctx
		shared.stop = func() error {
			if err := stop(); err != nil {
				return err
			}
			return removeProfile(dir)
		}
	}
	return open(t, shared.ctx, chromedp.WithNewBrowserContext())
}

// removeProfile removes the folder of a browser that was ended. Its child processes may
// write into the folder for a moment longer.
func removeProfile(dir string) error {
	end := time.Now().Add(patience)
	for {
		if err := os.RemoveAll(dir); err == nil || time.Now().After(end) {
			return err
		}
		time.Sleep(10 * time.Millisecond) // other processes: there is nothing to wait on
	}
}

// newTab returns another tab in the profile of a tab.
func newTab(t testing.TB, tab context.Context) context.Context {
	t.Helper()
	return open(t, tab)
}

// open opens a tab. An error that a script of the page does not catch fails the test.
func open(t testing.TB, parent context.Context, o ...chromedp.ContextOption) context.Context {
	t.Helper()
	ctx, _ := chromedp.NewContext(parent, o...)
	t.Cleanup(func() { _ = chromedp.Cancel(ctx) }) // waits until the tab is closed
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("opening a tab: %v", err)
	}
	err := chromedp.Listen(ctx, func(ev any) {
		if e, ok := ev.(*runtime.EventExceptionThrown); ok && ctx.Err() == nil {
			t.Errorf("a script failed: %s", describe(e.ExceptionDetails))
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return ctx
}

func describe(e *runtime.ExceptionDetails) string {
	if e.Exception != nil && e.Exception.Description != "" {
		return e.Exception.Description
	}
	return e.Text
}

// launch starts a browser with the profile in dir. stop ends it as a user does, so that it
// has written the profile.
func launch(program, dir string) (ctx context.Context, stop func() error, err error) {
	pin := sha256.Sum256(certificate().Leaf.RawSubjectPublicKeyInfo)
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(program), chromedp.UserDataDir(dir), chromedp.Headless, chromedp.WSURLReadTimeout(patience),
		chromedp.Flag("ignore-certificate-errors-spki-list", base64.StdEncoding.EncodeToString(pin[:])),
		chromedp.Flag("host-resolver-rules", "MAP * 127.0.0.1"), // no name leads to the network
		chromedp.Flag("force-color-profile", "srgb"),
	}
	for _, name := range []string{
		"no-sandbox", "no-first-run", "no-default-browser-check", "disable-gpu", "disable-quic", "disable-dev-shm-usage",
		"disable-background-networking", "disable-component-update", "disable-sync", "disable-breakpad", "disable-default-apps",
		"disable-background-timer-throttling", "disable-backgrounding-occluded-windows", "disable-renderer-backgrounding",
		"disable-hang-monitor", "metrics-recording-only", "disable-domain-reliability",
	} {
		options = append(options, chromedp.Flag(name, true))
	}
	allocated, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, _ = chromedp.NewContext(allocated)
	stop = sync.OnceValue(func() error {
		defer cancel()
		end, done := context.WithTimeout(ctx, patience)
		defer done()
		return chromedp.Cancel(end)
	})
	if err := chromedp.Do(ctx); err != nil {
		cancel()
		return nil, nil, fmt.Errorf("starting %s: %w", program, err)
	}
	return ctx, stop, nil
}

// visit opens a page.
func visit(t testing.TB, tab context.Context, url string) {
	t.Helper()
	do(t, tab, chromedp.Navigate(url))
}

// do runs actions in a tab.
func do(t testing.TB, tab context.Context, actions ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	ctx, cancel := context.WithTimeout(tab, patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		t.Fatal(err)
	}
}

// eval returns the value of a JavaScript expression in the page, or of the promise that it
// is. It may use await in a function of its own: (async () => { ... })().
func eval[T any](t testing.TB, tab context.Context, js string) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(tab, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](js, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("%s: %v", js, err)
	}
	return v
}

// waitFor returns when a JavaScript expression, or the promise that it is, is true, also on
// a page that the tab comes to meanwhile.
func waitFor(t testing.TB, tab context.Context, js string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(tab, patience)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		// An expression fails while the tab changes from one page to another.
		if ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool](js, chromedp.EvalAwaitPromise)); err == nil && ok {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			where, _ := chromedp.Run(tab, chromedp.Evaluate[string]("location.href + '\\n' + document.body?.innerText"))
			t.Fatalf("not true in %v: %s\n%.2000s", patience, js, where)
		}
	}
}
