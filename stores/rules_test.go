package stores_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/stores"
)

var noon = time.Date(2030, 1, 2, 12, 0, 0, 0, time.UTC)

func TestHashID(t *testing.T) {
	seen := map[string]string{}
	for _, kind := range []stores.Kind{stores.Token, stores.Session, stores.Subject} {
		for _, scope := range []string{"", "a", "ab", "\x00"} {
			for _, id := range []string{"", "a", "ab", "b", "\x00", "a\x00", strings.Repeat("x", 1<<20)} {
				h := stores.HashID(kind, scope, id)
				name := fmt.Sprintf("%s %q %.9q", kind, scope, id)
				if other, ok := seen[h]; ok {
					t.Errorf("%s has the hash of %s", name, other)
				}
				seen[h] = name
				if len(h) != stores.HashSize || strings.Trim(h, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
					t.Errorf("%s: hash %q, want %d characters of base64url", name, h, stores.HashSize)
				}
			}
		}
	}
	// What is stored must be found by the next version too.
	if got, want := stores.HashID(stores.Token, "scope", "id"), "Q_Rs1k-7_KKrLG7q5sPrMwoAj-yqbYdU"; got != want {
		t.Errorf("HashID(token, scope, id) = %s, want %s", got, want)
	}
}

// TestIssuerScope: no issuer is taken for another, whatever it and the scope are called,
// and the gate's own tokens are hashed as ever.
func TestIssuerScope(t *testing.T) {
	seen := map[string]string{}
	for _, scope := range []string{"", "a", "ab", "a\x00", "https://a.example"} {
		for _, issuer := range []string{"", "a", "b", "bc", "\x00", "https://a.example", "https://a.example/"} {
			got, name := stores.IssuerScope(scope, issuer), fmt.Sprintf("scope %q, issuer %q", scope, issuer)
			if other, ok := seen[got]; ok {
				t.Errorf("%s has the scope of %s", name, other)
			}
			if seen[got] = name; issuer == "" && got != scope {
				t.Errorf("%s: %q, want the scope as it is", name, got)
			}
		}
	}
	// What is stored must be found by the next version too.
	h := stores.HashID(stores.Subject, stores.IssuerScope("scope", "https://idp.example"), "alice")
	if want := "ParJPR4X6TMCKzURHjc51McIEo3GroaE"; h != want {
		t.Errorf("hash of an issuer's subject = %s, want %s", h, want)
	}
}

func TestKeepDefaults(t *testing.T) {
	k, err := stores.Keep{}.WithDefaults()
	if err != nil || k.Leeway != stores.DefaultLeeway || k.MaxLifetime != stores.DefaultMaxLifetime {
		t.Errorf("WithDefaults = %+v, %v", k, err)
	}
	if _, err := (stores.Keep{MaxLifetime: gate.NoExpiry}).WithDefaults(); err != nil {
		t.Errorf("NoExpiry: %v", err)
	}
	for _, bad := range []stores.Keep{{Leeway: -1}, {MaxLifetime: -1}} {
		if _, err := bad.WithDefaults(); err == nil {
			t.Errorf("%+v: no error", bad)
		}
	}
}

// TestUntil: an entry covers the last instant at which its token is accepted.
func TestUntil(t *testing.T) {
	k := stores.Keep{Leeway: 1500 * time.Millisecond, MaxLifetime: time.Hour}
	tok := &gate.Token{Expiry: noon}
	until := k.UntilToken(tok)
	if last := noon.Add(1499 * time.Millisecond); !stores.Live(until, last) {
		t.Errorf("until %d: not live at %v", until, last)
	}
	if past := noon.Add(2 * time.Second); stores.Live(until, past) {
		t.Errorf("until %d: live at %v", until, past)
	}
	if got := k.UntilToken(&gate.Token{}); got != 0 {
		t.Errorf("UntilToken without expiry = %d, want 0", got)
	}
	if got := k.UntilToken(&gate.Token{Expiry: time.Unix(-100, 0)}); got == 0 || stores.Live(got, noon) {
		t.Errorf("UntilToken before 1970 = %d, want an instant past", got)
	}
	for _, tt := range [][3]int64{{0, 5, 0}, {5, 0, 0}, {5, 7, 7}, {7, 5, 7}} {
		if got := stores.Later(tt[0], tt[1]); got != tt[2] {
			t.Errorf("Later(%d, %d) = %d, want %d", tt[0], tt[1], got, tt[2])
		}
	}
}

func TestCheck(t *testing.T) {
	k := stores.Keep{MaxLifetime: time.Hour}
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
	} {
		if err := k.Check(&tt.tok, noon); !errors.Is(err, tt.want) {
			t.Errorf("%s: Check = %v, want %v", tt.name, err, tt.want)
		}
		if err := (stores.Keep{MaxLifetime: gate.NoExpiry}).Check(&tt.tok, noon); err != nil {
			t.Errorf("%s: Check for ever = %v, want nil", tt.name, err)
		}
	}
}

// TestMerge tries all pairs and triples of small records: the join covers what one of
// them covers, and nothing else, in any order.
func TestMerge(t *testing.T) {
	var records []stores.SubjectRecord
	for before := range int64(4) {
		for _, except := range []string{"", "a", "b"} {
			o := stores.SubjectOptions{Before: time.Unix(before+1, 0), ExceptSession: except}
			records = append(records, stores.NewSubjectRecord(o, noon, ""))
		}
	}
	session := map[string]string{"": ""}
	for _, s := range []string{"a", "b", "c"} {
		session[s] = stores.HashID(stores.Session, "", s)
	}
	tokens := []*gate.Token{{}}
	for iat := range int64(6) {
		tokens = append(tokens, &gate.Token{IssuedAt: time.Unix(iat, 0)})
	}
	for _, a := range records {
		for _, b := range records {
			for _, c := range records {
				m := a.Merge(b).Merge(c)
				for _, tok := range tokens {
					for name, hash := range session {
						want := a.Covers(tok, hash) || b.Covers(tok, hash) || c.Covers(tok, hash)
						if got := m.Covers(tok, hash); got != want {
							t.Fatalf("%+v, %+v, %+v joined: %+v covers session %q at %v: %v, want %v", a, b, c, m, name, tok.IssuedAt, got, want)
						}
					}
				}
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
		n := stores.Note{By: tt.in, Why: tt.in}.Clean()
		if n.By != tt.want || n.Why != tt.want || !utf8.ValidString(n.By) {
			t.Errorf("%s: Clean = %.40q, want %.40q", tt.name, n.By, tt.want)
		}
	}
}
