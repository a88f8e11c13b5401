-- Take a kept request out: whoever comes first has it, and nobody after.
-- Running it twice (a repeated call) gives nothing the second time: a request that is lost can be
-- sent again, one that runs twice cannot be taken back.
-- KEYS[1] what is kept for the user; see keep.lua.
-- ARGV 1 name
-- Returns the sealed request, or "".
local clock = redis.call("TIME")
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
local sealed = redis.call("HGET", KEYS[1], "r" .. ARGV[1])
local till = redis.call("HGET", KEYS[1], "l" .. ARGV[1])
redis.call("HDEL", KEYS[1], "r" .. ARGV[1], "l" .. ARGV[1])
if sealed and till and now < tonumber(till) then
  return sealed
end
return ""
