"""The catalogue of attacks: one test each, `test_a_<number>_...`, in the file of its family.

The attacker has the password, as most do who meet a second factor; he does not have the code.
"""
