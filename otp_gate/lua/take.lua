-- Return a saved request and remove it: only the first caller gets it.
-- Running it twice (a repeated call) gives nothing the second time: a request that is lost can be
-- sent again, one that runs twice cannot be taken back.
-- KEYS see saved.lua.
-- ARGV 1 name
-- Returns the sealed request, or "" if it is not there or has expired.
--@ saved
local sealed = redis.call("HGET", KEYS[1], "r" .. ARGV[1])
local expires = tonumber(redis.call("ZSCORE", KEYS[2], ARGV[1]) or 0)
remove(ARGV[1])
return sealed and now < expires and sealed or ""
