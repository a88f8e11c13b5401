-- Logs of stamps (ten digits each, the oldest first).

-- A second more than it is: a window never ends a moment too early.
local stamp = clock[1] + 1

-- A log as it was read, "" for none. After the server's clock was set back, what would lie ahead
-- counts as of now.
local function read_log(field, log)
  if log and sub(log, -10) + 0 > stamp then
    log = string.gsub(log, "%d%d%d%d%d%d%d%d%d%d", function(time)
      return time + 0 > stamp and clock[1] or time
    end)
    call("HSET", KEYS[1], field, log)
  end
  return log or ""
end

-- Until when (ms) there are `number` stamps of a log inside a window (s); 0 if there are not.
local function full_until(log, number, window)
  if #log < 10 * number then
    return 0
  end
  return (sub(log, -10 * number, -10 * number + 9) + window) * 1000
end
