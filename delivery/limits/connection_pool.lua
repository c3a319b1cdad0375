-- Shares the connections that an account (or a mailbox provider) takes among all who ask for some.
-- Redis runs a script alone, so the sum over all processes never exceeds the limit.
--
-- KEYS[1]  hash: by holder, "held wanted asked_at"
-- ARGV[1]  our name; those that begin with "!" come first: somebody waits for their mail
-- ARGV[2]  how many connections there may be in all
-- ARGV[3]  how many we could use
-- ARGV[4]  how many of ours are open at this moment: they count until they are closed
-- ARGV[5]  seconds without a word after which a holder may be gone, and
-- ARGV[6]  after which it has lost its share, whatever we know of it
-- ARGV[7…] holders that are gone
-- Returns how many we may have open from now on, and the holders that may be gone.
local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1000000
local name, most = ARGV[1], tonumber(ARGV[2])
local wanted, open = tonumber(ARGV[3]), tonumber(ARGV[4])
for i = 7, #ARGV do redis.call('HDEL', KEYS[1], ARGV[i]) end

local askers = {{name = name, wanted = wanted}}
local ours, others, silent = 0, 0, {}
local rows = redis.call('HGETALL', KEYS[1])
for i = 1, #rows, 2 do
  local held, wants, at = string.match(rows[i + 1], '^(%d+) (%d+) (%S+)$')
  if rows[i] == name then
    ours = tonumber(held)
  elseif now - tonumber(at) > tonumber(ARGV[6]) then
    redis.call('HDEL', KEYS[1], rows[i])
  else
    others = others + tonumber(held)
    askers[#askers + 1] = {name = rows[i], wanted = tonumber(wants)}
    if now - tonumber(at) > tonumber(ARGV[5]) then silent[#silent + 1] = rows[i] end
  end
end

-- Everybody's fair share: who wants little gets it, the rest is divided evenly.
table.sort(askers, function(a, b)
  local first, second = a.name:sub(1, 1) == '!', b.name:sub(1, 1) == '!'
  if first ~= second then return first end
  if a.wanted ~= b.wanted then return a.wanted < b.wanted end
  return a.name < b.name
end)
local share, left = 0, most
for i, asker in ipairs(askers) do
  local part = math.min(asker.wanted, math.ceil(left / (#askers - i + 1)))
  left = left - part
  if asker.name == name then share = part end
end

local may = math.max(0, math.min(share, most - others))
redis.call('HSET', KEYS[1], name,
  string.format('%d %d %.3f', math.max(may, open), wanted, now))
redis.call('EXPIRE', KEYS[1], ARGV[6])
return {may, unpack(silent)}
