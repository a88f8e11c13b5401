-- Keep a request that waits for a code; of those of one user only a few, the last ones.
-- Each may have megabytes: a bound on each alone would let one user fill Redis with many.
-- Running it twice with the same name keeps it once.
-- KEYS[1] what is kept for the user: r<name> the sealed request, l<name> until when (ms).
-- ARGV 1 name  2 sealed request  3 life (ms)  4 how many there may be
local clock = redis.call("TIME")
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
local others = {}
for _, field in ipairs(redis.call("HKEYS", KEYS[1])) do
  if string.sub(field, 1, 1) == "l" and field ~= "l" .. ARGV[1] then
    others[#others + 1] = { string.sub(field, 2), tonumber(redis.call("HGET", KEYS[1], field)) }
  end
end
table.sort(others, function(one, other)
  return one[2] > other[2]
end)
for i, other in ipairs(others) do
  if i >= tonumber(ARGV[4]) or other[2] <= now then
    redis.call("HDEL", KEYS[1], "r" .. other[1], "l" .. other[1])
  end
end
local life = tonumber(ARGV[3])
redis.call("HSET", KEYS[1], "r" .. ARGV[1], ARGV[2], "l" .. ARGV[1], string.format("%.0f", now + life))
redis.call("PEXPIRE", KEYS[1], life)
return 1
