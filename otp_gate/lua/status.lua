-- Say what is known of a user's second step.
-- KEYS[1] the user's record; given: tag (""), to (see challenge.lua), who (digest of the password).
-- Returns three lists: locked until then (ms, 0 or -1 as `wait` in standing.lua), which of it is a
-- lock after wrong answers in a row (ms), held back by a "this wasn't me" (ms), wrong answers in a
-- row, in 24 hours; codes sent in each window; reference, factor, expires in (ms) and wrong answers
-- of each code that may be typed in, that of an operator first.
--@ record
local u, w, s, i, b = unpack(call("HMGET", KEYS[1], "u", "w", "s", "i", "b"))
--@ standing
--@ logs
--@ within
local found = {
  wait, math.max(0, locked - now), math.max(0, held - now), streak, within(read_log("w", w), DAY),
}
local log, sent, live = read_log("s", not others and s), {}, {}
for n = 2, #SENDS, 2 do
  sent[#sent + 1] = within(log, SENDS[n])
end
if b then
  local till, wrong = string.match(b, "^[^:]+:(%d+):(%d+)$")
  local left = math.min(till - now, OPERATOR_TTL)
  if left > 0 and wrong + 0 < CODE_ATTEMPTS then
    live = { "", "operator", left, wrong }
  end
end
for name in string.gmatch(i or "", "[^,]+") do
  tag = name
  local value = call("HGET", KEYS[1], "c" .. name)
--@ challenge
  if state == "alive" then
    for _, part in ipairs({
      sub(value, 37, 38), sub(value, 47), issued + CODE_TTL - now,
      sub(value, 30, 33) + 0,
    }) do
      live[#live + 1] = part
    end
  end
end
return { found, sent, live }
