-- Count the attempt, compare, consume: in one step, whatever runs beside. No answer leaves before
-- the count is written: where that write is refused (full, read-only), so is the guess.
-- Running it twice with the same attempt id gives the first answer and counts nothing.
-- KEYS[1] the user's record; given: tag, to (see challenge.lua), who (digest of the password),
--   attempt (id, 8 characters), code (digest of what was typed), operator (the same, as the code of
--   an operator).
-- Returns the reply of challenge.lua; to a right code "accepted" and, after ":", the factor.
--@ record
local found = call("HMGET", KEYS[1], "u", "c" .. tag, "w", "a", "b", "o" .. tag)
local u, value, wrong, answers, b, older = found[1], found[2], found[3], found[4] or "", found[5], found[6]
--@ standing
--@ challenge
--@ logs
--@ counts
--@ failures
if state == "disowned" then
  return reply(state, 0, "")
end
local at = find(answers, ":" .. given.attempt, 1, true)
if at then
  local letter = sub(answers, at + 9, at + 9)
  if letter == "a" then
    local verified = call("HGET", KEYS[1], "v")
    return "accepted:" .. string.match(verified, "^[^,]*", find(verified, tag .. ":", 1, true) + 9)
  end
  return reply("invalid", wait, letter == "l" and "l" or "")
elseif wait ~= 0 then
  return reply("locked", wait, "")
end
local is_same = value and sub(value, 1, 16) == given.code
local right = is_same and state == "alive"
-- An operator's code may be answered where no other is alive, and counts guesses like any other.
local operator, till, wrong_so_far
if b then
  operator, till, wrong_so_far = string.match(b, "^([^:]+):(%d+):(%d+)$")
  till = math.min(till + 0, now + OPERATOR_TTL)
  if now >= till or wrong_so_far + 0 >= CODE_ATTEMPTS then
    operator = nil
  end
end
local by_operator = operator and operator == given.operator
if not by_operator and not right then
  if (is_same and state == "expired") or (state ~= "alive" and not operator) then
    return reply(state, 0, "")
  end
  if older and state == "alive" then
    local start = sub(given.code, 1, 8)
    for reference, digest in string.gmatch(older, "(..)(........)") do
      if digest == start then
        return reply("superseded", 0, reference)
      end
    end
  end
end

if right or by_operator then
  -- A success forgives the row of failures and gives its send back; never the window of 24 hours.
--@ lists
  local more = call("HMGET", KEYS[1], "s", "p", "v", "i")
  local sent, proven, verified, logins = more[1], more[2], more[3] or "", more[4]
  local factor = right and sub(value, 47) or "operator"
  streak, locked, stopped = 0, 0, 0
  if right then
    -- It arrived, so deliveries work. (A code that an operator read out says nothing of them.)
    pause = 0
  end
  local fields = {
    "u", standing(),
    "v", sub(verified .. tag .. ":" .. factor .. ",", -VERIFIED),
    "a", sub(answers .. ":" .. given.attempt .. "a", -60),
  }
  local gone = { "c" .. tag, by_operator and "b" or nil }
  local function set(field, content)
    if content == "" then
      gone[#gone + 1] = field
    else
      fields[#fields + 1] = field
      fields[#fields + 1] = content
    end
  end
  if older then
    set("o" .. tag, "")
    set("z" .. tag, "")
  end
  if logins then
    set("i", without_item(logins, tag .. ","))
  end
  if right then
    gone[#gone + 1] = "e"
    if sent and not others then
      set("s", without(sent, math.floor(issued / 1000) + 1))
    end
    local to = sub(value, 39, 46)
    if to ~= NOWHERE then
      proven = without_item(proven or "", to .. ":")
      proven = sub(format("%s%s:%d,", proven, to, stamp), -80)
      set("p", proven)
    end
  end
  call("HSET", KEYS[1], unpack(fields))
  call("HDEL", KEYS[1], unpack(gone))
  keep(proven)
  return "accepted:" .. factor
end

wrong = count_wrong(read_log("w", wrong))
local letter = wait ~= 0 and "l" or ""
answers = sub(answers .. ":" .. given.attempt .. (wait ~= 0 and "l" or "i"), -60)
if state == "alive" then
  value = format("%s%07d%s", sub(value, 1, 29), counted + 1000, sub(value, 37))
  call("HSET", KEYS[1], "u", standing(), "w", wrong, "a", answers, "c" .. tag, value)
else
  call("HSET", KEYS[1], "u", standing(), "w", wrong, "a", answers)
end
if operator then
  wrong_so_far = wrong_so_far + 1
  call("HSET", KEYS[1], "b", operator .. ":" .. till .. ":" .. wrong_so_far)
end
if wait ~= 0 then
  call("HDEL", KEYS[1], "b")
end
if streak == 1 or wait ~= 0 then
  keep()
end
if state ~= "alive" and wait == 0 then
  -- What may still be answered is the operator's code.
  value = string.rep(" ", 16) .. till - CODE_TTL
    .. string.format("%04d%03d  %soperator", wrong_so_far, locks % 1000, NOWHERE)
end
return reply("invalid", wait, letter)
