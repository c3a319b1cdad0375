-- Permits under several limits at once, each with the moment from which its mail may leave. Redis
-- runs a script alone, so the sum over all workers is exact; the clock is Redis's own, so hosts need
-- not agree on the time.
--
-- A permit is in somebody's hand from when it is granted until its mail's answer is reported, and
-- its mail counts in every window for one period after that answer: wherever in between the server
-- took it, no stretch of the period's length holds more than `permits`.
--
-- KEYS[1]  hash: by rate, the time in ms at which its bucket is full again
-- KEYS[1]:hands  hash: by hand, "permits, until when it is believed, its last moment"
-- KEYS[1]:NAME   what counts under a limit: mails by slot, or for "until" just their number
-- ARGV[1]  "ask" for permits, "settle" a hand, or "take" some that count at once, limits or not
-- ARGV[2]  wanted ("ask", 0: only say how long there is none), or still held ("settle")
-- ARGV[3]  how far ahead, in ms, the moments of permits may lie
-- ARGV[4]  how many are worth waiting for, if there is none
-- ARGV[5]  the hand; "" takes them for good, ARGV[6] for how many ms a hand is believed
-- ARGV[7]  how many words follow: hands that are gone ("ask"), or how many ms ago the answers came
--          ("settle": permits neither answered nor held still were not used)
-- then     five per limit: name, kind ("rate", "window" or "until"), permits, period in ms, and the
--          burst in permits or, for "until", the moment in ms at which the count ends
--
-- "window" lets its permits go as fast as the other limits allow, "rate" spreads them evenly, too
-- (generic cell rate algorithm). "until" counts under its name until its moment comes: one day of a
-- warm-up plan.
-- Returns the moments (µs from now) of the permits that were granted, ms until there are some,
-- the name of the limit that decided, and the hands that have permits now.
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000 + tonumber(clock[2]) / 1000
local action, wanted, ahead = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local some, hand, believed = tonumber(ARGV[4]), ARGV[5], tonumber(ARGV[6])
local words, first = {}, 8 + tonumber(ARGV[7])
for i = 8, first - 1 do words[#words + 1] = ARGV[i] end
local SLOTS = {rate = 1000, window = 200}
local SOON = 1000  -- ms after which to ask again when others' hands decide
local limits = {}
for i = first, #ARGV, 5 do
  local limit = {
    name = ARGV[i], kind = ARGV[i + 1], permits = tonumber(ARGV[i + 2]),
    period = tonumber(ARGV[i + 3]), burst = tonumber(ARGV[i + 4]),
  }
  limit.key = KEYS[1] .. ':' .. limit.name
  limit.slot = limit.period / (SLOTS[limit.kind] or 1)
  limit.interval = limit.period / limit.permits
  limits[#limits + 1] = limit
end
local hands = KEYS[1] .. ':hands'

-- Have mails count under all limits from a moment on.
local function count(mails, at)
  for _, limit in ipairs(limits) do
    if limit.kind == 'until' then
      redis.call('INCRBY', limit.key, mails)
      redis.call('PEXPIREAT', limit.key, string.format('%d', limit.burst + 172800000))
    else
      redis.call('HINCRBY', limit.key, string.format('%d', math.floor(at / limit.slot)), mails)
      redis.call('PEXPIRE', limit.key, string.format('%d', limit.period + 10 * limit.slot))
    end
  end
end

-- Move the time at which rates' buckets are full by so many permits.
local function spend(permits)
  for _, limit in ipairs(limits) do
    if limit.kind == 'rate' then
      local full = math.max(tonumber(redis.call('HGET', KEYS[1], limit.name) or '0'), now)
      full = math.max(full + permits * limit.interval, now)
      redis.call('HSET', KEYS[1], limit.name, string.format('%.3f', full))
      redis.call('PEXPIRE', KEYS[1], 172800000)
    end
  end
end

local function read_hand(value)
  return string.match(value or '0 0 0', '^(%d+) (%d+) (%d+)$')
end

local function hold(permits, latest)
  local value = string.format('%d %d %d', permits, now + believed, latest)
  redis.call('HSET', hands, hand, value)
  redis.call('PEXPIRE', hands, string.format('%d', 10 * believed))
end

-- Have the hand hold so many permits more, or take them for good.
local function give(permits, latest)
  spend(permits)
  if hand == '' then
    count(permits, now)
  else
    local held, _, before = read_hand(redis.call('HGET', hands, hand))
    hold(held + permits, math.max(latest, tonumber(before)))
  end
end

if action == 'take' then
  give(wanted, now)
  return {{}, 0, '', {}}
end

if action == 'settle' then
  local held, _, latest = read_hand(redis.call('HGET', hands, hand))
  for _, age in ipairs(words) do count(1, now - tonumber(age)) end
  local unused = held - #words - wanted
  if unused > 0 then spend(-unused) end
  if wanted > 0 then hold(wanted, latest) else redis.call('HDEL', hands, hand) end
  return {{}, 0, '', {}}
end

-- Who holds permits. Those of a hand that is gone may have left a moment ago.
local gone = {}
for _, name in ipairs(words) do gone[name] = true end
local open, last, holders = 0, now, {}
local rows = redis.call('HGETALL', hands)
for i = 1, #rows, 2 do
  local held, till, latest = read_hand(rows[i + 1])
  if gone[rows[i]] or tonumber(till) < now then
    redis.call('HDEL', hands, rows[i])
    count(tonumber(held), now)
  else
    open, last = open + tonumber(held), math.max(last, tonumber(latest))
    holders[#holders + 1] = rows[i]
  end
end

for _, limit in ipairs(limits) do
  limit.used, limit.counts = 0, {}
  if limit.kind == 'until' then
    limit.used = tonumber(redis.call('GET', limit.key) or '0')
  else
    local slots = redis.call('HGETALL', limit.key)
    for i = 1, #slots, 2 do
      -- A mail may have come at the very end of its slot.
      local over, mails = (tonumber(slots[i]) + 1) * limit.slot + limit.period, tonumber(slots[i + 1])
      if over <= now then
        redis.call('HDEL', limit.key, slots[i])
      elseif mails > 0 then
        limit.used = limit.used + mails
        limit.counts[#limit.counts + 1] = {over, mails}
      end
    end
    table.sort(limit.counts, function(a, b) return a[1] < b[1] end)
    limit.passed, limit.next = 0, 1
  end
  if limit.kind == 'rate' then
    limit.full = math.max(tonumber(redis.call('HGET', KEYS[1], limit.name) or '0'), now)
  end
end

-- From when on this limit allows the n-th permit from here; false: others' hands decide.
local function moment(limit, n)
  local over = limit.used + open + n - limit.permits
  local at = now
  if limit.kind == 'rate' then at = limit.full + (n - limit.burst) * limit.interval end
  if over <= 0 then return at, true end
  if over > limit.used and open > 0 then
    return math.max(at, last + math.min(limit.period, SOON)), false
  end
  if limit.kind == 'until' then return math.max(limit.burst, now + 1), true end
  while limit.next <= #limit.counts and limit.passed < over do
    at = math.max(at, limit.counts[limit.next][1])
    limit.reached = limit.counts[limit.next][1]
    limit.passed = limit.passed + limit.counts[limit.next][2]
    limit.next = limit.next + 1
  end
  if limit.passed < over then return now + limit.period, false end  -- more than there ever are
  return math.max(at, limit.reached), true
end

local moments, refused, decided = {}, nil, ''
local latest = now
for n = 1, math.max(wanted, 1) do
  local at, is_free, name = now, true, ''
  for _, limit in ipairs(limits) do
    local from, known = moment(limit, n)
    if from > at or (is_free and not known) then at, name = math.max(at, from), limit.name end
    is_free = is_free and known
  end
  if is_free and at <= now + ahead and not refused then
    if wanted > 0 then
      moments[#moments + 1] = math.ceil((at - now) * 1000)
      latest = math.max(latest, at)
    end
  elseif #moments > 0 then
    decided = name
    break
  else
    if refused and not is_free then break end
    refused, decided = at, name
    if n >= some or not is_free then break end
  end
end

if #moments > 0 then give(#moments, latest) end
return {moments, refused and math.ceil(math.max(refused - ahead - now, 1)) or 0, decided, holders}
