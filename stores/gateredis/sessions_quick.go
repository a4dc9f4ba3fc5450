package gateredis

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/storekit"
)

// rotateScript makes the usual rotation in one step. It does what storekit.Rotate does if
// the token is the live one, no grace period is open, and the subject has no record. Then
// it returns the time and the old record. In every other case it does nothing.
// ARGV: session, token, its successor, the grace period and the leeway in microseconds,
// the time for tests, and whether there is a device, and which.
//
// The record begins with the token and has no NUL in its fields, so the pattern starts
// behind the token. Seconds and microseconds stay the texts that TIME returns: Lua needs
// longer to format a number than the rest of the script.
const rotateScript = `local old = redis.call('HGET', KEYS[1], ARGV[1])
if not old or redis.call('EXISTS', KEYS[2]) == 1 then return {} end
local start = #ARGV[2] + 1
if string.sub(old, 1, start) ~= ARGV[2] .. '\0' then return {} end
local gen, expires, idle, ends, created, grace, rest =
  string.match(old, '^(%-?%d+)%z%d*%z(%d*)%z(%d+)%z(%d*)%z(%d*)%z%d*%z(%d*)%z%z()', start + 1)
if not gen then return {} end
local t = redis.call('TIME')
local sec, micro = t[1], t[2]
if ARGV[6] ~= '' then sec, micro = string.match(ARGV[6], '^(%d+)(%d%d%d%d%d%d)$') end
local now = sec .. string.sub('00000' .. micro, -6)
if (grace ~= '' and now - grace < 0) or (ends ~= '' and sec - ends >= 0) or (expires ~= '' and now - expires * 1000000 >= ARGV[5] + 0) then return {} end
local last, next = ends, sec + idle
if next - sec > 0 and (ends == '' or next - ends < 0) then last = next end
rest = string.sub(old, rest)
if ARGV[7] == '1' then rest = string.match(rest, '^[^%z]*') .. '\0' .. ARGV[8] end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3] .. '\0' .. gen .. '\0' .. sec .. '\0' .. last .. '\0' .. idle .. '\0' .. ends .. '\0' ..
  created .. '\0' .. now .. '\0' .. string.format('%.0f', now + ARGV[4]) .. '\0\0' .. rest)
if last == '' then
  redis.call('PERSIST', KEYS[1])
  return {now, old}
end
local has, ms = redis.call('PTTL', KEYS[1]), (last - sec + 1) * 1000 + math.floor(ARGV[5] / 1000)
if (has >= 0 and has < ms) or (has < 0 and redis.call('HLEN', KEYS[1]) == 1) then redis.call('PEXPIRE', KEYS[1], string.format('%.0f', ms)) end
return {now, old}`

// quickRotate tries rotateScript in one round trip. done is false if it did nothing.
func (s *Store) quickRotate(ctx context.Context, l logins, r stores.Rotation) (out stores.Rotated, done bool, err error) {
	k, err := s.ready(ctx, time.Now())
	presented := stores.SessionRecord{ID: r.Token.SessionID, Live: r.Token.ID, Generation: stores.NoGeneration, Issued: r.Token.IssuedAt}
	if gen, ok := r.Token.Generation(); ok {
		presented.Generation = gen
	}
	// A token with NUL is never the live one, but could match several fields of a record.
	if err != nil || s.o.Replicas > 0 || s.older(k.epoch, presented) || strings.Contains(presented.Live, entrySeparator) {
		return out, false, err
	}
	begun := time.Now()
	parts, mark, err := s.tryQuick(ctx, l, s.rotateArgs(presented, r))
	if s.isOld(change{urgent: true}, err) || refused(err) || err == nil && len(parts) != 2 {
		return out, false, nil
	}
	if s.writes.note(err, begun) {
		s.emit(ctx, stores.StoreFailing, err)
	}
	if err != nil {
		return out, false, writeError("rotate", err)
	}
	e, err := s.sameEpoch(ctx, k, []string{mark})
	if err != nil {
		return out, false, err
	}
	out, err = rotatedFrom(l, r, parts)
	if err == nil && s.older(e, presented) { // RevokeAll came in between
		out.Outcome = stores.SessionRevoked
	}
	return out, err == nil, err
}

// tryQuick sends the hash of the script, and its text to a server that does not have it.
func (s *Store) tryQuick(ctx context.Context, l logins, args []string) (parts []string, mark string, err error) {
	script, b := s.script(change{urgent: true}, rotateScript), s.client.B()
	hash := rotateHashes[0]
	if script != rotateScript {
		hash = rotateHashes[1]
	}
	evalsha := b.Evalsha().Sha1(hash).Numkeys(2).Key(l.sessions, l.gone).Arg(args...).Build()
	results := s.client.DoMulti(ctx, evalsha, b.Get().Key(l.mark).Build())
	if e, ok := rueidis.IsRedisErr(results[0].Error()); ok && e.IsNoScript() {
		eval := b.Eval().Script(script).Numkeys(2).Key(l.sessions, l.gone).Arg(args...).Build()
		results = s.client.DoMulti(ctx, eval, b.Get().Key(l.mark).Build())
	}
	if parts, err = results[0].AsStrSlice(); err == nil {
		mark, err = text(results[1].ToString())
	}
	return parts, mark, err
}

// rotateHashes has the hashes of rotateScript: without whenFull, for Redis 6, and with it.
var rotateHashes = [2]string{sha1Hex(rotateScript), sha1Hex(whenFull + rotateScript)}

// sha1Hex returns the hash by which Redis knows a script.
func sha1Hex(script string) string {
	sum := sha1.Sum([]byte(script))
	return hex.EncodeToString(sum[:])
}

// older reports whether the epoch covers the tokens of a record.
func (s *Store) older(e *epoch, r stores.SessionRecord) bool {
	return !s.trusts(e) && e.olderThan(r.Generation, r.Issued)
}

func (s *Store) rotateArgs(presented stores.SessionRecord, r stores.Rotation) []string {
	next, _ := storekit.Rotate(presented, r, false, time.Unix(1, 0))
	now, device := "", "0"
	if s.o.ServerClock != nil {
		now = number(s.o.ServerClock().UnixMicro())
	}
	if r.Device != nil {
		device = "1"
	}
	d := next.Session.Device
	return []string{
		presented.ID, presented.Live, next.Session.Live, number(max(r.Grace, 0).Microseconds()), number(s.keep.Leeway.Microseconds()),
		now, device, strings.Join([]string{d.Name, d.UserAgent, d.Address}, entrySeparator),
	}
}

// rotatedFrom returns the outcome of a rotation by the script, from its result.
func rotatedFrom(l logins, r stores.Rotation, parts []string) (stores.Rotated, error) {
	micro, err := strconv.ParseInt(parts[0], 10, 64)
	old, ok := decodeSession(l.subject, r.Token.SessionID, parts[1])
	if err != nil || !ok {
		return stores.Rotated{}, fmt.Errorf("gateredis: rotate: %w", errForeign)
	}
	out, _ := storekit.Rotate(old, r, false, time.UnixMicro(micro).UTC())
	return out, nil
}
