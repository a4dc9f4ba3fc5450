package keys_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jwtgate/gate/internal/keyhook"
	"github.com/jwtgate/gate/keys"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// hand is a clock that is moved by hand.
type hand struct{ time.Time }

func (h *hand) now() time.Time { return h.Time }

func newKey(id string) *keys.Key { return must(keys.Generate(keys.ES256)).WithID(id) }

// phases are the keys of the ring as id/phase.
func phases(r *keys.Ring) []string {
	var all []string
	for _, s := range r.Status() {
		all = append(all, s.Key.ID()+"/"+string(s.Phase))
	}
	return all
}

// TestRingRotation follows a ring from its first key to the end of it.
func TestRingRotation(t *testing.T) {
	clock := &hand{noon}
	first, second := newKey("a"), newKey("b")
	r := must(keys.NewRing(keys.RingOptions{Lifetime: time.Hour, Clock: clock.now}, keys.RingKey{Key: first}))
	if err := r.Rotate(second, noon.Add(10*time.Minute)); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		after time.Duration
		want  []string
		signs string
	}{
		{0, []string{"a/active", "b/pending"}, "a"},
		{10*time.Minute - 1, []string{"a/active", "b/pending"}, "a"},
		{10 * time.Minute, []string{"a/retiring", "b/active"}, "b"},
		{70*time.Minute - 1, []string{"a/retiring", "b/active"}, "b"},
		{70 * time.Minute, []string{"b/active"}, "b"},
	} {
		clock.Time = noon.Add(tt.after)
		if got := phases(r); !slices.Equal(got, tt.want) {
			t.Errorf("after %s: %v, want %v", tt.after, got, tt.want)
		}
		k, err := r.SigningKey(t.Context(), nil)
		if err != nil || k.ID() != tt.signs {
			t.Errorf("after %s: signs %v, %v, want %s", tt.after, k, err, tt.signs)
		}
		for _, k := range []*keys.Key{first, second} {
			live := slices.ContainsFunc(tt.want, func(s string) bool { return s[:1] == k.ID() })
			if got := r.ForHeader(k.Header()) == k; got != live {
				t.Errorf("after %s: ForHeader of %s found = %v", tt.after, k.ID(), got)
			}
			if got := len(find(t, r, `{"alg":"ES256","kid":"`+k.ID()+`"}`)) == 1; got != live {
				t.Errorf("after %s: VerificationKeys of %s found = %v", tt.after, k.ID(), got)
			}
		}
		if got := find(t, r, `{"alg":"ES256"}`); len(got) != 0 || len(r.Keys()) != len(tt.want) {
			t.Errorf("after %s: %v for a token without kid, %d published", tt.after, got, len(r.Keys()))
		}
	}
	if err := r.Rotate(newKey("c"), clock.Now()); err != nil {
		t.Fatal(err)
	}
	if got, want := phases(r), []string{"b/retiring", "c/active"}; !slices.Equal(got, want) {
		t.Errorf("after another rotation: %v, want %v", got, want)
	}
	if until := r.Status()[0].Until; !until.Equal(clock.Add(r.Lifetime())) {
		t.Errorf("retiring until %s", until)
	}
}

func (h *hand) Now() time.Time { return h.Time }

func TestRingPublishes(t *testing.T) {
	r := must(keys.NewRing(keys.RingOptions{Lifetime: time.Hour, Clock: (&hand{noon}).now},
		keys.RingKey{Key: newKey("old"), From: noon.Add(-30 * time.Minute)}, keys.RingKey{Key: newKey("gone"), From: noon.Add(-3 * time.Hour)},
		keys.RingKey{Key: newKey("next"), From: noon.Add(time.Hour)}, keys.RingKey{Key: newKey("now"), From: noon.Add(-time.Minute)}))
	var set struct{ Keys []map[string]string }
	if err := json.Unmarshal(must(json.Marshal(r)), &set); err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, k := range set.Keys {
		ids = append(ids, k["kid"])
		if k["d"] != "" {
			t.Error("a private member is published")
		}
	}
	if want := []string{"gone", "old", "now", "next"}; !slices.Equal(ids, want) {
		t.Errorf("published = %v, want %v", ids, want)
	}
}

// TestRingWithoutID: a key that was given no ID verifies tokens that name none, as it
// did before it was in a ring.
func TestRingWithoutID(t *testing.T) {
	plain := must(keys.Generate(keys.ES256))
	r := must(keys.NewRing(keys.RingOptions{Lifetime: time.Hour, Clock: (&hand{noon}).now}, keys.RingKey{Key: plain}, keys.RingKey{Key: newKey("b"), From: noon}))
	found := find(t, r, `{"alg":"ES256"}`)
	if len(found) != 1 || found[0].ID() != plain.Thumbprint() {
		t.Errorf("keys = %v", found)
	}
}

func TestNewRingRefuses(t *testing.T) {
	mac := must(keys.HMAC(keys.HS256, secret))
	for _, tt := range []struct {
		name     string
		lifetime time.Duration
		list     []keys.RingKey
		want     string
	}{
		{"no lifetime", 0, []keys.RingKey{{Key: newKey("a")}}, "Lifetime must be positive"},
		{"negative lifetime", -1, []keys.RingKey{{Key: newKey("a")}}, "Lifetime must be positive"},
		{"no keys", time.Hour, nil, "at least one key"},
		{"nil", time.Hour, []keys.RingKey{{}}, "nil"},
		{"same time", time.Hour, []keys.RingKey{{Key: newKey("a")}, {Key: newKey("b")}}, `"a" and "b" of the ring begin at the same time`},
		{"same ID", time.Hour, []keys.RingKey{{Key: newKey("a")}, {Key: newKey("a"), From: noon}}, "two keys"},
		{"secret without ID", time.Hour, []keys.RingKey{{Key: mac}}, "needs an ID"},
		{"secret and public key", time.Hour, []keys.RingKey{{Key: mac.WithID("m")}, {Key: newKey("a"), From: noon}}, "keep them apart"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := keys.NewRing(keys.RingOptions{Lifetime: tt.lifetime}, tt.list...)
			refused(t, err, tt.want)
		})
	}
}

func TestRingRotateRefuses(t *testing.T) {
	first := newKey("a")
	r := must(keys.NewRing(keys.RingOptions{Lifetime: time.Hour}, keys.RingKey{Key: first, From: noon}))
	public := must(keys.FromPublic(keys.ES256, first.Public()))
	for _, tt := range []struct {
		name string
		key  *keys.Key
		from time.Time
		want string
	}{
		{"nil", nil, noon.Add(1), "no private key"},
		{"public", public, noon.Add(1), "no private key"},
		{"at the same time", newKey("b"), noon, "not before the new one"},
		{"before", newKey("b"), noon.Add(-1), "not before the new one"},
		{"same ID", newKey("a"), noon.Add(1), "two keys"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			refused(t, r.Rotate(tt.key, tt.from), tt.want)
			if got := r.Keys(); len(got) != 1 || got[0] != first {
				t.Errorf("keys = %v after a rotation that failed", got)
			}
		})
	}
}

func TestRingReady(t *testing.T) {
	clock := &hand{noon}
	next := keys.RingKey{Key: newKey("a"), From: noon.Add(1)}
	r := must(keys.NewRing(keys.RingOptions{Lifetime: time.Hour, Clock: clock.now}, next))
	_, err := r.SigningKey(t.Context(), nil)
	refused(t, err, "pending")
	refused(t, r.Ready(t.Context()), "pending")
	clock.Time = noon.Add(1)
	if err := r.Ready(t.Context()); err != nil {
		t.Error(err)
	}
	public := must(keys.FromPublic(keys.ES256, next.Key.Public()))
	if err := r.Replace(keys.RingKey{Key: public}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.SigningKey(t.Context(), nil); !errors.Is(err, keys.ErrCannotSign) || r.Ready(t.Context()) != nil {
		t.Errorf("SigningKey of a ring that verifies = %v", err)
	}
	if k := r.ForHeader(next.Key.Header()); k != nil {
		t.Errorf("ForHeader = %v of a key that was replaced", k)
	}
}

// TestRingSwaps rotates while others sign and verify; the race detector looks on.
func TestRingSwaps(t *testing.T) {
	r := must(keys.NewRing(keys.RingOptions{Lifetime: time.Hour}, keys.RingKey{Key: newKey("0")}))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 300 {
				k, err := r.SigningKey(context.Background(), nil)
				if err != nil || r.ForHeader(k.Header()) != k {
					t.Errorf("key %v, %v: not found for its own header", k, err)
				}
			}
		})
	}
	for i := range 20 {
		if err := r.Rotate(newKey(string(rune('a'+i))), time.Now()); err != nil {
			t.Error(err)
		}
	}
	wg.Wait()
}

// choosy embeds a source to choose keys in its own way.
type choosy struct{ *keys.Ring }

func TestShortcut(t *testing.T) {
	k := newKey("a")
	set, ring := must(keys.NewSet(k)), must(keys.NewRing(keys.RingOptions{Lifetime: time.Hour}, keys.RingKey{Key: k}))
	for _, source := range []keys.Source{k, set, ring} {
		find, ok := keyhook.ByHeader(source).(keyhook.Find[*keys.Key])
		if !ok {
			t.Fatalf("%T has no shortcut", source)
		}
		if found, read := find(k.Header()); found != k || !read.IsZero() {
			t.Errorf("the shortcut of %T: %v, %v", source, found, read)
		}
	}
	if keyhook.ByHeader(choosy{ring}) != nil {
		t.Error("a source that embeds a ring is taken for it")
	}
}
