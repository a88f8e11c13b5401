-- Take back a code that could not be delivered: nothing is used up, the code before it lives on.
-- KEYS[1] the user's record.
-- ARGV 1 tag  2 digest of the undelivered code
-- Returns 1, or 0 where that code is not the live one any more (then there is nothing to undo).
return take_back(ARGV[1], ARGV[2])
