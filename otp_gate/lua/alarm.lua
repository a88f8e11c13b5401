-- Count one wrong answer of the whole site; say when there are suspiciously many, and again at each
-- multiple. Of one user only a few count: nobody may set it off alone, and wear it out.
-- A repeated call gives the same alarm again; it may count one answer twice.
-- KEYS[1] the answers of the window: "user:slot" with its time, and "given:multiple:id" of the
-- last alarm, which stands above all. One key for both: amid a reshard Redis Cluster refuses a
-- script that has two of them.
-- ARGV[1], in JSON: id, user (digest), number, window (ms), each (how many of one user count).
-- Returns the multiple of `number` that this answer reaches, else 0.
local given = cjson.decode(ARGV[1])
local clock = redis.call("TIME")
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local key = KEYS[1]
local top = redis.call("ZREVRANGE", key, 0, 0)[1] or ""
local reached, id = string.match(top, "^given:(%d+):(.*)$")
if id == given.id then
  return reached + 0
end
redis.call("ZREMRANGEBYSCORE", key, "-inf", string.format("%.0f", now - given.window))
for slot = 1, given.each do
  if redis.call("ZADD", key, "NX", string.format("%.0f", now), given.user .. ":" .. slot) == 1 then
    break
  end
end
redis.call("PEXPIRE", key, string.format("%.0f", given.window))
local multiple = math.floor((redis.call("ZCARD", key) - (reached and 1 or 0)) / given.number)
if multiple == (reached or 0) + 0 then
  return 0
end
if reached then
  redis.call("ZREM", key, top)
end
if multiple > 0 then
  redis.call("ZADD", key, "+inf", "given:" .. string.format("%.0f", multiple) .. ":" .. given.id)
end
return multiple > (reached or 0) + 0 and multiple or 0
