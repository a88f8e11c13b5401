"""Let time pass, for this process and for the Redis that it uses.

fakeredis takes its time from this process, so travelling is enough. A real server has a clock of
its own, which nobody can move: there, everything that is remembered grows older instead.
"""

from __future__ import annotations

import time_machine
from django.conf import settings

from otp_gate import store

# Moves every time in the records back (the layout is in otp_gate/lua/record.lua).
GROW_OLDER = """
local ms = tonumber(ARGV[1])
local function text(n) return string.format("%.0f", n) end
local TEN = "%d%d%d%d%d%d%d%d%d%d"
local function younger(t) return text(tonumber(t) - ms / 1000) end
for _, key in ipairs(redis.call("KEYS", "*")) do
  local kind = redis.call("TYPE", key).ok
  if kind == "hash" then
    local flat = redis.call("HGETALL", key)
    for i = 1, #flat, 2 do
      local field, value = flat[i], flat[i + 1]
      local name = string.sub(field, 1, 1)
      if name == "w" or name == "s" or name == "e" then
        value = string.gsub(value, TEN, younger)
      elseif name == "u" then
        value = string.gsub(value, ":(%d%d%d%d%d%d%d%d%d%d+)", function(t)
          return ":" .. text(tonumber(t) - ms)
        end)
      elseif name == "p" then
        value = string.gsub(value, ":(" .. TEN .. "),", function(t) return ":" .. younger(t) .. "," end)
      elseif name == "q" then
        value = string.gsub(value, "(........)(" .. TEN .. ")(.)", function(id, t, letter)
          return id .. younger(t) .. letter
        end)
      elseif name == "b" then
        value = string.gsub(value, ":(%d+):", function(t)
          return ":" .. text(tonumber(t) - ms) .. ":"
        end)
      elseif (name == "c" or name == "z") and #value > 9 then
        value = string.sub(value, 1, 16) .. text(tonumber(string.sub(value, 17, 29)) - ms)
          .. string.sub(value, 30)
      end
      redis.call("HSET", key, field, value)
    end
  elseif kind == "string" and string.find(key, "}:sends$") then
    local log = string.gsub(redis.call("GET", key), "(" .. TEN .. ")(........)", function(t, id)
      return younger(t) .. id
    end)
    redis.call("SET", key, log, "KEEPTTL")
  elseif kind == "zset" then
    for _, member in ipairs(redis.call("ZRANGE", key, 0, -1)) do
      redis.call("ZINCRBY", key, -ms, member)
    end
  end
  local left = redis.call("PTTL", key)
  if left > 0 then
    redis.call("PEXPIRE", key, math.max(1, left - ms))
  end
end
"""


class Clock:
    """Stands still until it is told to advance."""

    def __init__(self, traveller: time_machine.Traveller) -> None:
        self.traveller = traveller

    def advance(self, seconds: float) -> None:
        self.traveller.shift(seconds)
        if settings.REDIS_URL:
            client, milliseconds = store.client("default"), int(seconds * 1000)
            # Each primary of a cluster knows its own keys only.
            for node in getattr(client, "get_primaries", lambda: [None])():
                where = {"target_nodes": node} if node else {}
                client.execute_command("EVAL", GROW_OLDER, 0, milliseconds, **where)
