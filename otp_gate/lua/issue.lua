-- Issue a code, or say why not: disowned? locked? one alive? held? cooling down? budget spent?
-- Running it twice with the same digest issues once (a client library may repeat a lost call).
-- KEYS[1] the user's record; given: tag, to (see challenge.lua), who (digest of the password), code
--   (digest), place (destination and factor), references (to choose from, two characters each),
--   another (issue one even if one is alive).
-- Returns the reply of challenge.lua.
--@ record
local found = call("HMGET", KEYS[1], "u", "c" .. tag, "s", "p", "i")
local u, value, sent, p, logins = found[1], found[2], found[3], found[4], found[5] or ""
--@ standing
--@ challenge
--@ logs
local flags, age = "n", PROVEN
if p then
  local at = find(p, sub(given.place, 1, 8) .. ":", 1, true)
  age = at and stamp - sub(p, at + 9, at + 18) or PROVEN
  if age < PROVEN then
    flags = ""
  end
end
if state == "disowned" then
  return reply(state, 0, "")
elseif value and sub(value, 1, 16) == given.code then
  return reply("issued", 0, flags)
elseif wait ~= 0 then
  return reply("locked", wait, "")
elseif state == "alive" and not given.another then
  return reply(state, 0, "")
elseif held > now then
  return reply("held", held - now, "")
elseif value and now < issued + RESEND_COOLDOWN then
  return reply("cooldown", issued + RESEND_COOLDOWN - now, "")
end
if pause > 0 then
  wait = math.max(0, pause - now)
  local failed = read_log("e", call("HGET", KEYS[1], "e"))
  for n = 1, #SENDS, 2 do
    wait = math.max(wait, full_until(failed, SENDS[n], SENDS[n + 1]) - now)
  end
  if wait > 0 then
    return reply("undeliverable", wait, "")
  end
end
if sent and not others then
  sent = read_log("s", sent)
  for n = 1, #SENDS, 2 do
    wait = math.max(wait, full_until(sent, SENDS[n], SENDS[n + 1]) - now)
  end
  if wait > 0 then
    return reply("cooldown", wait, "")
  end
else
  sent = ""
end

local reference = sub(given.references, 1, 2)
if value then
  local older = call("HGET", KEYS[1], "o" .. tag) or ""
  local taken = " " .. sub(value, 37, 38) .. string.gsub(older, "(..)........", " %1")
  for candidate in string.gmatch(given.references, "..") do
    if not find(taken, " " .. candidate, 1, true) then
      reference = candidate
      break
    end
  end
  older = sub(value, 37, 38) .. sub(value, 1, 8) .. older
  call("HSET", KEYS[1], "z" .. tag, value, "o" .. tag, sub(older, 1, 200))
elseif before then
  call("HDEL", KEYS[1], "o" .. tag, "z" .. tag)
end
-- No wrong answers yet, and the locks in three digits.
value = format("%s%d%07d%s%s", given.code, now, locks % 1000, reference, given.place)
sent = MOST_SENDS > 0 and sub(sent .. format("%d", stamp), -10 * MOST_SENDS)

if logins == "" then
  logins = tag .. ","
elseif logins ~= tag .. "," then
  -- The login that asked last stands at the end; the oldest give way, and what is over is
  -- forgotten: two at a time, so that no call is dear.
  local at = find(logins, tag .. ",", 1, true)
  if at then
    logins = sub(logins, 1, at - 1) .. sub(logins, at + 9)
  end
  for _ = 1, 2 do
    local oldest = sub(logins, 1, 8)
    if oldest == "" then
      break
    end
    local code = call("HGET", KEYS[1], "c" .. oldest)
    local is_young = code and (#code == 9 or now - sub(code, 17, 29) < PENDING_TTL)
    if #logins < 9 * LOGINS and is_young then
      break
    end
    call("HDEL", KEYS[1], "c" .. oldest, "o" .. oldest, "z" .. oldest)
    logins = sub(logins, 10)
  end
  logins = logins .. tag .. ","
end
if sent then
  call("HSET", KEYS[1], "u", u or given.who, "c" .. tag, value, "i", logins, "s", sent)
else
  call("HSET", KEYS[1], "u", u or given.who, "c" .. tag, value, "i", logins)
end
-- The code that proved the destination set a TTL of PROVEN at least: mostly that is long enough.
if streak == 0 and stopped == 0 and age > PROVEN - LONGEST then
  call("EXPIRE", KEYS[1], p and math.max(LONGEST, PROVEN) or LONGEST)
end
return reply("issued", 0, flags)
