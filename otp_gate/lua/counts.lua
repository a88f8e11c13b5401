-- Behind standing.lua: the field u as it is to be written.
local function standing()
  if locked + day + held + pause + stopped + locks == 0 then
    return streak == 0 and given.who or format("%s:%d:", given.who, streak)
  end
  return format("%s:%d:%d:%d:%d:%d:%d:%d",
    given.who, streak, locked, day, held, pause, stopped, locks)
end

-- A failure that was counted is remembered for a year at least, a stop for ten: neither may be
-- waited out. Their TTL is set when the count begins, and when it locks.
local function keep(proven)
  local seconds = LONGEST
  if stopped == 1 then
    seconds = 10 * 366 * DAY
  elseif streak > 0 then
    seconds = 2 * 366 * DAY
  elseif proven then
    seconds = math.max(seconds, PROVEN)
  end
  call("EXPIRE", KEYS[1], seconds)
end
