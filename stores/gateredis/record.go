package gateredis

import (
	"strconv"
	"strings"
	"time"

	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/storekit"
)

// An entry is the value of a key. Its parts are until, at, for subjects the record, By and
// Why, separated by NUL, which a note cannot contain. until is "0" for storekit.Never. It
// decides, by the clock of the node that checks, whether the entry counts. The expiry of
// the key on the server only saves memory.
type entry struct {
	until, at int64 // Unix seconds
	subject   storekit.SubjectRecord
	note      stores.Note
}

const entrySeparator = "\x00"

func (e entry) encode(kind stores.Kind) string {
	fields := []string{wireUntil(e.until), number(e.at)}
	if r := e.subject; kind == stores.Subject {
		fields = append(fields, number(r.Before), number(r.AllBefore), r.Except, number(r.Generation), number(r.AllGeneration))
	}
	return strings.Join(append(fields, e.note.By, e.note.Why), entrySeparator)
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

func wireUntil(until int64) string {
	if until == storekit.Never {
		return "0"
	}
	return number(until)
}

// decode reads a value. ok is false if this package has not written the value. A
// subject's value of a version without generations has two fields less.
func decode(kind stores.Kind, text string) (e entry, ok bool) {
	fields := strings.Split(text, entrySeparator)
	n := len(fields)
	ok = n == 4 && kind != stores.Subject || (n == 7 || n == 9) && kind == stores.Subject
	if !ok {
		return entry{}, false
	}
	read := func(i int) int64 {
		n, err := strconv.ParseInt(fields[i], 10, 64)
		ok = ok && err == nil
		return n
	}
	e.until, e.at = read(0), read(1)
	if e.until == 0 {
		e.until = storekit.Never
	}
	if kind == stores.Subject {
		e.subject = storekit.SubjectRecord{Before: read(2), AllBefore: read(3), Except: fields[4]}
	}
	if n == 9 {
		e.subject.Generation, e.subject.AllGeneration = read(5), read(6)
	}
	e.note = stores.Note{By: fields[n-2], Why: fields[n-1]}
	return e, ok
}

// ttl returns how long the server keeps an entry, in milliseconds; 0 is for ever. It is
// computed from the writer's clock, so the server's clock may differ.
func ttl(until int64, now time.Time) int64 {
	if until == storekit.Never {
		return 0
	}
	return max(time.Unix(until, 0).Sub(now).Milliseconds(), 0) + 1
}
