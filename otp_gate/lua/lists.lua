-- A log without one stamp (a number).
local function without(log, time)
  for at = #log - 9, 1, -10 do
    if string.sub(log, at, at + 9) + 0 == time then
      return string.sub(log, 1, at - 1) .. string.sub(log, at + 10)
    end
  end
  return log
end

-- A list without the item that begins so; each ends with ",".
local function without_item(list, start)
  local at = string.find(list, start, 1, true)
  if not at then
    return list
  end
  return string.sub(list, 1, at - 1) .. string.sub(list, string.find(list, ",", at, true) + 1)
end
