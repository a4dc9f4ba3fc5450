package gatetest_test

import (
	"strings"
	"time"

	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/storekit"
)

// outcome bends the answer of a step where the outcome is one.
func outcome(o stores.Outcome, bend func(before stores.SessionRecord, r stores.Rotation, out *stores.Rotated, now time.Time) (changed bool)) func(judge) judge {
	return func(good judge) judge {
		return func(s stores.SessionRecord, r stores.Rotation, covered bool, now time.Time) (stores.Rotated, bool) {
			out, changed := good(s, r, covered, now)
			if out.Outcome == o {
				changed = bend(s, r, &out, now)
			}
			return out, changed
		}
	}
}

// asked bends what a step is told.
func asked(bend func(s *stores.SessionRecord, r *stores.Rotation, covered *bool, now *time.Time)) func(judge) judge {
	return func(good judge) judge {
		return func(s stores.SessionRecord, r stores.Rotation, covered bool, now time.Time) (stores.Rotated, bool) {
			bend(&s, &r, &covered, &now)
			return good(s, r, covered, now)
		}
	}
}

// plantedSessions has a fault for each rule of docs/generations.md, and some more.
var plantedSessions = []sessionFault{
	{name: "is no atomic step", check: "reuse at once", torn: true},
	{name: "knows no parent", check: "grace period", judge: outcome(stores.SessionReplayed, func(s stores.SessionRecord, _ stores.Rotation, out *stores.Rotated, now time.Time) bool {
		out.Outcome, out.Session.Ended = stores.SessionReused, now
		return true
	})},
	{name: "moves the grace period", check: "grace period", judge: outcome(stores.SessionReplayed, func(_ stores.SessionRecord, r stores.Rotation, out *stores.Rotated, now time.Time) bool {
		out.Session.GraceEnd = now.Add(r.Grace)
		return true
	})},
	{name: "rotates in the grace period", check: "grace period", judge: outcome(stores.SessionUnchanged, func(s stores.SessionRecord, r stores.Rotation, out *stores.Rotated, now time.Time) bool {
		s.GraceEnd = time.Time{}
		*out, _ = storekit.Rotate(s, r, false, now)
		return true
	})},
	{name: "has a grace period that ends late", check: "grace period", judge: asked(func(s *stores.SessionRecord, _ *stores.Rotation, _ *bool, _ *time.Time) {
		if !s.GraceEnd.IsZero() {
			s.GraceEnd = s.GraceEnd.Add(time.Millisecond)
		}
	})},
	{name: "has no grace period", check: "rotations at once", judge: asked(func(_ *stores.SessionRecord, r *stores.Rotation, _ *bool, _ *time.Time) { r.Grace = 0 })},
	{name: "forgives the grandparent", check: "reuse", judge: outcome(stores.SessionReused, func(s stores.SessionRecord, r stores.Rotation, out *stores.Rotated, now time.Time) bool {
		if now.Before(s.GraceEnd) {
			*out = stores.Rotated{Outcome: stores.SessionReplayed, Session: s}
			return false
		}
		return true
	})},
	{name: "makes a lost rotation a reuse", check: "lost rotations", judge: outcome(stores.SessionAdopted, func(s stores.SessionRecord, _ stores.Rotation, out *stores.Rotated, now time.Time) bool {
		s.Ended = now
		*out = stores.Rotated{Outcome: stores.SessionReused, Session: s}
		return true
	})},
	{name: "rotates what it adopts", check: "lost rotations", judge: outcome(stores.SessionAdopted, func(_ stores.SessionRecord, r stores.Rotation, out *stores.Rotated, now time.Time) bool {
		out.Session.GraceEnd = time.Time{}
		*out, _ = storekit.Rotate(out.Session, r, false, now)
		out.Outcome = stores.SessionAdopted
		return true
	})},
	{name: "adopts without a grace period", check: "lost rotations", judge: outcome(stores.SessionAdopted, func(_ stores.SessionRecord, _ stores.Rotation, out *stores.Rotated, now time.Time) bool {
		out.Session.GraceEnd = now
		return true
	})},
	{name: "adopts anything", check: "lost rotations", judge: outcome(stores.SessionReused, func(s stores.SessionRecord, r stores.Rotation, out *stores.Rotated, _ time.Time) bool {
		s.Live = r.Token.ID
		*out = stores.Rotated{Outcome: stores.SessionAdopted, Session: s}
		return true
	})},
	{name: "dates the adopted token anew", check: "lost rotations", judge: outcome(stores.SessionAdopted, func(_ stores.SessionRecord, _ stores.Rotation, out *stores.Rotated, now time.Time) bool {
		out.Session.Issued = now
		return true
	})},
	{name: "lets reuse pass", check: "reuse", judge: outcome(stores.SessionReused, func(s stores.SessionRecord, _ stores.Rotation, out *stores.Rotated, _ time.Time) bool {
		out.Session = s
		return false
	})},
	{name: "reports reuse twice", check: "reuse", judge: outcome(stores.SessionEnded, func(_ stores.SessionRecord, _ stores.Rotation, out *stores.Rotated, _ time.Time) bool {
		out.Outcome = stores.SessionReused
		return false
	})},
	{name: "has no absolute end", check: "lifetimes", record: func(r *stores.SessionRecord) { r.End = time.Time{} }},
	{name: "rotates at the end", check: "a record's time", record: func(r *stores.SessionRecord) { r.End = r.End.Add(time.Second) }},
	{name: "outlives the end by a token", check: "lifetimes", judge: outcome(stores.SessionRotated, func(s stores.SessionRecord, _ stores.Rotation, out *stores.Rotated, _ time.Time) bool {
		if s.Idle > 0 {
			out.Session.Expires = out.Session.Issued.Add(s.Idle)
		}
		return true
	})},
	{name: "draws the successor at random", check: "rotation", judge: outcome(stores.SessionRotated, func(_ stores.SessionRecord, _ stores.Rotation, out *stores.Rotated, now time.Time) bool {
		out.Session.Live += now.Format(time.RFC3339Nano)
		return true
	})},
	{name: "dates the successor anew for each", check: "grace period", judge: outcome(stores.SessionReplayed, func(_ stores.SessionRecord, _ stores.Rotation, out *stores.Rotated, now time.Time) bool {
		out.Session.Issued = now.Truncate(time.Second)
		return false
	})},
	{name: "makes records", check: "no record", rotate: func(p *plain, r stores.Rotation) {
		key := p.key(r.Token.Subject, r.Token.SessionID)
		if _, there := p.records[key]; !there {
			p.records[key] = stores.SessionRecord{ID: r.Token.SessionID, Subject: r.Token.Subject, Live: r.Token.ID}
		}
	}},
	{name: "asks no generation", check: "generation", judge: asked(func(_ *stores.SessionRecord, _ *stores.Rotation, covered *bool, _ *time.Time) { *covered = false })},
	{name: "asks the generation of nobody", check: "revoked while rotated", covers: func(*plain, bool) bool { return false }},
	{name: "spares no session", check: "revoked records", remove: func(p *plain, covered bool) bool { return true }},
	{name: "removes nothing", check: "revoked records", remove: func(p *plain, covered bool) bool { return false }},
	{name: "does not know of RevokeAll", check: "revoke all", covers: func(p *plain, covered bool) bool { return covered && p.all == 0 }},
	{name: "judges no token by iat", check: "generation: none", judge: asked(func(s *stores.SessionRecord, _ *stores.Rotation, covered *bool, _ *time.Time) {
		*covered = *covered && s.Generation != stores.NoGeneration
	})},
	{name: "trusts generations above the record", check: "generation: above the record", judge: asked(func(s *stores.SessionRecord, _ *stores.Rotation, covered *bool, now *time.Time) {
		*covered = *covered && s.Generation>>storekit.GenerationBits <= now.UnixMicro()>>storekit.GenerationBits
	})},
	{name: "allows one too many", check: "limit: refuse", limit: func(l *stores.SessionLimit) {
		if l.Max > 0 {
			l.Max++
		}
	}},
	{name: "refuses always", check: "limit: evict", limit: func(l *stores.SessionLimit) { l.Evict = false }},
	{name: "evicts always", check: "limit: refuse", limit: func(l *stores.SessionLimit) { l.Evict = true }},
	{name: "counts idle sessions", check: "limit: idle", record: func(r *stores.SessionRecord) { r.Expires = r.Expires.Add(time.Minute) }},
	{name: "names evicted sessions once", check: "limit: evict", ended: func(now []string) []string { return now }},
	{name: "forgets that a login is remembered", check: "added and listed", record: func(r *stores.SessionRecord) { r.Remember = false }},
	{name: "keeps seconds only", check: "added and listed", record: func(r *stores.SessionRecord) { r.Created = r.Created.Truncate(time.Second) }},
	{name: "folds case", check: "identifiers", record: func(r *stores.SessionRecord) { r.ID = strings.ToLower(r.ID) }},
	{name: "trims identifiers", check: "identifiers", record: func(r *stores.SessionRecord) { r.ID = strings.TrimSpace(r.ID) }},
	{name: "finds sessions by ID alone", check: "subjects are apart", subject: func(string) string { return "" }},
	{name: "keeps the old device", check: "device", judge: asked(func(_ *stores.SessionRecord, r *stores.Rotation, _ *bool, _ *time.Time) { r.Device = nil })},
	{name: "forgets the device", check: "device", judge: asked(func(_ *stores.SessionRecord, r *stores.Rotation, _ *bool, _ *time.Time) {
		if r.Device == nil {
			r.Device = &stores.Device{}
		}
	})},
	{name: "goes on when the context has ended", check: "contexts", deaf: true},
	{name: "idle from the login on", check: "any order", judge: outcome(stores.SessionRotated, func(s stores.SessionRecord, _ stores.Rotation, out *stores.Rotated, _ time.Time) bool {
		out.Session.Expires = s.Expires
		return true
	})},
}
