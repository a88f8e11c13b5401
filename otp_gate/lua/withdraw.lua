-- Take back a code that could not be delivered: nothing is used up, the code before it lives on.
-- KEYS[1] the user's record.
-- ARGV 1 tag  2 digest of the undelivered code
-- Returns 1, or 0 where that code is not the live one any more (then there is nothing to undo).
local tag = ARGV[1]
local c = read_challenge(tag)
if not c or record["c" .. tag] ~= ARGV[2] then
  return 0
end
local sent, kept, issued = recent("s", math.huge), {}, math.ceil(c.issued / 1000)
for i = #sent, 1, -1 do
  if sent[i] == issued then
    issued = nil
  else
    table.insert(kept, 1, sent[i])
  end
end
write_log("s", kept)
local before = { string.match(record["u" .. tag] or ";;", "^(.*);(.*);(.*)$") }
for i, field in ipairs({ "c", "t", "o" }) do
  if before[i] == "" then
    drop(field .. tag)
  else
    set(field .. tag, before[i])
  end
end
drop("u" .. tag)
return 1
