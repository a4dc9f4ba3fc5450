package gatesql

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/jwtgate/gate/stores/storekit"
)

// queries holds the statements of a store in its dialect.
type queries struct {
	check, generation, sentinel, find, list, listKind, prune string
	put, revokeSubject, restamp, undo, redeem, revokeAll     string
}

const (
	columns = `id, kind, revoked_at, until_at, undone, gen, all_gen, before_at, all_before_at, except_id, revoked_by, why`
	inserts = `id, kind, revoked_at, until_at, undone, seq, before_at, all_before_at, except_id, revoked_by, why, gen, all_gen`
)

// builder makes statements.
type builder struct {
	d Dialect
	n names
	// maria is set for MariaDB; waits is the longest wait for a lock there, in seconds.
	maria bool
	waits int
	// beside is set while programs of the first version write too. Then rows take their
	// number from the counter in meta that those programs use.
	beside bool
	// anyRole is set where a replica may answer.
	anyRole bool
}

func (b builder) all(floor string) queries {
	q := queries{
		check:      b.check(),
		generation: `SELECT ` + b.role() + `, kind, gen, except_id, undone FROM ` + b.n.entries + ` WHERE id IN (?, ?)`,
		sentinel:   `SELECT id, before_at, all_before_at, except_id, gen FROM ` + b.n.entries + ` WHERE kind = 'epoch'`,
		find:       `SELECT ` + columns + ` FROM ` + b.n.entries + ` WHERE id = ? AND until_at > ? AND undone = 0`,
		list: `SELECT ` + columns + ` FROM ` + b.n.entries +
			` WHERE id > ? AND until_at > ? AND undone = 0 AND kind NOT IN ('epoch', 'lane') ORDER BY id LIMIT ?`,
		listKind: `SELECT ` + columns + ` FROM ` + b.n.entries +
			` WHERE kind = ? AND id > ? AND until_at > ? AND undone = 0 ORDER BY id LIMIT ?`,
		prune: b.prune(), revokeAll: b.revokeAll(floor),
	}
	if b.d == MySQL {
		q.put, q.revokeSubject, q.restamp, q.undo = b.putLane(1), b.subjectLane(), b.restampLane(), b.undoLane()
		q.redeem = b.redeemLane()
	} else {
		q.put, q.revokeSubject, q.restamp, q.undo = b.put(), b.subject(), b.restamp(), b.undo()
		q.redeem = b.redeem()
	}
	if b.d == Postgres {
		q.revokeSubject += ` RETURNING gen`
	}
	for _, s := range []*string{&q.check, &q.generation, &q.find, &q.list, &q.listKind, &q.prune, &q.put, &q.revokeSubject, &q.restamp, &q.undo, &q.redeem, &q.revokeAll} {
		*s = b.d.numbered(*s)
	}
	return q
}

// kindReplica is returned instead of a kind by a server that may not know what was
// revoked.
const kindReplica = "replica"

// check reads the entries of a token, and the sentinel, into a checkRow. Its parameters:
// four identifiers, and now in dialects other than MySQL. MySQL returns plain columns, of
// expired rows too: it takes nearly twice as long to evaluate conditions and expressions.
func (b builder) check() string {
	role := b.role()
	if b.anyRole {
		role = `0`
	}
	from := ` FROM ` + b.n.entries + ` WHERE id IN (?, ?, ?, ?)`
	if b.d == MySQL {
		return `SELECT kind, except_id, ` + role + `, until_at, undone, gen, all_gen, before_at, all_before_at` + from
	}
	return `SELECT CASE WHEN ` + role + ` <> 0 THEN '` + kindReplica + `' ELSE kind END, except_id,` +
		` CASE WHEN kind = 'subject' THEN gen || ' ' || all_gen || ' ' || before_at || ' ' || all_before_at ELSE '' END` + from +
		` AND until_at > ? AND undone = 0`
}

// parseRecord reads a record without its exception.
func parseRecord(text string) (r storekit.SubjectRecord, err error) {
	to := []*int64{&r.Generation, &r.AllGeneration, &r.Before, &r.AllBefore}
	fields := strings.Split(text, " ")
	if len(fields) != len(to) {
		return r, fmt.Errorf("gatesql: the record of a subject has %d numbers", len(fields))
	}
	for i, f := range fields {
		if *to[i], err = strconv.ParseInt(f, 10, 64); err != nil {
			return r, fmt.Errorf("gatesql: the record of a subject: %w", err)
		}
	}
	return r, nil
}

// role returns an expression that is 1 if the server is a replica or read-only.
func (b builder) role() string {
	switch b.d {
	case SQLite:
		return `0`
	case Postgres:
		return `pg_is_in_recovery()::int`
	default:
		return `(@@global.read_only OR @@global.innodb_read_only)`
	}
}

// prune deletes the oldest expired rows and reads no other rows. A DELETE with IN would
// read all rows in MySQL, and may do so in PostgreSQL. In SQLite the row with the highest
// seq stays, because the next seq is computed from it.
func (b builder) prune() string {
	past := ` FROM ` + b.n.entries + ` WHERE until_at <= ? ORDER BY until_at LIMIT ?`
	switch b.d {
	case SQLite:
		return `DELETE FROM ` + b.n.entries + ` WHERE id IN (SELECT id` + past + `) AND seq < (SELECT MAX(seq) FROM ` + b.n.entries + `)`
	case Postgres:
		return `DELETE FROM ` + b.n.entries + ` WHERE ctid = ANY (ARRAY(SELECT ctid` + past + `))`
	default:
		return `DELETE` + past
	}
}

// position returns an expression for the place of a row among all changes. In PostgreSQL
// it is the number of the transaction. In SQLite, which has one writer at a time, it is an
// increasing number. In MySQL it is at least the time, and it increases in each lane. No
// number is used again after a failover.
func (b builder) position() string {
	switch {
	case b.beside:
		return `(SELECT seq FROM ` + b.n.meta + ` WHERE id = 1)`
	case b.d == Postgres:
		return `pg_current_xact_id()::text::bigint`
	case b.d == MySQL:
		return b.d.micros()
	}
	return `MAX(` + b.d.micros() + `, (SELECT COALESCE(MAX(seq), 0) + 1 FROM ` + b.n.entries + `))`
}

// guard is the FROM clause of a write. It reads the sentinel, without which nothing is
// written. In PostgreSQL it also makes the settings of this transaction.
func (b builder) guard() string {
	g := b.n.entries + ` g WHERE g.id = ? AND g.except_id = ?`
	if b.d == Postgres {
		g += b.settings()
	}
	return g
}

// settings limits the wait for a lock, and makes PostgreSQL acknowledge a commit only when
// it is on disk. Both hold for the transaction of this statement and need no extra round
// trip.
func (b builder) settings() string {
	return ` AND set_config('lock_timeout', ?, true) IS NOT NULL` +
		` AND set_config('synchronous_commit', CASE WHEN current_setting('synchronous_commit') IN ('off', 'local') THEN 'on'` +
		` ELSE current_setting('synchronous_commit') END, true) IS NOT NULL`
}

// put writes an entry of a token or session, or extends the life of the existing one. Its
// parameters: id, kind, now, until, by, why, sentinel, epoch[, timeout].
func (b builder) put() string {
	return `INSERT INTO ` + b.n.entries + ` AS r (` + inserts + `) SELECT ` + b.typed("?", "text") + `, ` + b.typed("?", "text") + `, ` +
		b.typed("?", "bigint") + `, ` + b.typed("?", "bigint") + `, 0, ` + b.position() + `, 0, 0, '', ` +
		b.typed("?", "text") + `, ` + b.typed("?", "text") + `, 0, 0 FROM ` + b.guard() + b.onConflict()
}

// putMany does the same for many tokens. Their identifiers and ends are literals. Its
// parameters: now, by, why, sentinel, epoch[, timeout].
func (b builder) putMany(entries []row) string {
	var v strings.Builder
	for i, r := range entries {
		if i > 0 {
			v.WriteString(`, `)
		}
		fmt.Fprintf(&v, `('%s', %s)`, r.id, b.typed(fmt.Sprint(r.until), "bigint"))
	}
	return b.d.numbered(`WITH u(id, until_at) AS (VALUES ` + v.String() + `) INSERT INTO ` + b.n.entries + ` AS r (` + inserts + `) SELECT u.id, 'token', ` +
		b.typed("?", "bigint") + `, u.until_at, 0, ` + b.position() + `, 0, 0, '', ` +
		b.typed("?", "text") + `, ` + b.typed("?", "text") + `, 0, 0 FROM u, ` + b.guard() + b.onConflict())
}

// typed adds the type of a parameter for PostgreSQL, which cannot infer it in an
// INSERT ... SELECT.
func (b builder) typed(s, typ string) string {
	if b.d == Postgres {
		return s + `::` + typ
	}
	return s
}

func (b builder) onConflict() string {
	return ` ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, revoked_at = excluded.revoked_at,` +
		` until_at = CASE WHEN r.undone = 0 THEN ` + b.d.greatest("r.until_at", "excluded.until_at") + ` ELSE excluded.until_at END,` +
		` undone = 0, seq = excluded.seq, revoked_by = excluded.revoked_by, why = excluded.why`
}

const genUnit = 1 << storekit.GenerationBits

// subject writes the record of a subject as [storekit.SubjectRecord.Revoke] does, in
// one step. Its parameters: id, now, until, before, before if all, except, by, why, 1 if
// all, lowest generation, random bits, sentinel, epoch[, timeout].
func (b builder) subject() string {
	gen := fmt.Sprintf(`%s * %d + %s`, b.d.greatest(fmt.Sprintf(`%s / %d`, b.d.micros(), genUnit), b.typed("?", "bigint")), genUnit, b.typed("?", "bigint"))
	next := fmt.Sprintf(`%s * %d + excluded.gen %% %d`, b.d.greatest(fmt.Sprintf(`r.gen / %d + 1`, genUnit), fmt.Sprintf(`excluded.gen / %d`, genUnit)), genUnit, genUnit)
	live := func(column string) string { return `CASE WHEN r.undone = 0 THEN r.` + column + ` ELSE 0 END` }
	return `INSERT INTO ` + b.n.entries + ` AS r (` + inserts + `) SELECT ` + b.typed("?", "text") + `, 'subject', ` +
		b.typed("?", "bigint") + `, ` + b.typed("?", "bigint") + `, 0, ` + b.position() + `, ` + b.typed("?", "bigint") + `, ` + b.typed("?", "bigint") + `, ` +
		b.typed("?", "text") + `, ` + b.typed("?", "text") + `, ` + b.typed("?", "text") + `, n.gen, n.gen * ` + b.typed("?", "bigint") +
		` FROM (SELECT ` + gen + ` AS gen) n, ` + b.guard() +
		` ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, revoked_at = excluded.revoked_at,` +
		` until_at = ` + b.d.greatest("r.until_at", "excluded.until_at") + `, undone = 0, seq = excluded.seq,` +
		` gen = ` + next + `,` +
		` all_gen = CASE WHEN excluded.except_id = '' THEN ` + next + ` WHEN r.undone <> 0 THEN 0 WHEN excluded.except_id = r.except_id THEN r.all_gen ELSE r.gen END,` +
		` before_at = ` + b.d.greatest(live("before_at"), "excluded.before_at") + `,` +
		` all_before_at = CASE WHEN excluded.except_id = '' THEN ` + b.d.greatest(live("all_before_at"), b.d.greatest(live("before_at"), "excluded.before_at")) +
		` WHEN excluded.except_id = r.except_id THEN ` + live("all_before_at") + ` ELSE ` + b.d.greatest(live("all_before_at"), live("before_at")) + ` END,` +
		` except_id = excluded.except_id, revoked_by = excluded.revoked_by, why = excluded.why`
}

// restamp raises the instants of a record, as [storekit.SubjectRecord.Restamp] does, if
// the record covers what the call with the given generation wrote. A greater generation
// is not enough: it may be from a call that spares a session. Its parameters: before,
// except, except, before, until, id, generation, generation, except, sentinel, epoch[,
// timeout].
func (b builder) restamp() string {
	before := b.typed("?", "bigint")
	except := b.typed("?", "text")
	set := `UPDATE ` + b.n.entries + ` SET seq = ` + b.position() + `, before_at = ` + b.d.greatest("before_at", before) + `,` +
		` all_before_at = CASE WHEN ` + except + ` = '' OR except_id <> ` + except + ` THEN ` + b.d.greatest("all_before_at", before) + ` ELSE all_before_at END,` +
		` until_at = ` + b.d.greatest("until_at", b.typed("?", "bigint"))
	return set + ` WHERE id = ? AND undone = 0 AND (all_gen >= ? OR gen >= ? AND except_id <> '' AND except_id = ?) AND EXISTS (SELECT 1 FROM ` + b.guard() + `)`
}

// undo marks an entry as restored. Its parameters: until, id, sentinel, epoch[,
// timeout].
func (b builder) undo() string {
	return `UPDATE ` + b.n.entries + ` SET seq = ` + b.position() + `, undone = 1, until_at = ` + b.typed("?", "bigint") +
		` WHERE id = ? AND undone = 0 AND EXISTS (SELECT 1 FROM ` + b.guard() + `)`
}
