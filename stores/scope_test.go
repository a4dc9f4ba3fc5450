package stores_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/gatemem"
)

func TestScope(t *testing.T) {
	if got := (stores.Scope{}).Text(); got != "" {
		t.Errorf("the text of the zero Scope = %q", got)
	}
	if got := stores.NewScope("a").Text(); got != "a" {
		t.Errorf("text = %q, want a", got)
	}
}

// Nothing prints a scope: by itself, in the options of a store, or in the store.
func TestScopeIsNotPrinted(t *testing.T) {
	const secret = "canary-scope"
	type app struct {
		scope   stores.Scope
		options gatemem.Options
		Options gatemem.Options
		store   *gatemem.Store
	}
	o := gatemem.Options{Scope: stores.NewScope(secret)}
	s, err := gatemem.New(o)
	if err != nil {
		t.Fatal(err)
	}
	o.Clock = nil
	a := app{o.Scope, o, o, s}
	for name, v := range map[string]any{"scope": o.Scope, "pointer": &o.Scope, "options": o, "store": s, "struct": a, "pointer to a struct": &a} {
		var all strings.Builder
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			fmt.Fprintf(&all, verb, v)
		}
		text, _ := json.Marshal(v) // a function in it is an error
		all.Write(text)
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("m", "v", v)
		slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "v", v)
		all.Write(log.Bytes())
		for _, shape := range []string{secret, hex.EncodeToString([]byte(secret)), strings.Trim(fmt.Sprint([]byte(secret)), "[]")} {
			if strings.Contains(strings.ToLower(all.String()), shape) {
				t.Errorf("%s shows the scope as %q", name, shape)
			}
		}
	}
}
