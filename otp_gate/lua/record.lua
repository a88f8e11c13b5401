-- The beginning of every script on the record of one user. Before it stand the limits as the project
-- set them (see `limits.py`), durations in milliseconds unless said otherwise.
-- One hash per user, so that one script sees, counts and writes all of it in one atomic step, and
-- so that all of it lies in one slot of a cluster. KEYS[1] is that hash, ARGV[1] an object in JSON
-- whose names each script lists. Times are milliseconds of the server's clock, "stamps" its seconds
-- in ten digits. Nothing in it names a person. Fields are kept within 64 bytes where they can be:
-- a longer one makes Redis store the whole hash in three times the space.
--   u        what counts against the user under one password: its digest (8 characters) and, each
--            after ":", as far as there is any: wrong answers in a row (nothing but ":" behind them
--            if that is all); locked until, for those in a row
--            and for those of a day; held until; nothing is sent until, since a delivery failed
--            (not 0 while e counts);
--            1 if stopped; how many locks there were (each makes all codes void)
--   w        stamps of the wrong answers of a day, at most PER_DAY
--   s, e     stamps of codes sent, and of deliveries that failed: as many as SENDS asks about
--   p        "destination:stamp," of destinations from which a code was typed in
--   i        "tag," of the logins with a code, the one that asked last at the end
--   v        "tag:factor," of the logins that a code verified
--   a        ":attempt" and a letter for each of the last answers: a accepted, i invalid, l locked
--   q        guesses that a factor compares by itself: see claim.lua
--   b        "digest:until:wrong answers" of a code that an operator reads out
--   c<tag>   the code of one login: digest (16 characters), issued (13), wrong answers (4), locks
--            till then (3), reference (2), destination (8) and factor; or "d" and the id (8) of the
--            request that disowned the login
--   o<tag>   the codes before it: 2 characters of reference and 8 of digest each, the newest first
--   z<tag>   what c<tag> was before it: a code that could not be delivered is taken back
-- It is written for speed: no function and no table where there is another way, and what seldom
-- happens is worked out only when it does. `benchmarks/` counts what each script takes of the server.
local DAY = 86400
-- A number is written with format: what Lua does by itself with .. takes three times as long.
local call, sub, find, format = redis.call, string.sub, string.find, string.format
local given = cjson.decode(ARGV[1])
local tag = given.tag
local clock = call("TIME")
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
