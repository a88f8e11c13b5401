-- The factor found the guess right: forgive the attempt that was claimed for it, and that one alone.
-- Running it twice gives the same answer and forgives once.
-- KEYS[1] the user's record; given: tag, who (digest of the password), attempt (id), factor.
-- Returns 1, or 0 where nobody knows the attempt, or the login was disowned meanwhile: then the
-- session must stay shut.
--@ record
local found = call("HMGET", KEYS[1], "u", "c" .. tag, "w", "p", "q", "v", "i")
local u, value, claims = found[1], found[2], found[5] or ""
--@ standing
--@ logs
--@ counts
--@ lists
--@ put
if value and #value == 9 then
  return 0
end
for at = 1, #claims, 19 do
  if sub(claims, at, at + 7) == given.attempt then
    local letter = sub(claims, at + 18, at + 18)
    if letter == "r" then
      return 1
    end
    local wrong = without(found[3] or "", sub(claims, at + 8, at + 17) + 0)
    streak, locked, day = 0, 0, full_until(wrong, PER_DAY, DAY)
    if letter == "s" then
      stopped = 0
    end
    call("HSET", KEYS[1], "u", standing(),
      "v", sub((found[6] or "") .. tag .. ":" .. given.factor .. ",", -VERIFIED),
      "q", sub(claims, 1, at + 17) .. "r" .. sub(claims, at + 19))
    put("w", wrong)
    put("i", without_item(found[7] or "", tag .. ","))
    call("HDEL", KEYS[1], "c" .. tag, "o" .. tag, "z" .. tag)
    keep(found[4])
    return 1
  end
end
return 0
