-- Let a user's second step begin anew: nothing that was counted or held keeps them out.
-- The codes that a lock made void stay void, and what is on its way in other sessions goes on.
-- KEYS[1] the user's record.
-- ARGV 1 the longest window of SENDS (s)
-- Returns what is lifted: a stop (1 or 0), a lock (ms), the hold after a "this wasn't me" (ms),
-- wrong answers in a row, in 24 hours, codes sent.
local lifted = {
  record.x and "1" or "0",
  text(math.max(0, tonumber(record.l or "0") - now)),
  text(math.max(0, tonumber(record.h or "0") - now)),
  record.f or "0",
  text(#recent("w", DAY)),
  text(#recent("s", tonumber(ARGV[1]))),
}
drop("f", "w", "s", "l", "x", "h")
redis.call("EXPIRE", KEYS[1], ARGV[1])
return lifted
