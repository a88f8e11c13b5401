-- Let a user's second step begin anew: nothing that was counted or held keeps them out.
-- The codes that a lock made void stay void, and what is on its way in other sessions goes on.
-- KEYS[1] the user's record; given: tag ("").
-- Returns what is lifted: a stop (1 or 0), a lock (ms), the hold after a "this wasn't me" (ms),
-- wrong answers in a row, in 24 hours, codes sent.
--@ record
local u, w, s, p = unpack(call("HMGET", KEYS[1], "u", "w", "s", "p"))
given.who = u and sub(u, 1, 8) or ""
if u == given.who then
  u = nil
end
--@ standing
--@ logs
--@ counts
--@ within
local lifted = {
  stopped, math.max(0, locked - now), math.max(0, held - now), streak,
  within(read_log("w", w), DAY), within(read_log("s", s), LONGEST),
}
streak, locked, day, held, pause, stopped = 0, 0, 0, 0, 0, 0
if u then
  call("HSET", KEYS[1], "u", standing())
end
call("HDEL", KEYS[1], "w", "s", "e")
keep(p)
return lifted
