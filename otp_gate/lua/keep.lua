-- Save a request until its code is typed in, within the limits of its user and of the whole site.
-- Running it twice with the same name saves it once.
-- KEYS see saved.lua.
-- ARGV 1 name  2 sealed request  3 life (ms)  4 user  5 requests per user
--      6 requests of the site  7 bytes of the site
-- Returns 1 if it is saved, 0 if the site has no room.
--@ saved
local name, sealed, life, user = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local per_user, max_requests, max_bytes = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])

-- More than one for each that is added, so that no backlog grows; and bounded, so that no call is slow.
local expired = redis.call("ZRANGEBYSCORE", KEYS[2], "-inf", string.format("%.0f", now), "LIMIT", 0, 100)
for _, other in ipairs(expired) do
  remove(other)
end
remove(name)
if redis.call("ZCARD", KEYS[2]) == 0 then
  -- A Redis that evicts may have dropped the one key and kept the other.
  redis.call("DEL", KEYS[1])
end

-- The user's oldest requests make room for the new one. Those of other users never do: they were
-- promised to their users, and an attacker could push them out.
local own = names_of(user)
for i = 1, #own - per_user + 1 do
  remove(own[i])
end
local bytes = tonumber(redis.call("HGET", KEYS[1], "b") or 0)
if redis.call("ZCARD", KEYS[2]) >= max_requests or bytes + #sealed > max_bytes then
  return 0
end
own = names_of(user)
own[#own + 1] = name
redis.call("HSET", KEYS[1], "r" .. name, sealed, "i" .. name, user .. " " .. #sealed,
  "u" .. user, table.concat(own, " "))
redis.call("HINCRBY", KEYS[1], "b", #sealed)
redis.call("ZADD", KEYS[2], string.format("%.0f", now + life), name)
-- Nothing in them lives longer than what was saved last: PENDING_TTL is one for the site.
redis.call("PEXPIRE", KEYS[1], life)
redis.call("PEXPIRE", KEYS[2], life)
return 1
