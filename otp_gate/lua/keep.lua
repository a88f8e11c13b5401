-- Save a request until its code is typed in, within the limits of its user and of the whole site.
-- All saved requests are one key: Redis Cluster can refuse a script that has two, amid a reshard.
-- Running it twice with the same name saves it once.
-- KEYS[1] the saved requests of the site. Fields of each: r<name> the sealed request,
--         i<name> "<expires (ms)> <user> <bytes>".
-- ARGV 1 name  2 sealed request  3 life (ms)  4 user  5 requests per user
--      6 requests of the site  7 bytes of the site
-- Returns 1 if it is saved, 0 if the site has no room.
local name, sealed, life, user = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local per_user, max_requests, max_bytes = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local clock = redis.call("TIME")
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)

local function remove(other)
  redis.call("HDEL", KEYS[1], "r" .. other, "i" .. other)
end

local requests, bytes, own = 0, 0, {}
for _, field in ipairs(redis.call("HKEYS", KEYS[1])) do
  local other = string.sub(field, 2)
  if string.sub(field, 1, 1) == "i" and other ~= name then
    local expires, owner, size =
      string.match(redis.call("HGET", KEYS[1], field), "^(%d+) (%S+) (%d+)$")
    if not expires or tonumber(expires) <= now then
      remove(other)
    else
      requests, bytes = requests + 1, bytes + tonumber(size)
      if owner == user then
        own[#own + 1] = { name = other, expires = tonumber(expires), size = tonumber(size) }
      end
    end
  end
end

-- The user's oldest requests make room for the new one. Those of other users never do: they were
-- promised to their users, and an attacker could push them out.
table.sort(own, function(one, other)
  return one.expires > other.expires
end)
for i = per_user, #own do
  remove(own[i].name)
  requests, bytes = requests - 1, bytes - own[i].size
end
if requests + 1 > max_requests or bytes + #sealed > max_bytes then
  remove(name)
  return 0
end
redis.call("HSET", KEYS[1], "r" .. name, sealed, "i" .. name,
  string.format("%.0f %s %d", now + life, user, #sealed))
-- Nothing in it lives longer than the one that was saved last: PENDING_TTL is one for the site.
redis.call("PEXPIRE", KEYS[1], life)
return 1
