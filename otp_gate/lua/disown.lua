-- "This wasn't me": kill the code and the half-authenticated session, and hold back new codes.
-- The signed link is proof enough: Redis may have forgotten the login that it speaks of.
-- KEYS[1] the user's record; given: tag, who (digest of the password), id (of this request, 8
--   characters).
-- Returns "done", "used" (the code had been accepted before) or "none" (disowned once already).
--@ record
local u, value, v, i, p = unpack(call("HMGET", KEYS[1], "u", "c" .. tag, "v", "i", "p"))
--@ standing
--@ counts
--@ lists
local used = v and find(v, tag .. ":", 1, true) and "used" or "done"
if value and #value == 9 then
  -- The same request a second time (a repeated call) hears the first answer again.
  return value == "d" .. given.id and used or "none"
end
held = now + HOLD
-- Named among the logins, so that it is forgotten in its turn.
call("HSET", KEYS[1], "u", standing(), "c" .. tag, "d" .. given.id,
  "i", without_item(i or "", tag .. ",") .. tag .. ",")
call("HDEL", KEYS[1], "b", "o" .. tag, "z" .. tag)
keep(p)
return used
