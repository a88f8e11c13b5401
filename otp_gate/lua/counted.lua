-- Return all counters of report mode; forget them if asked to, losing none in between.
-- KEYS[1] the counters of the site.
-- ARGV 1 "1" to forget them
local counters = redis.call("HGETALL", KEYS[1])
if ARGV[1] == "1" then
  redis.call("DEL", KEYS[1])
end
return counters
