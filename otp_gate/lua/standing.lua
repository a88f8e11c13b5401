-- What the field u says, once a script has read it as `u`; `others` is true where it speaks of
-- another password: a new one ends what was counted under the old one, and the codes sent.
-- `wait`: milliseconds until the second step is open again, 0 if it is, -1 if an administrator (or a
-- new password, which proves the mailbox) must open it.
local streak, locked, day, held, pause, stopped, locks = 0, 0, 0, 0, 0, 0, 0
local others, wait = false, 0
if u and u ~= given.who then
  others = sub(u, 1, 8) ~= given.who
  local f, l, d, h, n, x, k
  if sub(u, -1) == ":" then
    streak = others and 0 or sub(u, 10, -2) + 0
  else
    f, l, d, h, n, x, k = string.match(u, ":(%d+):(%d+):(%d+):(%d+):(%d+):(%d):(%d+)$")
  end
  if f then
    -- The window of 24 hours outlives a password, and what a lock made void stays so.
    locks, day = k + 0, math.min(d + 0, now + DAY * 1000)
    if not others then
      streak, stopped = f + 0, x + 0
      -- A server's clock that was set back must not make anybody wait longer than a setting says.
      local earned = math.min(LOCK * 2 ^ math.max(math.floor(streak / LOCK_AFTER) - 1, 0), LOCK_MAX)
      locked, held = math.min(l + 0, now + earned), math.min(h + 0, now + HOLD)
      pause = math.min(n + 0, now + FAILURE_COOLDOWN)
    end
    if others or locked < l + 0 or day < d + 0 or held < h + 0 or pause < n + 0 then
      u = table.concat({ given.who, streak, locked, day, held, pause, stopped, locks }, ":")
      call("HSET", KEYS[1], "u", u)
    end
    wait = stopped == 1 and -1 or math.max(0, locked - now, day - now)
  elseif others then
    u = given.who
    call("HSET", KEYS[1], "u", u)
  end
  if others then
    call("HDEL", KEYS[1], "s", "e")
  end
end
