-- The factor found the guess right: forgive the attempt that was claimed for it, and that one alone.
-- Running it twice gives the same answer and forgives once.
-- KEYS[1] the user's record.
-- ARGV 1 tag  2 attempt id  3 the longest window of SENDS (s)
-- Returns 1, or 0 where nobody knows the attempt, or the login was disowned meanwhile: then the
-- session must stay shut.
local tag, attempt = ARGV[1], ARGV[2]
local c = read_challenge(tag)
if c and disowned(c) then
  return 0
end
for id, at, letter in string.gmatch(record["p" .. tag] or "", CLAIM) do
  if id == attempt then
    if letter == "r" then
      return 1
    end
    local times, kept = recent("w", DAY), {}
    local own = tonumber(at)
    for _, time in ipairs(times) do
      if time == own then
        own = nil
      else
        kept[#kept + 1] = time
      end
    end
    write_log("w", kept)
    drop("f", "l", "c" .. tag, "o" .. tag, "u" .. tag, "a" .. tag)
    if letter == "s" then
      drop("x")
    end
    c = c or { issued = now, expires = 0, attempts = 0, factor = "", reference = "" }
    c.flag = "u"
    write_challenge(tag, c)
    set("p" .. tag, attempt .. at .. "r")
    keep(tonumber(ARGV[3]))
    return 1
  end
end
return 0
