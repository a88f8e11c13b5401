-- Remove a saved request: its user has logged out, or sent another. Running it twice does no more.
-- KEYS see saved.lua.
-- ARGV 1 name
--@ saved
remove(ARGV[1])
return 1
