package gateredis

// Each script uses one key, so that it works on a Cluster, even while its slot moves.
const (
	// putScript writes ARGV[1] for ARGV[3] milliseconds, unless the existing entry lives
	// until ARGV[2] or longer. 0 means for ever.
	putScript = `local old = redis.call('GET', KEYS[1])
if old then
  local has, new = tonumber(string.match(old, '^%d+')), tonumber(ARGV[2])
  if has == 0 or (new ~= 0 and has >= new) then return 1 end
end
if ARGV[3] == '0' then redis.call('SET', KEYS[1], ARGV[1])
else redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3]) end
return 1`
	// readSubject reads the record of a subject into f. record.go has its format.
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
	// revokeScript does what storekit.SubjectRecord.Revoke does. It makes the generation
	// from the server's clock, and returns it. ARGV: the writer's time in milliseconds, Before, Except, the
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
	// restampScript does what storekit.SubjectRecord.Restamp does. It returns 0 if the
	// record does not cover what the call with generation ARGV[4] wrote, because that write
	// was lost. A greater generation is not enough: it may be from a call that spares a
	// session. ARGV[1] to ARGV[3] are those of revokeScript.
	restampScript = readSubject + `if not old then return 0 end
local gen = tonumber(ARGV[4])
local same = ARGV[3] ~= '' and ARGV[3] == f[5] and tonumber(f[6]) >= gen
if tonumber(f[7]) < gen and not same then return 0 end
if ARGV[3] == '' or ARGV[3] ~= f[5] then f[4] = text(math.max(f[4], ARGV[2])) end
f[3] = text(math.max(f[3], ARGV[2]))
keep()
return 1`
	// touchScript rewrites an existing mark with the same value and returns it. The server
	// then reports a change of the mark to every cache.
	touchScript = `local mark = redis.call('GET', KEYS[1])
if mark then redis.call('SET', KEYS[1], mark) end
return mark`
	// dropScript removes the entry.
	dropScript = `redis.call('DEL', KEYS[1])
return 1`
	// whenFull lets a script write to a server that has reached its maxmemory, so that
	// nobody can prevent a logout by filling the server. It needs Redis 7.
	whenFull = "#!lua flags=allow-oom\n"
)
