-- Write and read one key that dies at once: can the gate do here what it must?
-- KEYS[1] a key of the gate that serves nothing else.
-- ARGV 1 any text  2 its life (ms)
-- Returns the text as it was read, and the server's clock: seconds, microseconds.
redis.call("HSET", KEYS[1], "probe", ARGV[1])
redis.call("PEXPIRE", KEYS[1], ARGV[2])
local read = redis.call("HGET", KEYS[1], "probe")
local clock = redis.call("TIME")
return { read, clock[1], clock[2] }
