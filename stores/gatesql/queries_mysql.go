package gatesql

import (
	"fmt"
	"strings"

	"github.com/jwtgate/gate/stores/storekit"
)

// In MySQL a write is one statement of two rows: the row of a lane, which it locks and
// counts up, and the entry, which takes the new number. Whoever reads the entries of a
// lane in the order of their numbers misses none, since the next writer of that lane
// waits until this one has committed. No client is asked in between, so that one that
// halts holds no lock.
//
// Assignments of ON DUPLICATE KEY UPDATE take effect from left to right, and rows one
// after the other; the variable carries the number from the first row to the second.

// laneRow is the first row. Its parameters: lane's id, epoch, lane.
func (b builder) laneRow() string {
	return fmt.Sprintf(`(?, 'lane', 0, %d, 0, (@gate_seq := %s), 0, 0, ?, '', '', 0, 0, ?)`, storekit.Never, b.position())
}

// begin is the beginning of a write, as far as the second row.
func (b builder) begin() string {
	insert := `INSERT INTO ` + b.n.entries + ` (` + inserts + `, lane) VALUES ` + b.laneRow()
	if !b.maria || b.waits == 0 {
		return insert
	}
	return fmt.Sprintf(`SET STATEMENT innodb_lock_wait_timeout = %d, max_statement_time = %d FOR `, b.waits, b.waits) + insert
}

// count begins the assignments, and gives both rows their number. A lane of another
// epoch is an error: the number is out of range.
func (b builder) count() string {
	next := `GREATEST(seq + 1, ` + b.position() + `)`
	if b.beside {
		next = b.position()
	}
	return ` ON DUPLICATE KEY UPDATE seq = IF(kind = 'lane', (@gate_seq := IF(except_id = VALUES(except_id),` +
		` ` + next + `, seq + 9223372036854775807)), @gate_seq), lane = VALUES(lane)`
}

// putLane writes so many entries of one lane. Its parameters: lane's id, epoch, lane,
// and for each id, kind, now, until, by, why, lane.
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

// restampLane is [builder.restamp]. Where there is no record it leaves one that is
// restored already. The last insert ID is the generation that it found, 0 for none and for
// one that does not cover what was written with the generation given, and the one given
// where the record was restored. Its parameters: lane's id, epoch, lane, id, until, before,
// except, lane, and five times the generation.
func (b builder) restampLane() string {
	raise := func(column string) string {
		return `, ` + column + ` = IF(kind = 'subject' AND undone = 0 AND gen >= ?, GREATEST(` + column + `, VALUES(` + column + `)), ` + column + `)`
	}
	return b.begin() + `, (?, 'subject', 0, ?, 1, @gate_seq, ?, 0, ?, '', '', LAST_INSERT_ID(0), 0, ?)` + b.count() +
		`, all_before_at = IF(kind = 'subject' AND undone = 0 AND gen >= ? AND (VALUES(except_id) = '' OR except_id <> VALUES(except_id)),` +
		` GREATEST(all_before_at, VALUES(before_at)), all_before_at)` + raise("before_at") + raise("until_at") +
		`, gen = IF(kind = 'lane', 0, gen + 0 * LAST_INSERT_ID(IF(undone <> 0, ?, IF(all_gen >= ? OR except_id <> '' AND except_id = VALUES(except_id), gen, 0))))`
}

// undoLane is [builder.undo]. Where there is no entry it leaves one that is restored
// already. Its parameters: lane's id, epoch, lane, id, kind, until, lane.
func (b builder) undoLane() string {
	return b.begin() + `, (?, ?, 0, ?, 1, @gate_seq, 0, 0, '', '', '', 0, 0, ?)` + b.count() +
		`, until_at = IF(kind = 'lane' OR undone <> 0, until_at, VALUES(until_at)), undone = IF(kind = 'lane', 0, 1)`
}
