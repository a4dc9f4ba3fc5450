package gatetest

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/jwtgate/gate"
	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/storekit"
)

// hostile are identifiers that a store must keep apart and find again. Each differs
// from the others in a way that a careless store would lose.
var hostile = []string{
	"a", "A", " a", "a ", "a\n", "a\r\n", "a\t", "\x00", "a\x00", "a\x00b", "\x00a",
	"'", "''", `"`, `\`, `\\`, "'; DROP TABLE revoked; --", "' OR '1'='1", "a%", "a_", "%", "_", "?", "$1", ":a", "@a",
	"{a}", "{}", "}{", "*", "[a]", "a:b", "a:b:c", "a\r\nDEL a\r\n", "$3\r\nfoo\r\n", "*1\r\n$8\r\nFLUSHALL\r\n",
	"\xff", "\xfe", "\xff\xff", "\uFFFD", "\xc3\x28", "\xed\xa0\x80", "é", "e\u0301", "ß", "ss", "ı", "i", "İ", "\u200b", "a\u200b",
	"null", "NULL", "nil", "0", "00", "1", "1.0", "-1", "1e400", "true", "../../etc/passwd", "<script>",
	strings.Repeat("a", 255), strings.Repeat("a", 256), strings.Repeat("a", 257),
	strings.Repeat("x", 1<<20), strings.Repeat("x", 1<<20-1) + "y", "y" + strings.Repeat("x", 1<<20-1),
}

// checkIdentifiers: any text names one token, session and subject, and no other.
func checkIdentifiers(s *suite) {
	forms := map[string]struct {
		token   func(id string) *gate.Token
		revoke  func(id string)
		restore func(id string) error
	}{
		"token": {s.token, func(id string) { s.revoke(s.token(id)) }, func(id string) error { return s.store.RestoreToken(s.Context(), id) }},
		"session": {func(id string) *gate.Token { tok := s.token("a"); tok.ID, tok.SessionID = "t", id; return tok },
			s.revokeSession, func(id string) error { return s.store.RestoreSession(s.Context(), id) }},
		"subject": {func(id string) *gate.Token { tok := s.token("t"); tok.Subject = id; return tok },
			func(id string) { s.revokeSubject(id, stores.SubjectOptions{}) }, func(id string) error { return s.store.RestoreSubject(s.Context(), id) }},
	}
	for kind, f := range forms {
		for i, id := range hostile {
			if i%2 == 0 {
				f.revoke(id)
			}
		}
		for i, id := range hostile {
			s.want(i%2 == 0, f.token(id), fmt.Sprintf("%s %.40q (%d bytes), every other revoked", kind, id, len(id)))
		}
		for i, id := range hostile {
			if i%2 == 0 {
				s.ok(f.restore(id), fmt.Sprintf("restoring %s %.40q", kind, id))
				s.want(false, f.token(id), fmt.Sprintf("%s %.40q restored", kind, id))
			}
		}
	}
	both := s.token("t")
	both.SessionID = strings.Repeat("x", 1<<20)
	s.revokeSubject("alice", stores.SubjectOptions{ExceptSession: both.SessionID})
	s.want(false, both, "a huge session that is spared")
	both.SessionID += "x"
	s.want(true, both, "a huge session that is not spared")
}

// checkNotes: no note is a reason not to revoke.
func checkNotes(s *suite) {
	for i, text := range append([]string{""}, hostile...) {
		tok := s.token(fmt.Sprint("token ", i))
		s.ok(s.store.RevokeToken(s.Context(), tok, stores.Note{By: text, Why: text}), fmt.Sprintf("RevokeToken with note %.40q", text))
		s.want(true, tok, "revoked with a note")
	}
	s.ok(s.store.RevokeSession(s.Context(), "s", stores.Note{By: "\x00\xff", Why: strings.Repeat("ä", 1<<20)}), "RevokeSession")
	s.ok(s.store.RevokeSubject(s.Context(), "u", stores.SubjectOptions{}, stores.Note{By: "\x00\xff", Why: strings.Repeat("ä", 1<<20)}), "RevokeSubject")
}

// checkAtOnce: many write and check at once; a revocation is seen by the goroutine that made it.
func checkAtOnce(s *suite) {
	const workers, each = 8, 12
	good := s.token("never revoked")
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range each {
				tok := s.token(fmt.Sprint(w, "/", i))
				if i%4 == 0 {
					s.check(s.store.RevokeSession(s.Context(), tok.SessionID, s.note))
				} else {
					s.check(s.store.RevokeToken(s.Context(), tok, s.note))
				}
				s.verdict(true, tok)
				s.verdict(false, good)
				if i%3 == 0 {
					s.check(s.store.RestoreToken(s.Context(), tok.ID))
					s.check(s.store.RestoreSession(s.Context(), tok.SessionID))
					s.verdict(false, tok)
				}
			}
		})
	}
	wg.Wait()
	for w := range workers {
		for i := range each {
			s.want(i%3 != 0, s.token(fmt.Sprint(w, "/", i)), fmt.Sprintf("worker %d, token %d, afterwards", w, i))
		}
	}
}

// check and verdict are for goroutines of a test, which must not stop it.
func (s *suite) check(err error) {
	if err != nil {
		s.Error(err)
	}
}

func (s *suite) verdict(want bool, tok *gate.Token) {
	if got, err := s.store.Blocked(s.Context(), tok); got != want || err != nil {
		s.Errorf("at once: Blocked(%q) = %v, %v; want %v", tok.ID, got, err, want)
	}
}

// checkSeen: a revocation that was acknowledged is seen by every check that starts
// afterwards, on every node.
func checkSeen(s *suite) {
	const n = 40
	revoked := make(chan *gate.Token)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for tok := range revoked {
				s.verdict(true, tok)
			}
		})
	}
	for i := range n {
		tok := s.token(fmt.Sprint("token ", i))
		switch i % 3 {
		case 0:
			s.revoke(tok)
		case 1:
			s.revokeSession(tok.SessionID)
		default:
			tok.Subject = fmt.Sprint("subject ", i)
			s.revokeSubject(tok.Subject, stores.SubjectOptions{})
		}
		revoked <- tok
	}
	close(revoked)
	wg.Wait()
}

// lister skips a check of lists for a store that cannot list: an optional power.
func (s *suite) lister() stores.Lister {
	l, ok := s.store.(stores.Lister)
	if !ok {
		s.Skip("this store is no stores.Lister")
	}
	return l
}

// checkList: an entry says what was revoked, when, by whom and why, and until when.
func checkList(s *suite) {
	l, now, tok := s.lister(), s.clock.Now(), s.token("token-in-clear")
	s.revoke(tok)
	s.revokeSession("session-in-clear")
	s.revokeSubject("subject-in-clear", stores.SubjectOptions{ExceptSession: "spared-in-clear"})
	gone := s.token("gone")
	gone.Expiry = now.Add(time.Second)
	s.revoke(gone)
	s.clock.Advance(storekit.DefaultLeeway + 2*time.Second)
	want := map[stores.Kind]stores.Entry{
		stores.Token:   {Until: tok.Expiry.Add(storekit.DefaultLeeway)},
		stores.Session: {Until: now.Add(storekit.DefaultMaxLifetime + storekit.DefaultLeeway)},
		stores.Subject: {Until: now.Add(storekit.DefaultSkew + storekit.DefaultMaxLifetime + storekit.DefaultLeeway), Before: now.Add(storekit.DefaultSkew)},
	}
	all, err := l.List(s.Context(), stores.ListOptions{})
	s.ok(err, "List")
	if len(all) != len(want) {
		s.Fatalf("List = %d entries, want %d: %+v", len(all), len(want), all)
	}
	for kind, w := range want {
		page, err := l.List(s.Context(), stores.ListOptions{Kind: kind})
		s.ok(err, "List")
		if len(page) != 1 || page[0].Kind != kind {
			s.Errorf("List(%s) = %+v, want the one of that kind", kind, page)
			continue
		}
		e := page[0]
		if !e.At.Equal(now) || !e.Until.Equal(w.Until) || e.Note != s.note || !e.Before.Equal(w.Before) || !e.AllBefore.IsZero() {
			s.Errorf("List(%s) = %+v\nwant at %v, until %v, before %v, note %v", kind, e, now, w.Until, w.Before, s.note)
		}
		if strings.Contains(e.ID+e.ExceptSession, "in-clear") || e.ID == "" || kind == stores.Subject && e.ExceptSession == "" {
			s.Errorf("List(%s): identifiers %q, %q; want hashes", kind, e.ID, e.ExceptSession)
		}
	}
}

// checkPages: pages hold every entry once.
func checkPages(s *suite) {
	l := s.lister()
	const n = 23
	for i := range n {
		s.revoke(s.token(fmt.Sprint("token ", i)))
	}
	seen, after := map[string]bool{}, ""
	for range n {
		page, err := l.List(s.Context(), stores.ListOptions{After: after, Limit: 5})
		s.ok(err, "List")
		if len(page) > 5 {
			s.Fatalf("List = %d entries, want at most 5", len(page))
		}
		for _, e := range page {
			if seen[e.ID] {
				s.Fatalf("List shows %s twice", e.ID)
			}
			seen[e.ID] = true
			after = e.ID
		}
		if len(page) == 0 {
			break
		}
	}
	if len(seen) != n {
		s.Errorf("pages have %d entries, want %d", len(seen), n)
	}
}
