-- Say what is pending in one login.
-- KEYS[1] the user's record; given: tag, to (see challenge.lua), who (digest of the password).
-- Returns the reply of challenge.lua.
--@ record
local found = call("HMGET", KEYS[1], "u", "c" .. tag)
local u, value = found[1], found[2]
--@ standing
--@ challenge
if state == "disowned" then
  return reply(state, 0, "")
elseif wait ~= 0 then
  return reply("locked", wait, "")
elseif held > now and state ~= "alive" then
  return reply("held", held - now, "")
end
return reply(state, 0, "")
