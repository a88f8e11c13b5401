-- Count the attempt, then compare, then consume: in this order, in one step, whatever runs beside.
-- Running it twice with the same attempt id gives the first answer and counts nothing.
-- KEYS[1] the user's record.
-- ARGV 1 tag  2 digest of what was typed  3 attempt id (8 characters)  4 CODE_ATTEMPTS
--      5 cooldown (ms)  6 lock_after  7 lock (ms)  8 lock_max (ms)  9 per_day  10 stop
--      11 credential  12 the longest window of SENDS (s)  13 lost codes
--      14 digest of what was typed, as the code of an operator
-- Returns the reply of record.lua.
local tag, digest, attempt = ARGV[1], ARGV[2], ARGV[3]
local limits = { attempts = tonumber(ARGV[4]), cooldown = tonumber(ARGV[5]) }
local per_day = tonumber(ARGV[9])
take_back_lost(tag, ARGV[13])
local c = read_challenge(tag)

for id, letter in string.gmatch(record["a" .. tag] or "", "(........)(.)") do
  if id == attempt then
    if letter == "a" then
      return reply("accepted", c, limits)
    end
    limits.retry = locked_for(per_day, ARGV[11])
    limits.locked_now = letter == "l"
    return reply("invalid", c, limits)
  end
end
local state = state_of(tag, c, limits.attempts)
if state == "disowned" then
  return reply(state, c, limits)
end
limits.retry = locked_for(per_day, ARGV[11])
if limits.retry ~= 0 then
  return reply("locked", c, limits)
end
-- An operator's code may be answered where no other is alive, and counts guesses like any other.
local operator = read_operator(limits.attempts)
local right = state == "alive" and record["c" .. tag] == digest
local by_operator = operator ~= nil and operator.digest == ARGV[14]
if not by_operator then
  local late = state == "expired" and record["c" .. tag] == digest
  if late or (state ~= "alive" and not operator) then
    return reply(state, c, limits)
  end
  if state == "alive" and not right then
    local start = string.sub(digest, 1, 8)
    for reference, older in string.gmatch(record["o" .. tag] or "", "(..)(........)") do
      if older == start then
        limits.superseded = reference
        return reply("superseded", c, limits)
      end
    end
  end
end

-- Written before it is compared: where this write is refused (full, read-only), so is the guess.
local wrong = recent("w", DAY)
local streak = tonumber(record.f or "0")
wrong[#wrong + 1] = stamp
c = c or { issued = 0, expires = 0, attempts = 0, flag = "", factor = "", reference = "" }
c.attempts = c.attempts + 1
set("f", text(streak + 1))
write_log("w", wrong)
write_challenge(tag, c)
if operator and not right then
  operator.attempts = operator.attempts + 1
  write_operator(operator)
end

if right or by_operator then
  -- A success forgives the row of failures, and never the window of 24 hours.
  wrong[#wrong] = nil
  write_log("w", wrong)
  drop("f", "l", "c" .. tag, "o" .. tag, "u" .. tag)
  if by_operator then
    drop("b")
    c.factor = operator.factor
  end
  c.flag = "u"
  write_challenge(tag, c)
  set("a" .. tag, attempt .. "a")
  keep(tonumber(ARGV[12]))
  return reply("accepted", c, limits)
end

streak = streak + 1
count_lock(streak, tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[10]),
  ARGV[11])
limits.retry = locked_for(per_day, ARGV[11])
limits.locked_now = limits.retry ~= 0
if limits.locked_now then
  void_all()
  c.attempts = VOID
end
set("a" .. tag, (record["a" .. tag] or "") .. attempt .. (limits.locked_now and "l" or "i"))
keep(tonumber(ARGV[12]))
if state ~= "alive" and not limits.locked_now then
  -- What may still be answered is the operator's code.
  operator.issued = c.issued
  c = operator
end
return reply("invalid", c, limits)
