-- Write a field, or remove one that is empty.
local function put(field, content)
  if content == "" then
    redis.call("HDEL", KEYS[1], field)
  else
    redis.call("HSET", KEYS[1], field, content)
  end
end
