-- Issue a code, or say why not: locked? disowned? one alive? cooling down? budget spent?
-- Running it twice with the same digest issues once (a client library may repeat a lost call).
-- KEYS[1] the user's record.
-- ARGV 1 tag  2 digest  3 references to choose from, two characters each  4 factor  5 TTL (ms)
--      6 mode: "peek" (ask only), "open" (issue if none is alive), "new" (issue another)
--      7 cooldown (ms)  8 CODE_ATTEMPTS  9 per_day  10 credential
--      11 the longest window of SENDS (s)  12 lost codes  13.. SENDS: number, window (s)
-- Returns the reply of record.lua.
local tag, digest, mode = ARGV[1], ARGV[2], ARGV[6]
local limits = { cooldown = tonumber(ARGV[7]), attempts = tonumber(ARGV[8]) }
take_back_lost(tag, ARGV[12])
local c = read_challenge(tag)

if c and record["c" .. tag] == digest then
  return reply("issued", c, limits)
end
local state = state_of(tag, c, limits.attempts)
if state == "disowned" then
  return reply(state, c, limits)
end
limits.retry = locked_for(tonumber(ARGV[9]), ARGV[10])
if limits.retry ~= 0 then
  return reply("locked", c, limits)
end
if state == "alive" and mode ~= "new" then
  return reply(state, c, limits)
end
if record.h and tonumber(record.h) > now then
  limits.retry = tonumber(record.h) - now
  return reply("locked", c, limits)
end
if mode == "peek" then
  return reply(state, c, limits)
end
-- Only a code that was sent cools down: a session whose code was taken away may ask at once.
if c and record["c" .. tag] and now < c.issued + limits.cooldown then
  limits.retry = c.issued + limits.cooldown - now
  return reply("cooldown", c, limits)
end
local longest = tonumber(ARGV[11])
for i = 13, #ARGV, 2 do
  local number, window = tonumber(ARGV[i]), tonumber(ARGV[i + 1])
  local times = recent("s", window)
  if #times >= number then
    limits.retry = math.max(limits.retry, (times[#times - number + 1] + window) * 1000 - now)
  end
end
if limits.retry > 0 then
  return reply("cooldown", c, limits)
end

-- What is a day old serves nobody any more, not even a "this wasn't me".
for field in pairs(record) do
  if string.sub(field, 1, 1) == "t" then
    local other = string.sub(field, 2)
    if other ~= tag and now - read_challenge(other).issued > DAY * 1000 then
      drop(field, "c" .. other, "o" .. other, "a" .. other, "u" .. other, "p" .. other)
    end
  end
end

if c then
  local code, older = record["c" .. tag] or "", record["o" .. tag] or ""
  set("u" .. tag, table.concat({ code, record["t" .. tag], older }, ";"))
end
local taken = { [c and c.reference or ""] = true }
for reference in string.gmatch(record["o" .. tag] or "", "(..)........") do
  taken[reference] = true
end
local reference = string.sub(ARGV[3], 1, 2)
for candidate in string.gmatch(ARGV[3], "..") do
  if not taken[candidate] then
    reference = candidate
    break
  end
end
if c and record["c" .. tag] then
  local older = c.reference .. string.sub(record["c" .. tag], 1, 8)
  set("o" .. tag, older .. (record["o" .. tag] or ""))
end
drop("a" .. tag)
set("c" .. tag, digest)
c = {
  issued = now,
  expires = now + tonumber(ARGV[5]),
  attempts = 0,
  flag = "",
  factor = ARGV[4],
  reference = reference,
}
write_challenge(tag, c)
local sent = recent("s", longest)
sent[#sent + 1] = stamp
write_log("s", sent)
keep(longest)
return reply("issued", c, limits)
