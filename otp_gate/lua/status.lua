-- Say what is known of a user's second step. Reads only.
-- KEYS[1] the user's record.
-- ARGV 1 per_day  2 credential  3 CODE_ATTEMPTS  4.. windows of SENDS (s)
-- Returns three lists: locked until then (ms, 0 or -1 as `locked_for`), which of it is a lock after
-- wrong answers in a row (ms), held back by a "this wasn't me" (ms), wrong answers in a row, in 24
-- hours; codes sent in each window; reference, factor, expires in (ms) and wrong answers of each
-- code that may be typed in, that of an operator first.
if record.x and record.x ~= ARGV[2] then
  -- A new password has lifted the stop; it is written down with the next answer.
  record.x, record.f, record.l = nil, nil, nil
end
local lock = math.max(0, tonumber(record.l or "0") - now)
local held = math.max(0, tonumber(record.h or "0") - now)
local standing = {
  text(locked_for(tonumber(ARGV[1]), ARGV[2])), text(lock), text(held), record.f or "0",
  text(#recent("w", DAY)),
}
local sent, live = {}, {}
local function add(c)
  for _, part in ipairs({ c.reference, c.factor, text(c.expires - now), text(c.attempts) }) do
    live[#live + 1] = part
  end
end
for i = 4, #ARGV do
  sent[#sent + 1] = text(#recent("s", tonumber(ARGV[i])))
end
local operator = read_operator(tonumber(ARGV[3]))
if operator then
  add(operator)
end
for field in pairs(record) do
  if string.sub(field, 1, 1) == "t" then
    local tag = string.sub(field, 2)
    local c = read_challenge(tag)
    if state_of(tag, c, tonumber(ARGV[3])) == "alive" then
      add(c)
    end
  end
end
return { standing, sent, live }
