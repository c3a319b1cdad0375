-- Grants up to `wanted` permits under several limits at once: all of them, or as many as the
-- tightest allows. Redis runs a script alone, so the sum over all workers is exact; the clock is
-- Redis's own, so hosts need not agree on the time.
--
-- KEYS[1]  hash of the account's state
-- ARGV[1]  wanted (negative: give back permits that were not used)
-- ARGV[2]  when the permits that are moved were or count as granted, in ms (0: now)
-- ARGV[3…] five per limit: name, kind ("rate", "window" or "until"), permits, period in ms, and the
--          burst in permits or, for "until", the moment in ms at which the count ends
--
-- "window" counts in 200 slots per period and never lets any window of that length hold more than
-- `permits`, but lets them go as fast as the other limits allow. "rate" is such a window, finer, and
-- also spreads the permits evenly over it (generic cell rate algorithm): its state is the time at
-- which the bucket will be full again. "until" counts under its name until its moment comes: one
-- day of a warm-up plan.
-- Returns granted, milliseconds until the next permits (0: now), name of the limit that decided,
-- and the present time in ms.
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000 + tonumber(clock[2]) / 1000
local wanted, granted_at = tonumber(ARGV[1]), tonumber(ARGV[2])
local limits = {}
for i = 3, #ARGV, 5 do
  limits[#limits + 1] = {
    name = ARGV[i], kind = ARGV[i + 1], permits = tonumber(ARGV[i + 2]),
    period = tonumber(ARGV[i + 3]), burst = tonumber(ARGV[i + 4]),
  }
end

local granted, wait, decided = math.max(wanted, 0), 0, ''
local function narrow(limit, room, ready_in)
  if room < granted then granted, decided = math.max(room, 0), limit.name end
  if room < 1 and ready_in > wait then wait, decided = ready_in, limit.name end
end

-- What the slots of the last period hold, and when the oldest of them falls out of it. The few
-- slots more are for what lies between a permit and its mail's arrival at the server.
local function count_window(limit, slots, more, permits)
  limit.slot = limit.period / slots
  limit.key = KEYS[1] .. ':' .. limit.name
  local index = math.floor(now / limit.slot)
  local used, oldest = 0, nil
  local counts = redis.call('HGETALL', limit.key)
  for i = 1, #counts, 2 do
    local at, count = tonumber(counts[i]), tonumber(counts[i + 1])
    if at <= index - slots - more then
      redis.call('HDEL', limit.key, counts[i])
    elseif count > 0 then
      used = used + count
      if not oldest or at < oldest then oldest = at end
    end
  end
  local ready_in = oldest and ((oldest + slots + more) * limit.slot - now) or 0
  narrow(limit, permits - used, ready_in)
end

for _, limit in ipairs(limits) do
  if limit.kind == 'rate' then
    limit.interval = limit.period / limit.permits
    local full = tonumber(redis.call('HGET', KEYS[1], limit.name) or '0')
    limit.full = math.max(full, now)
    local slack = now + limit.burst * limit.interval - limit.full
    -- Half a bucket is waited for, so that permits come some at a time and none is lost when
    -- whoever waits comes late. A thousandth of a permit forgives rounding.
    local some = math.max(1, math.min(wanted, math.floor(limit.burst / 2)))
    narrow(limit, math.floor(slack / limit.interval + 0.001), some * limit.interval - slack)
    count_window(limit, 1000, 2, limit.burst >= 1e9 and limit.burst or limit.permits)
  elseif limit.kind == 'until' then
    limit.key = KEYS[1] .. ':' .. limit.name
    local used = tonumber(redis.call('GET', limit.key) or '0')
    narrow(limit, limit.permits - used, math.max(limit.burst - now, 1))
  else
    count_window(limit, 200, 1, limit.permits)
  end
end

local moved = wanted < 0 and wanted or granted
if moved ~= 0 then
  for _, limit in ipairs(limits) do
    if limit.kind == 'rate' then
      local full = math.max(limit.full + moved * limit.interval, now)
      redis.call('HSET', KEYS[1], limit.name, string.format('%.3f', full))
      redis.call('PEXPIRE', KEYS[1], 172800000)
    end
    if limit.kind == 'until' then
      redis.call('INCRBY', limit.key, string.format('%d', moved))
      redis.call('PEXPIREAT', limit.key, string.format('%d', limit.burst + 172800000))
    else
      local at = granted_at > 0 and granted_at or now
      local index = string.format('%d', math.floor(at / limit.slot))
      redis.call('HINCRBY', limit.key, index, moved)
      redis.call('PEXPIRE', limit.key, string.format('%d', limit.period + 10 * limit.slot))
    end
  end
end
return {granted, math.ceil(wait), decided, string.format('%.3f', now)}
