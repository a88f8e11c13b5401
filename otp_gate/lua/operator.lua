-- Keep the code that an operator will read out; the one before it is void.
-- It is refused while the user is locked: a stop is lifted knowingly, or not at all.
-- Running it twice with the same digest keeps one code, which nobody has heard in between.
-- KEYS[1] the user's record.
-- ARGV 1 digest  2 TTL (ms)  3 per_day  4 credential  5 the longest window of SENDS (s)
-- Returns 1 if it is kept, 0 if the user is locked, or new codes are held back.
if locked_for(tonumber(ARGV[3]), ARGV[4]) ~= 0 or (record.h and tonumber(record.h) > now) then
  return 0
end
write_operator({ digest = ARGV[1], expires = now + tonumber(ARGV[2]), attempts = 0 })
keep(tonumber(ARGV[5]))
return 1
