-- How many stamps of a log lie inside a window (s).
local function within(log, window)
  local number = 0
  for time in string.gmatch(log, "%d%d%d%d%d%d%d%d%d%d") do
    if stamp - time < window then
      number = number + 1
    end
  end
  return number
end
