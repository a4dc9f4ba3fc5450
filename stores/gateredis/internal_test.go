package gateredis

import (
	"strings"
	"testing"
	"time"

	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/storekit"
)

// TestStepWatch: after the clock was put back, copies in the cache live longer than
// they should, so it is not used until the last of them has ended.
func TestStepWatch(t *testing.T) {
	const life = time.Second
	var w stepWatch
	for _, tt := range []struct {
		mono, wall time.Duration
		want       bool
	}{
		{0, 0, true},
		{time.Second, time.Second, true},
		{2 * time.Second, time.Hour, true}, // forward: copies end early
		{3 * time.Second, time.Hour + time.Second - time.Minute, false},     // back by a minute
		{60 * time.Second, time.Hour - time.Minute + 58*time.Second, false}, // copies may live on
		{65 * time.Second, time.Hour - time.Minute + 63*time.Second, true},
	} {
		if got := w.trustedAt(tt.mono, tt.wall, life); got != tt.want {
			t.Errorf("at %v, wall clock %v: trusted = %v, want %v", tt.mono, tt.wall, got, tt.want)
		}
	}
}

func TestMarks(t *testing.T) {
	for _, tt := range []struct {
		mark string
		ok   bool
	}{
		{"a;0;0;0;begun", true}, {"A-_.9;1099511627776;7;8;accepted", true}, {"prod-1;1;0;0;named", true},
		{"", false}, {"a", false}, {"a;1;1;1", false}, {";1;1;1;begun", false}, {"a;x;1;1;begun", false}, {"a;-1;1;1;begun", false},
		{"a;1;-1;1;begun", false}, {"a;1;1;-1;begun", false}, {"a b;1;1;1;begun", false}, {"a;1;1;1;other", false},
		{"a;1;1;1;begun;c", false}, {"a;01;1;1;begun", false}, {"a;1;1;begun", false},
	} {
		e, ok := parseEpoch(tt.mark)
		if ok != tt.ok || ok && e.mark() != tt.mark {
			t.Errorf("parseEpoch(%q) = %+v, %v; want %v", tt.mark, e, ok, tt.ok)
		}
	}
}

func TestEntries(t *testing.T) {
	for _, kind := range []stores.Kind{stores.Token, stores.Session, stores.Subject} {
		e := entry{until: 7, at: 5, note: stores.Note{By: "a;b", Why: "c\nd"}}
		if kind == stores.Subject {
			e.subject = storekit.SubjectRecord{Generation: 7, AllGeneration: 6, Before: 9, AllBefore: 8, Except: "x"}
		}
		text := e.encode(kind)
		if got, ok := decode(kind, text); !ok || got != e {
			t.Errorf("%s: decode(encode) = %+v, %v; want %+v", kind, got, ok, e)
		}
		for _, bad := range []string{"", text + "\x00", strings.Replace(text, "5", "x", 1), text[1:]} {
			if _, ok := decode(kind, bad); ok {
				t.Errorf("%s: decode(%q) succeeds", kind, bad)
			}
		}
	}
}

// TestMemoryBound: a shard that is full is emptied.
func TestMemoryBound(t *testing.T) {
	m := newMemory()
	id := strings.Repeat("x", 10)
	for i := range 200_000 {
		m.put(id+number(int64(i)), verdict{})
	}
	total := 0
	for i := range m.shards {
		total += len(m.shards[i].verdicts)
	}
	if most := shardEntries * len(m.shards); total == 0 || total > most {
		t.Errorf("entries = %d, want at most %d", total, most)
	}
}

// TestTags: the characters a hash begins with are those that have a group.
func TestTags(t *testing.T) {
	for i := range 1000 {
		if h := storekit.HashID(stores.Token, "", number(int64(i))); !strings.Contains(hashAlphabet, h[:1]) {
			t.Errorf("hash %q begins with no known tag", h)
		}
	}
}
