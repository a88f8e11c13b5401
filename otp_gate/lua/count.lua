-- Count who would have been stopped, and where: one field for each user and place.
-- Their number is bounded (one more field holds when it began): whoever opens a new address each
-- time must not fill Redis. Running it twice counts twice; nobody is let in or stopped by that.
-- KEYS[1] the counters of the site.
-- ARGV 1 field  2 the field for what finds no room  3 how many fields there may be  4 life (ms)
--      5 the field for the second in which counting began
local field = ARGV[1]
local known = redis.call("HEXISTS", KEYS[1], field) == 1
if not known and redis.call("HLEN", KEYS[1]) > tonumber(ARGV[3]) then
  field = ARGV[2]
end
redis.call("HINCRBY", KEYS[1], field, 1)
redis.call("HSETNX", KEYS[1], ARGV[5], redis.call("TIME")[1])
redis.call("PEXPIRE", KEYS[1], ARGV[4])
return 1
