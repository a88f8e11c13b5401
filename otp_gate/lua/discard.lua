-- Take the live code of one login away (a log-out). Its mail may still be disowned.
-- KEYS[1] the user's record; given: tag.
-- Returns 1.
local given = cjson.decode(ARGV[1])
--@ lists
--@ put
local logins = redis.call("HGET", KEYS[1], "i")
if logins then
  put("i", without_item(logins, given.tag .. ","))
end
redis.call("HDEL", KEYS[1], "c" .. given.tag, "o" .. given.tag, "z" .. given.tag)
return 1
