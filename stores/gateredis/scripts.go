package gateredis

// Each script names one key, so that it works on a Cluster, also while a slot of it
// moves.
const (
	// putScript writes ARGV[1] for ARGV[3] milliseconds, unless the entry there lives
	// as long as ARGV[2] or longer; 0 is for ever.
	putScript = `local old = redis.call('GET', KEYS[1])
if old then
  local has, new = tonumber(string.match(old, '^%d+')), tonumber(ARGV[2])
  if has == 0 or (new ~= 0 and has >= new) then return 1 end
end
if ARGV[3] == '0' then redis.call('SET', KEYS[1], ARGV[1])
else redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3]) end
return 1`
	// readSubject reads the record of a subject into f, as record.go writes it.
	readSubject = `local old, f = redis.call('GET', KEYS[1]), {}
if old then
  for s in string.gmatch(old .. '\0', '([^%z]*)%z') do f[#f + 1] = s end
  if #f == 7 then table.insert(f, 6, '0'); table.insert(f, 7, '0') end
  if #f ~= 9 then return redis.error_reply('ERR not an entry of gateredis') end
end
local function text(n) return string.format('%.0f', n) end
local function keep()
  local value = table.concat(f, '\0')
  if f[1] == '0' then redis.call('SET', KEYS[1], value)
  else redis.call('SET', KEYS[1], value, 'PX', text(math.max(f[1] * 1000 - ARGV[1], 0) + 1)) end
end
`
	// revokeScript is storekit.SubjectRecord.Revoke, with a generation of the server's
	// clock, which it returns. ARGV: the writer's time in milliseconds, Before, Except, the
	// random bits of the generation, until, at, By, Why, and the lowest generation.
	revokeScript = readSubject + `if not old then f = {'1', '', '0', '0', '', '0', '0', '', ''} end
local now = redis.call('TIME')
local gen = math.max(math.floor(math.max(f[6], ARGV[9]) / 1024) + 1, math.floor((now[1] * 1000000 + now[2]) / 1024)) * 1024 + ARGV[4]
if ARGV[3] == '' then
  f[7] = text(gen)
  f[4] = text(math.max(f[4], f[3], ARGV[2]))
elseif ARGV[3] ~= f[5] then
  f[7] = f[6]
  f[4] = text(math.max(f[4], f[3]))
end
f[6], f[5], f[3] = text(gen), ARGV[3], text(math.max(f[3], ARGV[2]))
if f[1] == '0' or ARGV[5] == '0' then f[1] = '0' else f[1] = text(math.max(f[1], ARGV[5])) end
f[2], f[8], f[9] = ARGV[6], ARGV[7], ARGV[8]
keep()
return gen`
	// restampScript is storekit.SubjectRecord.Restamp, and returns 0 if the record does not
	// cover what was written with the generation ARGV[4]: that write was lost. A greater
	// generation alone does not say so: it may be that of a call which spares a session.
	// ARGV[1] to ARGV[3] are those of revokeScript.
	restampScript = readSubject + `if not old then return 0 end
local gen = tonumber(ARGV[4])
local same = ARGV[3] ~= '' and ARGV[3] == f[5] and tonumber(f[6]) >= gen
if tonumber(f[7]) < gen and not same then return 0 end
if ARGV[3] == '' or ARGV[3] ~= f[5] then f[4] = text(math.max(f[4], ARGV[2])) end
f[3] = text(math.max(f[3], ARGV[2]))
keep()
return 1`
	// touchScript writes a mark again, if it is there, which tells every cache that
	// something has changed, and returns it.
	touchScript = `local mark = redis.call('GET', KEYS[1])
if mark then redis.call('SET', KEYS[1], mark) end
return mark`
	// dropScript removes the entry.
	dropScript = `redis.call('DEL', KEYS[1])
return 1`
	// whenFull lets a script write to a server that has reached its maxmemory: nobody can
	// prevent the end of a session, or of all sessions, by filling the server. It needs
	// Redis 7.
	whenFull = "#!lua flags=allow-oom\n"
)
