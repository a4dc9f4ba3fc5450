package gateredis

import (
	"strconv"
	"strings"
	"time"

	"github.com/jwtgate/gate/stores"
	"github.com/jwtgate/gate/stores/storekit"
)

// Scripts for sessions. Their keys belong to one subject and are in one slot.
const (
	// sessionsScript reads the server's clock, the subject's record, and the session
	// ARGV[1], or all sessions if that is empty. Each session is an ID and a value.
	sessionsScript = `local t = redis.call('TIME')
local out = {t[1], t[2], redis.call('GET', KEYS[2]) or ''}
if ARGV[1] ~= '' then
  out[4], out[5] = ARGV[1], redis.call('HGET', KEYS[1], ARGV[1]) or ''
  return out
end
for i, v in ipairs(redis.call('HGETALL', KEYS[1])) do out[3 + i] = v end
return out`
	// swapScript writes the record ARGV[3] of the session ARGV[1] if its record is ARGV[2]
	// and the subject's record is ARGV[4]. The hash lives as long as its records: at least
	// ARGV[5] milliseconds; 0 means for ever.
	swapScript = `if (redis.call('HGET', KEYS[1], ARGV[1]) or '') ~= ARGV[2] then return 0 end
if ARGV[4] ~= '*' and (redis.call('GET', KEYS[2]) or '') ~= ARGV[4] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
local has, alone = redis.call('PTTL', KEYS[1]), redis.call('HLEN', KEYS[1]) == 1
if ARGV[5] == '0' then redis.call('PERSIST', KEYS[1])
elseif alone or (has >= 0 and has < tonumber(ARGV[5])) then redis.call('PEXPIRE', KEYS[1], ARGV[5]) end
return 1`
	// removeScript removes the sessions in ARGV, and returns how many there were.
	removeScript = `return redis.call('HDEL', KEYS[1], unpack(ARGV))`
)

// sessionFields is how many parts the value of a session has. They are separated by NUL,
// which no part contains.
const sessionFields = 14

// encodeSession returns the value of a session. Its ID is not part of it, because the ID
// is the field of the hash. The expiry of a token is in seconds; other times are in
// microseconds. "" is no time.
func encodeSession(r stores.SessionRecord) string {
	marked := ""
	if r.Remember {
		marked = "1"
	}
	return strings.Join([]string{
		r.Live, number(r.Generation), orEmpty(storekit.Seconds(r.Issued)), orEmpty(storekit.Seconds(r.Expires)), number(int64(r.Idle / time.Second)), orEmpty(storekit.Seconds(r.End)),
		orEmpty(storekit.Micros(r.Created)), orEmpty(storekit.Micros(r.Seen)), orEmpty(storekit.Micros(r.GraceEnd)), orEmpty(storekit.Micros(r.Ended)), marked, r.Device.Name, r.Device.UserAgent, r.Device.Address,
	}, entrySeparator)
}

// decodeSession reads a value. ok is false if this package has not written the value.
func decodeSession(subject, id, value string) (r stores.SessionRecord, ok bool) {
	f := strings.Split(value, entrySeparator)
	if len(f) != sessionFields {
		return r, false
	}
	ok = true
	read := func(i int) int64 {
		if f[i] == "" {
			return 0
		}
		n, err := strconv.ParseInt(f[i], 10, 64)
		ok = ok && err == nil
		return n
	}
	second := func(i int) time.Time { return storekit.FromSeconds(read(i)) }
	micro := func(i int) time.Time { return storekit.FromMicros(read(i)) }
	r = stores.SessionRecord{
		ID: id, Subject: subject, Live: f[0], Generation: read(1), Issued: second(2), Expires: second(3),
		Idle: time.Duration(read(4)) * time.Second, End: second(5), Created: micro(6), Seen: micro(7), GraceEnd: micro(8), Ended: micro(9),
		Remember: f[10] != "", Device: stores.Device{Name: f[11], UserAgent: f[12], Address: f[13]},
	}
	return r, ok
}

// orEmpty returns "" for 0, which is no time.
func orEmpty(n int64) string {
	if n == 0 {
		return ""
	}
	return number(n)
}
