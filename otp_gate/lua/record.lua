-- Put before every script of this folder: the record of one user.
-- One hash per user, so that one script sees, counts and writes all of it in one atomic step, and
-- so that all of it lies in one slot of a cluster. KEYS[1] is that hash. Times are milliseconds of
-- the server's clock unless said otherwise; nothing in it names a person.
--   f        wrong answers in a row
--   w        times (seconds, "t,t,...") of the wrong answers of the last 24 hours
--   s        times (seconds) of the codes sent in the longest window of SENDS
--   l        locked until
--   x        stopped; the value is the digest of the credential (password) of that moment
--   h        no new codes until ("this wasn't me")
--   c<tag>   digest of the live code of the half-authenticated session <tag>
--   t<tag>   issued:expires:attempts:flag:factor:reference of that code; flag u = used,
--            d / e = disowned (e: after it had been used) followed by the id of that request
--   o<tag>   its predecessors: 2 characters of reference and 8 of digest each
--   u<tag>   what c, t and o were before it, parted by ";": it may have to be taken back
--   a<tag>   answers already given: 8 characters of attempt id, 1 of outcome each
--   p<tag>   guesses that a factor compares by itself: 8 characters of attempt id, 10 of time
--            (seconds), 1 of what it earned: c counted, l locked, s stopped; r forgiven
--   b        digest:expires:attempts of a code that an operator reads out (break-glass)
local DAY = 86400
-- As many wrong answers as no setting allows: the code is void.
local VOID = 1000000
local CLAIM_LIFE = 30
local CLAIM = "(........)(%d%d%d%d%d%d%d%d%d%d)(.)"
local record = {}
do
  local flat = redis.call("HGETALL", KEYS[1])
  for i = 1, #flat, 2 do
    record[flat[i]] = flat[i + 1]
  end
end
local clock = redis.call("TIME")
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
-- Rounded up: a window never ends a moment too early.
local stamp = math.ceil(now / 1000)

local function text(number)
  return string.format("%.0f", number)
end

local function set(field, value)
  record[field] = value
  redis.call("HSET", KEYS[1], field, value)
end

local function drop(...)
  for _, field in ipairs({ ... }) do
    if record[field] then
      record[field] = nil
      redis.call("HDEL", KEYS[1], field)
    end
  end
end

-- The times in a log that lie inside a window, oldest first.
local function recent(field, window)
  local times = {}
  for item in string.gmatch(record[field] or "", "%d+") do
    if stamp - tonumber(item) < window then
      times[#times + 1] = tonumber(item)
    end
  end
  return times
end

local function write_log(field, times)
  if #times == 0 then
    drop(field)
  else
    local items = {}
    for i, time in ipairs(times) do
      items[i] = text(time)
    end
    set(field, table.concat(items, ","))
  end
end

local function read_challenge(tag)
  local value = record["t" .. tag]
  if not value then
    return nil
  end
  local issued, expires, attempts, flag, factor, reference =
    string.match(value, "^(%d+):(%d+):(%d+):([^:]*):([^:]*):(.*)$")
  return {
    issued = tonumber(issued),
    expires = tonumber(expires),
    attempts = tonumber(attempts),
    flag = flag,
    factor = factor,
    reference = reference,
  }
end

local function write_challenge(tag, c)
  set("t" .. tag, table.concat({
    text(c.issued), text(c.expires), text(c.attempts), c.flag, c.factor, c.reference,
  }, ":"))
end

-- The code of an operator, in the shape of a challenge, while it may be answered.
local function read_operator(max_attempts)
  local digest, expires, attempts = string.match(record.b or "", "^([^:]+):(%d+):(%d+)$")
  local operator = {
    digest = digest,
    issued = 0,
    expires = tonumber(expires),
    attempts = tonumber(attempts),
    factor = "operator",
    reference = "",
  }
  if digest and now < operator.expires and operator.attempts < max_attempts then
    return operator
  end
  return nil
end

local function write_operator(operator)
  set("b", table.concat({ operator.digest, text(operator.expires), text(operator.attempts) }, ":"))
end

local function disowned(c)
  return c.flag ~= "" and c.flag ~= "u"
end

-- Milliseconds until the user's second step is open again, 0 if it is, -1 if an administrator (or
-- a new password, which proves the mailbox) must open it.
local function locked_for(per_day, credential)
  if record.x then
    if record.x == credential then
      return -1
    end
    drop("x", "f", "l")
  end
  local left = 0
  if record.l and tonumber(record.l) > now then
    left = tonumber(record.l) - now
  end
  local wrong = recent("w", DAY)
  if #wrong >= per_day then
    left = math.max(left, (wrong[#wrong - per_day + 1] + DAY) * 1000 - now)
  end
  return left
end

-- Set the lock that the row of wrong answers has earned; return true if it is a stop.
local function count_lock(streak, lock_after, lock, lock_max, stop, credential)
  if streak % lock_after == 0 then
    set("l", text(now + math.min(lock * 2 ^ (streak / lock_after - 1), lock_max)))
  end
  if streak >= stop then
    set("x", credential)
  end
  return streak >= stop
end

-- After a lock a new code is needed, in every session of this user.
local function void_all()
  for field in pairs(record) do
    local tag = string.sub(field, 2)
    local challenge = string.sub(field, 1, 1) == "t" and read_challenge(tag)
    if challenge and challenge.flag == "" then
      challenge.attempts = VOID
      write_challenge(tag, challenge)
    end
  end
  drop("b")
end

-- What this challenge is, if nobody asks anything of it.
local function state_of(tag, c, max_attempts)
  if not c or (not record["c" .. tag] and not disowned(c)) then
    return "none"
  elseif disowned(c) then
    return "disowned"
  elseif now >= c.expires then
    return "expired"
  elseif c.attempts >= max_attempts then
    return "used_up"
  end
  return "alive"
end

-- Undo the issue of a code that nobody was sent; return 1, or 0 where it is not the live one.
local function take_back(tag, digest)
  local c = read_challenge(tag)
  if not c or record["c" .. tag] ~= digest then
    return 0
  end
  local sent, kept, issued = recent("s", math.huge), {}, math.ceil(c.issued / 1000)
  for i = #sent, 1, -1 do
    if sent[i] == issued then
      issued = nil
    else
      table.insert(kept, 1, sent[i])
    end
  end
  write_log("s", kept)
  local before = { string.match(record["u" .. tag] or ";;", "^(.*);(.*);(.*)$") }
  for i, field in ipairs({ "c", "t", "o" }) do
    if before[i] == "" then
      drop(field .. tag)
    else
      set(field .. tag, before[i])
    end
  end
  drop("u" .. tag)
  return 1
end

-- The same for every code whose fate the caller could not learn (digests, parted by ","): the
-- script that kept it may have run long after its caller gave up, so it is looked for each time.
local function take_back_lost(tag, digests)
  for digest in string.gmatch(digests, "[^,]+") do
    take_back(tag, digest)
  end
end

-- word, reference, factor, expires in, resend in, attempts left, retry after, superseded
-- reference, locked now (1 or 0). Times in milliseconds; -1 for "does not apply".
local function reply(word, c, limits)
  local expires_in, resend_in, left = 0, 0, -1
  if c then
    expires_in = math.max(0, c.expires - now)
    resend_in = math.max(0, c.issued + limits.cooldown - now)
    left = math.max(0, limits.attempts - c.attempts)
  end
  return {
    word, c and c.reference or "", c and c.factor or "", text(expires_in), text(resend_in),
    text(left), text(limits.retry or 0), limits.superseded or "", limits.locked_now and "1" or "0",
  }
end

-- A counted failure is remembered for a year, a stop for ten: neither may be waited out.
local function keep(seconds)
  if record.x then
    seconds = 10 * 366 * DAY
  elseif record.f then
    seconds = 366 * DAY
  end
  redis.call("EXPIRE", KEYS[1], seconds)
end
