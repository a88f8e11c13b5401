-- What the scripts for saved requests share: who may hold how many is counted without a search, so
-- that each takes as long with 2,000 of them as with one.
-- KEYS[1] the saved requests of the site, a hash: r<name> the sealed request, i<name> "<user>
--         <bytes>", u<user> the user's names, oldest first, b the bytes of all.
-- KEYS[2] when each expires, a sorted set: name -> milliseconds since the epoch.
local clock = redis.call("TIME")
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)

local function names_of(user)
  local names = {}
  for name in string.gmatch(redis.call("HGET", KEYS[1], "u" .. user) or "", "%S+") do
    names[#names + 1] = name
  end
  return names
end

local function remove(name)
  local user, size =
    string.match(redis.call("HGET", KEYS[1], "i" .. name) or "", "^(%S+) (%d+)$")
  redis.call("ZREM", KEYS[2], name)
  redis.call("HDEL", KEYS[1], "r" .. name, "i" .. name)
  if not user then
    return
  end
  redis.call("HINCRBY", KEYS[1], "b", "-" .. size)
  local rest = {}
  for _, other in ipairs(names_of(user)) do
    if other ~= name then
      rest[#rest + 1] = other
    end
  end
  if #rest > 0 then
    redis.call("HSET", KEYS[1], "u" .. user, table.concat(rest, " "))
  else
    redis.call("HDEL", KEYS[1], "u" .. user)
  end
end
