-- Work for the Lua of this test: sorts with comparators, builds and takes apart strings, recurses, collects garbage,
-- and prints as it goes. The same output every time: nothing depends on addresses, clocks or the order of pairs().
-- Argument: how many rounds.

local rounds = tonumber(arg and arg[1]) or 6
io.stdout:setvbuf("line")

local seed = 12345
local function random(n)
  seed = (seed * 6364136223846793005 + 1442695040888963407)
  return (seed >> 33) % n
end

-- Records sorted by several keys; table.sort calls back from C into Lua.
local function sorting(count)
  local records = {}
  for i = 1, count do
    records[i] = { key = random(1000), name = string.format("n%05d", random(100000)), weight = random(1 << 20) / 1024 }
  end
  table.sort(records, function(a, b)
    if a.key ~= b.key then return a.key < b.key end
    if a.name ~= b.name then return a.name > b.name end
    return a.weight < b.weight
  end)
  local sum = 0
  for i, record in ipairs(records) do sum = (sum * 31 + record.key * i + math.floor(record.weight)) & 0xffffffff end
  return sum, records[1].name, records[count].name
end

-- Text from a grammar, then counted, reversed and rewritten with patterns and a callback.
local syllables = { "ka", "mi", "ro", "ten", "shi", "lu", "ba", "dor" }
local function building(count)
  local words = {}
  for i = 1, count do
    local word = ""
    for _ = 0, random(4) do word = word .. syllables[random(#syllables) + 1] end
    words[i] = word
  end
  local text = table.concat(words, " ")
  local counts = {}
  for word in text:gmatch("%a+") do counts[word] = (counts[word] or 0) + 1 end
  local names = {}
  for word in pairs(counts) do names[#names + 1] = word end
  table.sort(names, function(a, b)
    if counts[a] ~= counts[b] then return counts[a] > counts[b] end
    return a < b
  end)
  local rewritten, changes = text:gsub("(%a)o(%a?)", function(a, b) return b:upper() .. "0" .. a end)
  local hash = 5381
  for i = 1, #rewritten do hash = (hash * 33 ~ rewritten:byte(i)) & 0xffffffff end
  return #text, names[1], counts[names[1]], changes, hash, text:sub(1, 24):reverse()
end

-- Recursion with a closure per level: permutations, Ackermann, and queens on a board.
local function ackermann(m, n)
  if m == 0 then return n + 1 end
  if n == 0 then return ackermann(m - 1, 1) end
  return ackermann(m - 1, ackermann(m, n - 1))
end

local function queens(size)
  local found, columns, up, down = 0, {}, {}, {}
  local function place(row)
    if row > size then
      found = found + 1
      return
    end
    for column = 1, size do
      if not (columns[column] or up[row + column] or down[row - column]) then
        columns[column], up[row + column], down[row - column] = true, true, true
        place(row + 1)
        columns[column], up[row + column], down[row - column] = nil, nil, nil
      end
    end
  end
  place(1)
  return found
end

-- Objects with metatables: polynomials with overloaded operators, floats and integers.
local Polynomial = {}
Polynomial.__index = Polynomial
Polynomial.__add = function(a, b)
  local sum = setmetatable({}, Polynomial)
  for i = 1, math.max(#a, #b) do sum[i] = (a[i] or 0) + (b[i] or 0) end
  return sum
end
Polynomial.__mul = function(a, b)
  local product = setmetatable({}, Polynomial)
  for i = 1, #a + #b - 1 do product[i] = 0 end
  for i = 1, #a do
    for j = 1, #b do product[i + j - 1] = (product[i + j - 1] + a[i] * b[j]) % 1000003 end
  end
  return product
end
Polynomial.__tostring = function(p) return "[" .. table.concat(p, ",", 1, math.min(#p, 6)) .. "]" end

local function polynomials(degree)
  local p = setmetatable({ 1, 1 }, Polynomial)
  local q = setmetatable({ 3, 0, 2.5 }, Polynomial)
  for i = 1, degree do
    p = p * q + p
    if i % 3 == 0 then q = q * setmetatable({ i, 1 }, Polynomial) end
  end
  return tostring(p), #p
end

print("lua", _VERSION, rounds)
for round = 1, rounds do
  print(round, "sort", sorting(6000))
  print(round, "strings", building(6000))
  print(round, "ackermann", ackermann(2, 40 + round), ackermann(3, 4))
  print(round, "queens", queens(7))
  print(round, "polynomials", polynomials(24))
  collectgarbage()
  print(round, "alive", collectgarbage("count") > 0, string.format("%.6f %a", math.sin(round), 1 / round))
end
print("done", seed)
