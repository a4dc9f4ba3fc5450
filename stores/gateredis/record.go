package gateredis

import (
	"strconv"
	"strings"
	"time"

	"github.com/jwtgate/gate/stores"
)

// An entry is the value of a key: until, at, By and Why, and for subjects the record
// before them, apart by NUL, which a note cannot hold. until comes first, where the
// script that writes it can read it. The server's own expiry only clears up: what
// counts is until, by the clock of the one who checks.
type entry struct {
	until, at int64 // Unix seconds; until 0 is never
	subject   stores.SubjectRecord
	note      stores.Note
}

const entrySeparator = "\x00"

func (e entry) encode(kind stores.Kind) string {
	fields := []string{number(e.until), number(e.at)}
	if kind == stores.Subject {
		fields = append(fields, number(e.subject.Before), number(e.subject.AllBefore), e.subject.Except)
	}
	return strings.Join(append(fields, e.note.By, e.note.Why), entrySeparator)
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

// decode reads a value; false for one that this package has not written.
func decode(kind stores.Kind, text string) (e entry, ok bool) {
	fields := strings.Split(text, entrySeparator)
	want := 4
	if kind == stores.Subject {
		want = 7
	}
	if len(fields) != want {
		return entry{}, false
	}
	ok = true
	read := func(i int) int64 {
		n, err := strconv.ParseInt(fields[i], 10, 64)
		ok = ok && err == nil
		return n
	}
	e.until, e.at = read(0), read(1)
	if kind == stores.Subject {
		e.subject = stores.SubjectRecord{Before: read(2), AllBefore: read(3), Except: fields[4]}
	}
	e.note = stores.Note{By: fields[want-2], Why: fields[want-1]}
	return e, ok
}

// ttl is how long the server keeps an entry, in milliseconds; 0 is for ever. It is
// counted from the writer's clock, so that the server's may differ from it.
func ttl(until int64, now time.Time) int64 {
	if until == 0 {
		return 0
	}
	return max(time.Unix(until, 0).Sub(now).Milliseconds(), 0) + 1
}

func unixTime(sec int64) time.Time {
	if sec == 0 {
		return time.Time{}
	}
	return time.Unix(sec, 0)
}
