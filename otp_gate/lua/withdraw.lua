-- Take back codes that could not be delivered, or whose fate nobody could learn: nothing is used up,
-- the code before lives on. A delivery that failed is counted in a log of its own instead: where its
-- code is not the live one any more, the send stays counted. So running it twice counts once.
-- KEYS[1] the user's record; given: tag, who (digest of the password), codes (digests), failed
--   (count a failed delivery).
-- Returns how many were the live one and are taken back.
--@ record
local found = call("HMGET", KEYS[1], "u", "c" .. tag, "s", "e", "p", "i", "o" .. tag, "z" .. tag)
local u, value, sent, failed = found[1], found[2], found[3] or "", found[4]
local older, last = found[7], found[8]
--@ standing
--@ logs
--@ counts
--@ lists
--@ put
if others then
  sent, failed = "", nil
end
local taken = 0
for _, code in ipairs(given.codes) do
  if value and #value > 9 and sub(value, 1, 16) == code then
    sent = without(sent, math.floor(sub(value, 17, 29) / 1000) + 1)
    value, older, last = last or "", last and sub(older, 11) or "", false
    if value == "" then
      put("i", without_item(found[6] or "", tag .. ","))
    end
    put("c" .. tag, value)
    put("o" .. tag, older)
    put("z" .. tag, "")
    put("s", sent)
    taken = taken + 1
  end
end
if given.failed and taken > 0 then
  failed = sub(read_log("e", failed) .. stamp, -10 * math.max(MOST_SENDS, 1))
  pause = now + FAILURE_COOLDOWN
  call("HSET", KEYS[1], "u", standing(), "e", failed)
  keep(found[5])
end
return taken
