package gatesql

import (
	"fmt"
	"strings"

	"github.com/jwtgate/gate/stores/storekit"
)

// In MySQL a write is one statement with two rows. The first is the row of a lane: the
// statement locks it and increments its number. The second is the entry, which takes the
// new number. The next writer of the lane waits until this one has committed, so a reader
// that follows the numbers of a lane misses no entry. No lock waits for a client.
//
// MySQL makes the assignments of ON DUPLICATE KEY UPDATE from left to right, and handles
// one row after the other. A variable carries the number from the first row to the second.

// laneRow returns the first row. Its parameters: lane's id, epoch, lane.
func (b builder) laneRow() string {
	return fmt.Sprintf(`(?, 'lane', 0, %d, 0, (@gate_seq := %s), 0, 0, ?, '', '', 0, 0, ?)`, storekit.Never, b.position())
}

// begin returns the beginning of a write, up to the second row.
func (b builder) begin() string {
	insert := `INSERT INTO ` + b.n.entries + ` (` + inserts + `, lane) VALUES ` + b.laneRow()
	if !b.maria || b.waits == 0 {
		return insert
	}
	return fmt.Sprintf(`SET STATEMENT innodb_lock_wait_timeout = %d, max_statement_time = %d FOR `, b.waits, b.waits) + insert
}

// count returns the first assignments, which give both rows their number. For a lane of
// another epoch the number is out of range, which is an error.
func (b builder) count() string {
	next := `GREATEST(seq + 1, ` + b.position() + `)`
	if b.beside {
		next = b.position()
	}
	return ` ON DUPLICATE KEY UPDATE seq = IF(kind = 'lane', (@gate_seq := IF(except_id = VALUES(except_id),` +
		` ` + next + `, seq + 9223372036854775807)), @gate_seq), lane = VALUES(lane)`
}

// putLane writes n entries of one lane. Its parameters: lane's id, epoch, lane, and for
// each entry id, kind, now, until, by, why, lane.
func (b builder) putLane(n int) string {
	return b.begin() + strings.Repeat(`, (?, ?, ?, ?, 0, @gate_seq, 0, 0, '', ?, ?, 0, 0, ?)`, n) + b.count() +
		`, kind = VALUES(kind), revoked_at = VALUES(revoked_at),` +
		` until_at = IF(undone = 0, GREATEST(until_at, VALUES(until_at)), VALUES(until_at)),` +
		` undone = 0, revoked_by = VALUES(revoked_by), why = VALUES(why)`
}

// subjectLane is [builder.subject]. It returns the generation as the last insert ID. Its
// parameters: lane's id, epoch, lane, id, now, until, before, before if all, except, by,
// why, lowest generation, random bits, 1 if all, lane.
func (b builder) subjectLane() string {
	first := fmt.Sprintf(`LAST_INSERT_ID(GREATEST(%s DIV %d, ?) * %d + ?)`, b.d.micros(), genUnit, genUnit)
	next := fmt.Sprintf(`(GREATEST(gen DIV %d + 1, VALUES(gen) DIV %d) * %d + VALUES(gen) MOD %d)`, genUnit, genUnit, genUnit, genUnit)
	live := func(column string) string { return `IF(undone = 0, ` + column + `, 0)` }
	return b.begin() + `, (?, 'subject', ?, ?, 0, @gate_seq, ?, ?, ?, ?, ?, ` + first + `, gen * ?, ?)` + b.count() +
		`, kind = VALUES(kind), revoked_at = VALUES(revoked_at), until_at = GREATEST(until_at, VALUES(until_at)),` +
		` all_gen = IF(kind = 'lane', 0, IF(VALUES(except_id) = '', ` + next + `, IF(undone <> 0, 0, IF(except_id = VALUES(except_id), all_gen, gen)))),` +
		` gen = IF(kind = 'lane', 0, LAST_INSERT_ID(` + next + `)),` +
		` all_before_at = IF(VALUES(except_id) = '', GREATEST(` + live("all_before_at") + `, ` + live("before_at") + `, VALUES(before_at)),` +
		` IF(except_id = VALUES(except_id), ` + live("all_before_at") + `, GREATEST(` + live("all_before_at") + `, ` + live("before_at") + `))),` +
		` before_at = GREATEST(` + live("before_at") + `, VALUES(before_at)), except_id = VALUES(except_id),` +
		` undone = 0, revoked_by = VALUES(revoked_by), why = VALUES(why)`
}

// restampLane is [builder.restamp]. If there is no record, it writes one that is marked
// as restored. The last insert ID is the generation that it found. It is 0 if there was
// none, or if that one does not cover what the call with the given generation wrote. It
// is the given generation if the record was restored. Its parameters: lane's id, epoch,
// lane, id, until, before, except, lane, and five times the generation.
func (b builder) restampLane() string {
	raise := func(column string) string {
		return `, ` + column + ` = IF(kind = 'subject' AND undone = 0 AND gen >= ?, GREATEST(` + column + `, VALUES(` + column + `)), ` + column + `)`
	}
	return b.begin() + `, (?, 'subject', 0, ?, 1, @gate_seq, ?, 0, ?, '', '', LAST_INSERT_ID(0), 0, ?)` + b.count() +
		`, all_before_at = IF(kind = 'subject' AND undone = 0 AND gen >= ? AND (VALUES(except_id) = '' OR except_id <> VALUES(except_id)),` +
		` GREATEST(all_before_at, VALUES(before_at)), all_before_at)` + raise("before_at") + raise("until_at") +
		`, gen = IF(kind = 'lane', 0, gen + 0 * LAST_INSERT_ID(IF(undone <> 0, ?, IF(all_gen >= ? OR except_id <> '' AND except_id = VALUES(except_id), gen, 0))))`
}

// undoLane is [builder.undo]. If there is no entry, it writes one that is marked as
// restored. Its parameters: lane's id, epoch, lane, id, kind, until, lane.
func (b builder) undoLane() string {
	return b.begin() + `, (?, ?, 0, ?, 1, @gate_seq, 0, 0, '', '', '', 0, 0, ?)` + b.count() +
		`, until_at = IF(kind = 'lane' OR undone <> 0, until_at, VALUES(until_at)), undone = IF(kind = 'lane', 0, 1)`
}
