package storekit_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/storekit"
)

var noon = time.Date(2030, 1, 2, 12, 0, 0, 0, time.UTC)

func TestHashID(t *testing.T) {
	seen := map[string]string{}
	for _, kind := range []stores.Kind{stores.Token, stores.Session, stores.Subject} {
		for _, scope := range []string{"", "a", "ab", "\x00"} {
			for _, id := range []string{"", "a", "ab", "b", "\x00", "a\x00", strings.Repeat("x", 1<<20)} {
				h := storekit.HashID(kind, scope, id)
				name := fmt.Sprintf("%s %q %.9q", kind, scope, id)
				if other, ok := seen[h]; ok {
					t.Errorf("%s has the hash of %s", name, other)
				}
				seen[h] = name
				if len(h) != storekit.HashSize || strings.Trim(h, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
					t.Errorf("%s: hash %q, want %d characters of base64url", name, h, storekit.HashSize)
				}
			}
		}
	}
	// What is stored must be found by the next version too.
	if got, want := storekit.HashID(stores.Token, "scope", "id"), "Q_Rs1k-7_KKrLG7q5sPrMwoAj-yqbYdU"; got != want {
		t.Errorf("HashID(token, scope, id) = %s, want %s", got, want)
	}
}

// TestSplitIssuer: what names an identifier of another issuer comes apart as it was, is
// hashed like the issuer's tokens, and is no text that a token can have.
func TestSplitIssuer(t *testing.T) {
	long := strings.Repeat("i", 300)
	for _, issuer := range []string{"a", "https://idp.example", "\x00", long} {
		for _, id := range []string{"x", "alice", "\x00", long} {
			text := stores.OfIssuer(issuer, id)
			if gotIssuer, its := storekit.SplitIssuer(text); gotIssuer != issuer || its != id {
				t.Errorf("SplitIssuer(OfIssuer(%.9q, %.9q)) = %.9q, %.9q", issuer, id, gotIssuer, its)
			}
			if utf8.ValidString(text) {
				t.Errorf("OfIssuer(%.9q, %.9q) is UTF-8, as a claim could be", issuer, id)
			}
			want := storekit.HashID(stores.Session, storekit.IssuerScope("scope", issuer), id)
			if got := storekit.HashID(stores.Session, "scope", text); got != want {
				t.Errorf("HashID of %.9q of %.9q = %s, want that in the issuer's scope", id, issuer, got)
			}
		}
		if got := stores.OfIssuer(issuer, ""); got != "" {
			t.Errorf("OfIssuer(%.9q, nothing) = %q, want nothing", issuer, got)
		}
	}
	if got := stores.OfIssuer("", "alice"); got != "alice" {
		t.Errorf("OfIssuer(the gate itself, alice) = %q, want alice", got)
	}
	mark := strings.TrimSuffix(stores.OfIssuer("a", "x"), "\x01ax")
	for _, text := range []string{"", "alice", "\xff", mark, mark + "\x05abcd", mark + "\xff\xff", mark + strings.Repeat("\xff", 20)} {
		if issuer, its := storekit.SplitIssuer(text); issuer != "" || its != text {
			t.Errorf("SplitIssuer(%q) = %q, %q; want it as it is", text, issuer, its)
		}
	}
}

// TestIssuerScope: no issuer is taken for another, whatever it and the scope are called,
// and the gate's own tokens are hashed as ever.
func TestIssuerScope(t *testing.T) {
	seen := map[string]string{}
	for _, scope := range []string{"", "a", "ab", "a\x00", "https://a.example"} {
		for _, issuer := range []string{"", "a", "b", "bc", "\x00", "https://a.example", "https://a.example/"} {
			got, name := storekit.IssuerScope(scope, issuer), fmt.Sprintf("scope %q, issuer %q", scope, issuer)
			if other, ok := seen[got]; ok {
				t.Errorf("%s has the scope of %s", name, other)
			}
			if seen[got] = name; issuer == "" && got != scope {
				t.Errorf("%s: %q, want the scope as it is", name, got)
			}
		}
	}
	// What is stored must be found by the next version too.
	h := storekit.HashID(stores.Subject, storekit.IssuerScope("scope", "https://idp.example"), "alice")
	if want := "ParJPR4X6TMCKzURHjc51McIEo3GroaE"; h != want {
		t.Errorf("hash of an issuer's subject = %s, want %s", h, want)
	}
}

func TestKeepDefaults(t *testing.T) {
	k, err := storekit.Keep{}.WithDefaults()
	if err != nil || k.Leeway != storekit.DefaultLeeway || k.MaxLifetime != storekit.DefaultMaxLifetime {
		t.Errorf("WithDefaults = %+v, %v", k, err)
	}
	if _, err := (storekit.Keep{MaxLifetime: gate.NoExpiry}).WithDefaults(); err != nil {
		t.Errorf("NoExpiry: %v", err)
	}
	for _, bad := range []storekit.Keep{{Leeway: -1}, {MaxLifetime: -1}} {
		if _, err := bad.WithDefaults(); err == nil {
			t.Errorf("%+v: no error", bad)
		}
	}
}

// TestUntil: an entry covers the last instant at which its token is accepted.
func TestUntil(t *testing.T) {
	k := storekit.Keep{Leeway: 1500 * time.Millisecond, MaxLifetime: time.Hour}
	tok := &gate.Token{Expiry: noon}
	until := k.UntilToken(tok)
	if last := noon.Add(1499 * time.Millisecond); !storekit.Live(until, last) {
		t.Errorf("until %d: not live at %v", until, last)
	}
	if past := noon.Add(2 * time.Second); storekit.Live(until, past) {
		t.Errorf("until %d: live at %v", until, past)
	}
	for _, tt := range []struct {
		tok  gate.Token
		want time.Time
	}{
		{gate.Token{Type: gate.Access, IssuedAt: noon.Add(-10 * time.Minute), Expiry: noon.Add(5 * time.Minute)}, noon.Add(15 * time.Minute)},
		{gate.Token{Type: gate.Refresh, IssuedAt: noon.Add(-10 * time.Minute), Expiry: noon.Add(5 * time.Minute)}, noon.Add(5 * time.Minute)},
		{gate.Token{Type: gate.Access, Expiry: noon.Add(5 * time.Minute)}, noon.Add(5 * time.Minute)},
		{gate.Token{Type: gate.Access, IssuedAt: noon.Add(-2 * time.Hour), Expiry: noon.Add(-time.Hour)}, noon.Add(-time.Hour)},
		{gate.Token{Type: gate.Access, IssuedAt: noon, Expiry: noon.Add(time.Hour)}, noon.Add(time.Hour)},
	} {
		if got := k.UntilRevoked(&tt.tok, noon); got != tt.want.Add(2*time.Second).Unix() {
			t.Errorf("UntilRevoked of %+v = %d, want %d", tt.tok, got, tt.want.Add(2*time.Second).Unix())
		}
	}
	if got := k.UntilRevoked(&gate.Token{Type: gate.Access, IssuedAt: noon}, noon); got != storekit.Never {
		t.Errorf("UntilRevoked without expiry = %d, want Never", got)
	}
	if got := k.UntilToken(&gate.Token{}); got != storekit.Never || !storekit.Live(got, noon.AddDate(1000, 0, 0)) {
		t.Errorf("UntilToken without expiry = %d, want Never", got)
	}
	if got := k.UntilToken(&gate.Token{Expiry: time.Unix(-100, 0)}); storekit.Live(got, noon) {
		t.Errorf("UntilToken before 1970 = %d, want an instant past", got)
	}
}

func TestCheck(t *testing.T) {
	k := storekit.Keep{MaxLifetime: time.Hour, Leeway: time.Minute}
	for _, tt := range []struct {
		name string
		tok  gate.Token
		want error
	}{
		{"short", gate.Token{Subject: "a", IssuedAt: noon, Expiry: noon.Add(time.Hour)}, nil},
		{"long", gate.Token{Subject: "a", IssuedAt: noon, Expiry: noon.Add(time.Hour + 1)}, stores.ErrLifetime},
		{"long, nearly over", gate.Token{SessionID: "a", IssuedAt: noon.Add(-24 * time.Hour), Expiry: noon.Add(1)}, stores.ErrLifetime},
		{"no iat", gate.Token{Subject: "a", Expiry: noon.Add(time.Hour)}, nil},
		{"no iat, long", gate.Token{Subject: "a", Expiry: noon.Add(time.Hour + 1)}, stores.ErrLifetime},
		{"no exp", gate.Token{Subject: "a", IssuedAt: noon}, stores.ErrLifetime},
		{"no exp, nobody's", gate.Token{ID: "a", IssuedAt: noon}, nil},
		{"within the leeway", gate.Token{ID: "a", Expiry: noon.Add(-time.Minute + 1)}, nil},
		{"past the leeway", gate.Token{ID: "a", Expiry: noon.Add(-time.Minute)}, stores.ErrForgotten},
	} {
		if err := k.Check(&tt.tok, noon); !errors.Is(err, tt.want) {
			t.Errorf("%s: Check = %v, want %v", tt.name, err, tt.want)
		}
		forever := storekit.Keep{MaxLifetime: gate.NoExpiry, Leeway: time.Minute}
		if err := forever.Check(&tt.tok, noon); err != nil && tt.want != stores.ErrForgotten {
			t.Errorf("%s: Check for ever = %v, want nil", tt.name, err)
		}
	}
}

// TestRevokeByIssue tries all sequences of three calls, each a minute after the one
// before: the record covers a token without a generation if one of the calls does.
func TestRevokeByIssue(t *testing.T) {
	keep := storekit.Keep{Skew: time.Second}
	sessions := []string{"", "a", "b", "c"}
	hash := func(s string) string {
		if s == "" {
			return ""
		}
		return storekit.HashID(stores.Session, "", s)
	}
	excepts := sessions[:3]
	for n := range 27 {
		calls := []string{excepts[n%3], excepts[n/3%3], excepts[n/9]}
		var r storekit.SubjectRecord
		for i, except := range calls {
			now := noon.Add(time.Duration(i) * time.Minute)
			c := keep.SubjectChange(stores.SubjectOptions{ExceptSession: except}, now, "")
			r = r.Revoke(c, storekit.NextGeneration(r.Generation, now)).Restamp(c)
		}
		for _, session := range sessions {
			for at := -30 * time.Second; at < 3*time.Minute; at += time.Minute {
				want := false
				for i, except := range calls {
					want = want || at <= time.Duration(i)*time.Minute && (session == "" || session != except)
				}
				tok := &gate.Token{IssuedAt: noon.Add(at)}
				if got := r.Covers(tok, hash(session)); got != want {
					t.Errorf("calls except %q: session %q, issued at %v: covered %v, want %v", calls, session, at, got, want)
				}
			}
		}
	}
}

// TestRestamp: the second write covers what was made during the first, also where
// another session is spared by then.
func TestRestamp(t *testing.T) {
	first := storekit.SubjectChange{Before: 100}
	later := storekit.SubjectChange{Before: 105}
	a := storekit.SubjectChange{Before: 100, Except: "a"}
	b := storekit.SubjectChange{Before: 101, Except: "b"}
	for _, tt := range []struct {
		name    string
		record  storekit.SubjectRecord
		session string
		covered bool
	}{
		{"all", storekit.SubjectRecord{}.Revoke(first, 1).Restamp(later), "a", true},
		{"all but one, the one", storekit.SubjectRecord{}.Revoke(a, 1).Restamp(storekit.SubjectChange{Before: 105, Except: "a"}), "a", false},
		{"all but one, another", storekit.SubjectRecord{}.Revoke(a, 1).Restamp(storekit.SubjectChange{Before: 105, Except: "a"}), "b", true},
		{"another is spared by then", storekit.SubjectRecord{}.Revoke(a, 1).Revoke(b, 2).Restamp(storekit.SubjectChange{Before: 105, Except: "a"}), "b", true},
		{"all, and one is spared by then", storekit.SubjectRecord{}.Revoke(first, 1).Revoke(b, 2).Restamp(later), "b", true},
	} {
		if got := tt.record.Covers(&gate.Token{IssuedAt: time.Unix(105, 0)}, tt.session); got != tt.covered {
			t.Errorf("%s: %+v covers: %v, want %v", tt.name, tt.record, got, tt.covered)
		}
		if tt.record.Generation > 2 {
			t.Errorf("%s: the second write changed the generation: %+v", tt.name, tt.record)
		}
	}
}

// TestExceptions: the same exception keeps AllGeneration, another sets it to the older
// generation, and none takes the new one.
func TestExceptions(t *testing.T) {
	c := func(except string) storekit.SubjectChange { return storekit.SubjectChange{Before: 1, Except: except} }
	none := storekit.SubjectRecord{}.Revoke(c(""), 10)
	for _, tt := range []struct {
		name   string
		record storekit.SubjectRecord
		all    int64
	}{
		{"none", none, 10},
		{"one", none.Revoke(c("a"), 20), 10},
		{"the same again", none.Revoke(c("a"), 20).Revoke(c("a"), 30), 10},
		{"another", none.Revoke(c("a"), 20).Revoke(c("b"), 30), 20},
		{"none again", none.Revoke(c("a"), 20).Revoke(c(""), 30), 30},
		{"the first one", storekit.SubjectRecord{}.Revoke(c("a"), 20), 0},
	} {
		if tt.record.AllGeneration != tt.all {
			t.Errorf("%s: AllGeneration = %d, want %d", tt.name, tt.record.AllGeneration, tt.all)
		}
	}
}

// TestNextGeneration: it grows when the clock goes back, and two of one record differ.
func TestNextGeneration(t *testing.T) {
	seen := map[int64]bool{}
	for range 20 {
		seen[storekit.NextGeneration(0, noon)] = true
	}
	if len(seen) < 10 {
		t.Errorf("20 generations at one instant: %d values", len(seen))
	}
	for old := range seen {
		for _, now := range []time.Time{noon, noon.Add(-time.Hour), noon.Add(time.Hour)} {
			if next := storekit.NextGeneration(old, now); next <= old || next >= 1<<53 {
				t.Errorf("NextGeneration(%d, %v) = %d", old, now, next)
			}
		}
	}
}

func TestNoteClean(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"plain", "stolen phone", "stolen phone"},
		{"empty", "", ""},
		{"NUL", "a\x00b", "ab"},
		{"not UTF-8", "a\xff\xfeb", "a?b"},
		{"cut between runes", strings.Repeat("ä", 300), strings.Repeat("ä", 256)},
		{"cut within a rune", "x" + strings.Repeat("ä", 300), "x" + strings.Repeat("ä", 255)},
		{"long bytes", strings.Repeat("\x80", 600), "?"},
	} {
		n := storekit.CleanNote(stores.Note{By: tt.in, Why: tt.in})
		if n.By != tt.want || n.Why != tt.want || !utf8.ValidString(n.By) {
			t.Errorf("%s: Clean = %.40q, want %.40q", tt.name, n.By, tt.want)
		}
	}
}
