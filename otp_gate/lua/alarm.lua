-- Count one wrong answer of the whole site; say when there are suspiciously many, once per window.
-- Running it twice with the same id counts once and gives the same answer.
-- KEYS[1] the events of the window, or the one that gave the alarm, until the window is over. One key
-- for both: amid a reshard Redis Cluster refuses a script that has two of them.
-- ARGV 1 id  2 number  3 window (ms)
-- Returns 1 if this event gives the alarm, else 0.
local clock = redis.call("TIME")
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
local first = redis.call("ZRANGE", KEYS[1], 0, 0)[1]
if first and string.find(first, "^given ") then
  return first == "given " .. ARGV[1] and 1 or 0
end
local window = tonumber(ARGV[3])
redis.call("ZREMRANGEBYSCORE", KEYS[1], "-inf", string.format("%.0f", now - window))
redis.call("ZADD", KEYS[1], string.format("%.0f", now), ARGV[1])
redis.call("PEXPIRE", KEYS[1], ARGV[3])
if redis.call("ZCARD", KEYS[1]) < tonumber(ARGV[2]) then
  return 0
end
redis.call("DEL", KEYS[1])
redis.call("ZADD", KEYS[1], string.format("%.0f", now), "given " .. ARGV[1])
redis.call("PEXPIRE", KEYS[1], ARGV[3])
return 1
