-- Behind standing.lua: the code of the login `tag`, once a script has read c<tag> as `value`.
-- given.to lists "destination" and "factor", then ",", for where the user's codes go now: a code that
-- went elsewhere is none. `state` is what the code is, if nobody asks anything of it; a lock made
-- all codes void that were sent before.
local state, issued, counted = "none", 0, 0
local NOWHERE = "--------"
local before = value
if value and #value > 9 then
  local place = sub(value, 39)
  if find(given.to, place .. ",", 1, true) or sub(place, 1, 8) == NOWHERE then
    issued = sub(value, 17, 29) + 0
    if issued > now then
      -- The server's clock was set back: no code lives longer for it.
      issued = now
      value = sub(value, 1, 16) .. now .. sub(value, 30)
      call("HSET", KEYS[1], "c" .. tag, value)
    end
    -- Wrong answers, and in the last three digits the locks: compared and counted as one number.
    counted = sub(value, 30, 36) + 0
    if now >= issued + CODE_TTL then
      state = "expired"
    elseif counted >= 1000 * CODE_ATTEMPTS or counted % 1000 ~= locks % 1000 then
      state = "used_up"
    else
      state = "alive"
    end
  else
    value = nil
  end
elseif value then
  state, value = "disowned", nil
end

-- The answer to the caller, parted by ":": word; retry after (ms, -1: never by itself); flags: "l"
-- if this answer locked, "n" if the destination is not proven, or a superseded reference; the
-- server's clock, seconds and microseconds; nothing is sent until; locks so far; then what the field
-- c<tag> says from "issued" on. A 0 is left out, as most are.
local function reply(word, retry, flags)
  local told = value and sub(value, 17) or ""
  if retry == 0 and pause == 0 and locks == 0 then
    return word .. "::" .. flags .. ":" .. clock[1] .. ":" .. clock[2] .. ":::" .. told
  end
  return format("%s:%d:%s:%s:%s:%d:%d:%s", word, retry, flags, clock[1], clock[2], pause, locks, told)
end
