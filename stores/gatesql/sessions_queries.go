package gatesql

import (
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/storekit"
)

// sessionQueries are the statements for the records of sessions.
type sessionQueries struct{ list, find, read, add, change, changeOpen, remove, prune string }

// sessionColumns has the columns of a record, each with its type in PostgreSQL, in the
// order of sessionRow.fields. The subject, which comes before them, is a hash.
var sessionColumns = [][2]string{
	{"sid", "text"}, {"live", "text"}, {"gen", "bigint"}, {"issued", "bigint"}, {"expires", "bigint"}, {"idle", "bigint"}, {"end_at", "bigint"},
	{"created", "bigint"}, {"seen", "bigint"}, {"grace", "bigint"}, {"ended", "bigint"}, {"remember", "integer"},
	{"device", "text"}, {"agent", "text"}, {"address", "text"},
}

// createSessions makes the table of records. The expiry of a token is in seconds; other
// times are in microseconds. until_at is when a record may be deleted.
func (d definitions) createSessions() []statement {
	id, text := d.d.exactType(), d.d.textType()
	columns := `subject ` + d.d.hashType() + ` NOT NULL, sid ` + id + ` NOT NULL, live ` + id + ` NOT NULL, gen BIGINT NOT NULL, ` +
		`issued BIGINT NOT NULL, expires BIGINT NOT NULL, idle BIGINT NOT NULL, end_at BIGINT NOT NULL, ` +
		`created BIGINT NOT NULL, seen BIGINT NOT NULL, grace BIGINT NOT NULL, ended BIGINT NOT NULL, remember INTEGER NOT NULL, ` +
		`device ` + text + ` NOT NULL, agent ` + text + ` NOT NULL, address ` + text + ` NOT NULL, until_at BIGINT NOT NULL, PRIMARY KEY (subject, sid)`
	index := d.n.table + `_sessions_until`
	if d.d == MySQL {
		return []statement{{query: `CREATE TABLE IF NOT EXISTS ` + d.n.sessions + ` (` + columns + `, INDEX ` + index + ` (until_at))` + d.d.engine()}}
	}
	return []statement{
		{query: `CREATE TABLE IF NOT EXISTS ` + d.n.sessions + ` (` + columns + `)`},
		{query: `CREATE INDEX IF NOT EXISTS ` + index + ` ON ` + d.n.sessions + ` (until_at)`},
	}
}

// sessions makes the statements.
func (b builder) sessions() sessionQueries {
	q := sessionQueries{
		list: b.look(``), find: b.look(` AND s.sid = ?`), read: b.readSession(), add: b.addSession(),
		change: b.changeSession(unchanged), changeOpen: b.changeSession(open), remove: b.removeSessions(1), prune: b.pruneSessions(),
	}
	for _, s := range []*string{&q.list, &q.find, &q.read, &q.add, &q.change, &q.changeOpen, &q.remove, &q.prune} {
		*s = b.d.numbered(*s)
	}
	return q
}

// look reads the session records of a subject. Each row also has the database's clock,
// the epoch and the subject's record. Without a session there is one row with these, and
// without an epoch there is none. The columns are plain, since MariaDB needs a third
// longer for one that replaces NULL. Its parameters: subject, subject[, session],
// sentinel.
func (b builder) look(one string) string {
	q := `SELECT ` + b.role() + `, ` + b.d.micros() + `, g.before_at, g.all_before_at, g.gen, g.except_id,` +
		` r.seq, r.until_at, r.undone, r.gen, r.all_gen, r.before_at, r.all_before_at, r.except_id`
	for _, c := range sessionColumns {
		q += `, s.` + c[0]
	}
	return q + ` FROM ` + b.n.entries + ` g LEFT JOIN ` + b.n.entries + ` r ON r.id = ?` +
		` LEFT JOIN ` + b.n.sessions + ` s ON s.subject = ?` + one + ` WHERE g.id = ?`
}

// readSession reads one session record, with the database's clock. It costs half of what
// look costs. Its parameters: subject, session.
func (b builder) readSession() string {
	q := `SELECT ` + b.role() + `, ` + b.d.micros()
	for _, c := range sessionColumns {
		q += `, s.` + c[0]
	}
	return q + ` FROM ` + b.n.sessions + ` s WHERE s.subject = ? AND s.sid = ?`
}

// bound limits in MariaDB how long a statement waits for a lock.
func (b builder) bound() string {
	if !b.maria {
		return ``
	}
	return fmt.Sprintf(`SET STATEMENT innodb_lock_wait_timeout = %d, max_statement_time = %d FOR `, b.waits, b.waits)
}

// guarded is the end of the condition of a write. With it nothing is written to tables of
// another epoch.
func (b builder) guarded() string { return ` AND EXISTS (SELECT 1 FROM ` + b.guard() + `)` }

// addSession adds a record, unless there is one of that ID. Its parameters: subject, the
// columns, until, sentinel, epoch[, timeout].
func (b builder) addSession() string {
	names, values := []string{`subject`}, []string{b.typed(`?`, `text`)}
	for _, c := range sessionColumns {
		names, values = append(names, c[0]), append(values, b.typed(`?`, c[1]))
	}
	insert, rest := `INSERT INTO `, ` ON CONFLICT (subject, sid) DO NOTHING`
	if b.d == MySQL {
		insert, rest = `INSERT IGNORE INTO `, ``
	}
	return b.bound() + insert + b.n.sessions + ` (` + strings.Join(names, `, `) + `, until_at) SELECT ` + strings.Join(values, `, `) + `, ` +
		b.typed(`?`, `bigint`) + ` FROM ` + b.guard() + rest
}

// condition is one on the record r of a subject: an expression, and what follows it in
// COALESCE, with its value if there is no record.
type condition struct{ of, rest string }

var (
	// unchanged: the record is the one that was read. Its parameter: the record's number, or
	// 0 for none.
	unchanged = condition{`r.seq`, `, 0) = ?`}
	// open: there is no record, or it has the generation of the token, or it is newer and
	// spares the session. Its parameters: generation, generation, generation, hash of the
	// session.
	open = condition{`r.gen = ? OR r.gen > ? AND r.all_gen <= ? AND r.except_id = ?`, `, TRUE)`}
)

// changeSession writes the result of a rotation if the session's record is the one that
// was read, and the subject's record fulfills c. MySQL needs less time for a join than for
// two subqueries. Its parameters: live, issued, expires, seen, grace, ended, device, agent,
// address, until, subject, session, the live token that was read, those of c, sentinel,
// epoch[, timeout].
func (b builder) changeSession(c condition) string {
	const set = ` SET live = ?, issued = ?, expires = ?, seen = ?, grace = ?, ended = ?, device = ?, agent = ?, address = ?, `
	const where = ` WHERE subject = ? AND sid = ? AND live = ? AND ended = 0 AND COALESCE(`
	if b.d == MySQL {
		return b.bound() + `UPDATE ` + b.n.sessions + ` s JOIN ` + b.n.entries + ` g LEFT JOIN ` + b.n.entries + ` r ON r.id = s.subject` +
			set + `s.until_at = ?` + where + c.of + c.rest + ` AND g.id = ? AND g.except_id = ?`
	}
	return `UPDATE ` + b.n.sessions + set + `until_at = ?` + where + `(SELECT ` + c.of + ` FROM ` + b.n.entries + ` r WHERE r.id = subject)` + c.rest + b.guarded()
}

// endSessions ends n sessions of a subject. Its parameters: now, subject, the sessions,
// sentinel, epoch[, timeout].
func (b builder) endSessions(n int) string {
	return b.bound() + `UPDATE ` + b.n.sessions + ` SET ended = ? WHERE subject = ? AND ended = 0 AND sid IN (?` + strings.Repeat(`, ?`, n-1) + `)` + b.guarded()
}

// removeSessions deletes n records of a subject. Its parameters: subject, the session of
// each, sentinel, epoch[, timeout].
func (b builder) removeSessions(n int) string {
	return b.bound() + `DELETE FROM ` + b.n.sessions + ` WHERE subject = ? AND sid IN (?` + strings.Repeat(`, ?`, n-1) + `)` + b.guarded()
}

// pruneSessions deletes expired records. Its parameters: now, how many.
func (b builder) pruneSessions() string {
	past := ` FROM ` + b.n.sessions + ` WHERE until_at <= ? ORDER BY until_at LIMIT ?`
	switch b.d {
	case SQLite:
		return `DELETE FROM ` + b.n.sessions + ` WHERE rowid IN (SELECT rowid` + past + `)`
	case Postgres:
		return `DELETE FROM ` + b.n.sessions + ` WHERE ctid = ANY (ARRAY(SELECT ctid` + past + `))`
	default:
		return `DELETE` + past
	}
}

// sessionRow is a record as it is in the table.
type sessionRow struct {
	id, live                            string
	gen, issued, expires, idle, end     int64
	created, seen, grace, ended, marked int64
	device                              stores.Device
}

// fields returns the destinations of the columns, in their order.
func (r *sessionRow) fields() []any {
	return []any{
		orEmpty{&r.id}, orEmpty{&r.live}, orZero{&r.gen}, orZero{&r.issued}, orZero{&r.expires}, orZero{&r.idle}, orZero{&r.end},
		orZero{&r.created}, orZero{&r.seen}, orZero{&r.grace}, orZero{&r.ended}, orZero{&r.marked},
		orEmpty{&r.device.Name}, orEmpty{&r.device.UserAgent}, orEmpty{&r.device.Address},
	}
}

// orZero reads a number, and NULL as 0. It implements sql.Scanner.
type orZero struct{ to *int64 }

func (o orZero) Scan(v any) error {
	var n sql.NullInt64
	err := n.Scan(v)
	*o.to = n.Int64
	return err
}

// orEmpty reads a text, and NULL as "". It implements sql.Scanner.
type orEmpty struct{ to *string }

func (o orEmpty) Scan(v any) error {
	var s sql.NullString
	err := s.Scan(v)
	*o.to = s.String
	return err
}

func (r *sessionRow) record(subject string) stores.SessionRecord {
	return stores.SessionRecord{
		ID: r.id, Subject: subject, Live: r.live, Issued: storekit.FromSeconds(r.issued), Expires: storekit.FromSeconds(r.expires), Generation: r.gen,
		Idle: time.Duration(r.idle) * time.Second, End: storekit.FromSeconds(r.end),
		Created: storekit.FromMicros(r.created), Seen: storekit.FromMicros(r.seen), GraceEnd: storekit.FromMicros(r.grace), Ended: storekit.FromMicros(r.ended),
		Remember: r.marked != 0, Device: r.device,
	}
}

// added returns the values of the columns of a new record.
func added(s stores.SessionRecord) []any {
	marked := 0
	if s.Remember {
		marked = 1
	}
	return []any{
		s.ID, s.Live, s.Generation, storekit.Seconds(s.Issued), storekit.Seconds(s.Expires), int64(s.Idle / time.Second), storekit.Seconds(s.End),
		storekit.Micros(s.Created), storekit.Micros(s.Seen), storekit.Micros(s.GraceEnd), storekit.Micros(s.Ended), marked, s.Device.Name, s.Device.UserAgent, s.Device.Address,
	}
}

// changed returns the values of the columns that a rotation changes.
func changed(s stores.SessionRecord) []any {
	return []any{
		s.Live, storekit.Seconds(s.Issued), storekit.Seconds(s.Expires), storekit.Micros(s.Seen), storekit.Micros(s.GraceEnd), storekit.Micros(s.Ended),
		s.Device.Name, s.Device.UserAgent, s.Device.Address,
	}
}
