-- Count a guess before a factor compares it that compares outside Redis (an app, a token).
-- Running it twice with the same attempt id counts once and gives the same answer.
-- KEYS[1] the user's record; given: tag, who (digest of the password), attempt (id, 8 characters).
-- Returns word, retry after (ms, -1: never by itself) and "l" if this guess, when it is wrong,
-- locks, parted by ":". The word is "alive" if the factor may compare; "locked" or "disowned" if it
-- must not be asked.
-- A claim in the field q: attempt id (8 characters), stamp (10) and a letter: c counted, l locked,
-- s stopped, r forgiven. They are kept for CLAIM seconds: an answer that settles comes at once, or
-- not at all.
--@ record
local CLAIM = 30
local found = call("HMGET", KEYS[1], "u", "c" .. tag, "w", "q")
local u, value, wrong, claims = found[1], found[2], found[3], found[4] or ""
--@ standing
--@ logs
--@ counts
--@ failures
for at = 1, #claims, 19 do
  if sub(claims, at, at + 7) == given.attempt then
    return "alive:" .. wait .. ":" .. (sub(claims, at + 18, at + 18) == "c" and "" or "l")
  end
end
if value and #value == 9 then
  return "disowned:0:"
elseif wait ~= 0 then
  return "locked:" .. wait .. ":"
end

wrong = count_wrong(read_log("w", wrong))
while claims ~= "" and stamp - sub(claims, 9, 18) >= CLAIM do
  claims = sub(claims, 20)
end
local letter = stopped == 1 and "s" or (wait ~= 0 and "l" or "c")
call("HSET", KEYS[1], "u", standing(), "w", wrong, "q", claims .. given.attempt .. stamp .. letter)
if wait ~= 0 then
  call("HDEL", KEYS[1], "b")
end
keep()
return "alive:" .. wait .. ":" .. (wait ~= 0 and "l" or "")
