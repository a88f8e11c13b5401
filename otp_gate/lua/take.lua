-- Return a saved request and remove it: only the first caller gets it.
-- Running it twice (a repeated call) gives nothing the second time: a request that is lost can be
-- sent again, one that runs twice cannot be taken back.
-- KEYS[1] the saved requests of the site; see keep.lua.
-- ARGV 1 name
-- Returns the sealed request, or "" if it is not there or has expired.
local clock = redis.call("TIME")
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
local sealed = redis.call("HGET", KEYS[1], "r" .. ARGV[1])
local expires = string.match(redis.call("HGET", KEYS[1], "i" .. ARGV[1]) or "", "^(%d+) ")
redis.call("HDEL", KEYS[1], "r" .. ARGV[1], "i" .. ARGV[1])
if sealed and expires and now < tonumber(expires) then
  return sealed
end
return ""
