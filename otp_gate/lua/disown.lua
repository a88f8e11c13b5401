-- "This wasn't me": kill the code and the half-authenticated session, and hold back new codes.
-- KEYS[1] the user's record.
-- ARGV 1 tag  2 id of this request (8 characters)  3 how long no new codes are sent (ms)
--      4 the longest window of SENDS (s)
-- Returns "done", "used" (the code had been accepted before) or "none" (unknown, or disowned once).
local tag, id = ARGV[1], ARGV[2]
local c = read_challenge(tag)
if not c then
  return "none"
end
if disowned(c) then
  -- The same request a second time (a repeated call) hears the first answer again.
  return (c.flag == "d" .. id and "done") or (c.flag == "e" .. id and "used") or "none"
end
local used = c.flag == "u"
c.flag = (used and "e" or "d") .. id
write_challenge(tag, c)
drop("b", "c" .. tag, "o" .. tag, "u" .. tag)
set("h", text(now + tonumber(ARGV[3])))
keep(tonumber(ARGV[4]))
return used and "used" or "done"
