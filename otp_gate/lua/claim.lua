-- Count a guess before a factor compares it that compares outside Redis (an app, a token).
-- Running it twice with the same attempt id counts once and gives the same answer.
-- KEYS[1] the user's record.
-- ARGV 1 tag  2 attempt id (8 characters)  3 lock_after  4 lock (ms)  5 lock_max (ms)  6 per_day
--      7 stop  8 credential  9 the longest window of SENDS (s)
-- Returns the reply of record.lua: "alive" if the factor may compare, with the lock that a wrong
-- guess earns; "locked" or "disowned" if it must not be asked.
local tag, attempt = ARGV[1], ARGV[2]
local limits = { attempts = 0, cooldown = 0 }
local per_day = tonumber(ARGV[6])
for id, _, letter in string.gmatch(record["p" .. tag] or "", CLAIM) do
  if id == attempt then
    limits.retry = locked_for(per_day, ARGV[8])
    limits.locked_now = letter ~= "c"
    return reply("alive", nil, limits)
  end
end
local c = read_challenge(tag)
if c and disowned(c) then
  return reply("disowned", nil, limits)
end
limits.retry = locked_for(per_day, ARGV[8])
if limits.retry ~= 0 then
  return reply("locked", nil, limits)
end

local wrong = recent("w", DAY)
local streak = tonumber(record.f or "0") + 1
wrong[#wrong + 1] = stamp
set("f", text(streak))
write_log("w", wrong)
local stopped = count_lock(streak, tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]),
  tonumber(ARGV[7]), ARGV[8])
limits.retry = locked_for(per_day, ARGV[8])
limits.locked_now = limits.retry ~= 0
if limits.locked_now then
  void_all()
end
-- Only those of the last moments: an answer that settles comes at once, or not at all.
local claims = {}
for id, at, letter in string.gmatch(record["p" .. tag] or "", CLAIM) do
  if stamp - tonumber(at) < CLAIM_LIFE then
    claims[#claims + 1] = id .. at .. letter
  end
end
local letter = stopped and "s" or (limits.locked_now and "l" or "c")
claims[#claims + 1] = attempt .. text(stamp) .. letter
set("p" .. tag, table.concat(claims))
keep(tonumber(ARGV[9]))
return reply("alive", nil, limits)
