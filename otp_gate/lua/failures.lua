-- Behind counts.lua and logs.lua: count one wrong guess; return the log of the day. `wait` is then
-- what it earned.
local function count_wrong(wrong)
  streak = streak + 1
  if streak % LOCK_AFTER == 0 then
    locked = now + math.min(LOCK * 2 ^ (streak / LOCK_AFTER - 1), LOCK_MAX)
  end
  if streak >= STOP then
    stopped = 1
  end
  wrong = sub(wrong .. format("%d", stamp), -10 * PER_DAY)
  day = full_until(wrong, PER_DAY, DAY)
  wait = stopped == 1 and -1 or math.max(0, locked - now, day - now)
  if wait ~= 0 then
    locks = locks + 1
  end
  return wrong
end
