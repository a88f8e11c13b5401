-- Keep the code that an operator will read out; the one before it is void.
-- It is refused while the user is locked or held: both are lifted knowingly, or not at all.
-- Running it twice with the same digest keeps one code, which nobody has heard in between.
-- KEYS[1] the user's record; given: tag (""), who (digest of the password), code (digest), ttl (ms).
-- Returns 1 if it is kept, 0 if the user is locked, -1 if codes are held back.
--@ record
local u, p = unpack(call("HMGET", KEYS[1], "u", "p"))
--@ standing
--@ counts
if wait ~= 0 then
  return 0
elseif held > now then
  return -1
end
call("HSET", KEYS[1], "u", standing(), "b", given.code .. ":" .. now + given.ttl .. ":0")
keep(p)
return 1
