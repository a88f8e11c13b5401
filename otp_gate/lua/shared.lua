-- Count one code to a destination that no user has proven, for all users who name it together.
-- Running it twice with the same id counts once.
-- KEYS[1] the codes sent there: stamp (seconds, 10 digits) and id (8 characters) of each.
-- ARGV[1], in JSON: id. SENDS, MOST_SENDS and LONGEST stand before: see `store.limits`.
-- Returns 0 if it may be sent, else milliseconds until the next one may.
local given = cjson.decode(ARGV[1])
local clock = redis.call("TIME")
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local log = redis.call("GET", KEYS[1]) or ""
if string.find(log, given.id, 1, true) then
  return 0
end
if log ~= "" and string.sub(log, -18, -9) + 0 > clock[1] + 1 then
  -- The server's clock was set back: what would lie ahead counts as of now.
  log = string.gsub(log, "(%d%d%d%d%d%d%d%d%d%d)(........)", function(time, id)
    return (time + 0 > clock[1] + 1 and clock[1] or time) .. id
  end)
  redis.call("SET", KEYS[1], log, "EX", LONGEST)
end
local wait = 0
for n = 1, #SENDS, 2 do
  local number, window = SENDS[n], SENDS[n + 1]
  if #log >= 18 * number then
    wait = math.max(wait, (string.sub(log, -18 * number, -18 * number + 9) + window) * 1000 - now)
  end
end
if wait > 0 then
  return wait
end
log = string.sub(log .. clock[1] + 1 .. given.id, -18 * MOST_SENDS)
redis.call("SET", KEYS[1], log, "EX", LONGEST)
return 0
