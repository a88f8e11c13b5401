-- Take the live code of one login away (a log-out). Its mail may still be disowned; what was disowned
-- stays known as such.
-- KEYS[1] the user's record; given: tag.
-- Returns 1 if there was one, else 0.
local given = cjson.decode(ARGV[1])
--@ lists
--@ put
local found = redis.call("HMGET", KEYS[1], "i", "c" .. given.tag)
if not found[2] or #found[2] == 9 then
  return 0
end
put("i", without_item(found[1] or "", given.tag .. ","))
redis.call("HDEL", KEYS[1], "c" .. given.tag, "o" .. given.tag, "z" .. given.tag)
return 1
