-- Count one event of the whole site in a sliding window, up to a number.
-- Running it twice with the same id counts once.
-- KEYS[1] the events of the window.
-- ARGV 1 id  2 number  3 window (ms)
-- Returns {1, 0} if this event is within the number, else {0, milliseconds until one is free}.
local clock = redis.call("TIME")
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
local number, window = tonumber(ARGV[2]), tonumber(ARGV[3])
if redis.call("ZSCORE", KEYS[1], ARGV[1]) then
  return { 1, 0 }
end
redis.call("ZREMRANGEBYSCORE", KEYS[1], "-inf", string.format("%.0f", now - window))
if redis.call("ZCARD", KEYS[1]) >= number then
  local oldest = redis.call("ZRANGE", KEYS[1], 0, 0, "WITHSCORES")
  return { 0, tonumber(oldest[2]) + window - now }
end
redis.call("ZADD", KEYS[1], string.format("%.0f", now), ARGV[1])
redis.call("PEXPIRE", KEYS[1], ARGV[3])
return { 1, 0 }
