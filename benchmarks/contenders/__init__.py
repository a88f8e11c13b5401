"""One small module per contender; the runner knows none of them by name.

A contender says what its own manual tells a project to add, at its strictest:

    TITLE           what the tables call it
    DISTRIBUTION    whose version is shown
    APPS, MIDDLEWARE (right after AuthenticationMiddleware), SETTINGS, urls()
    guard, aguard   what each view must wear, where the middleware does not hold by itself
    LACKS           {scenario or part of its name: why it cannot do it}; the tables show a dash

and how people get into each state, given a request with an empty session, before it is saved:

    enrol(user)                  once: what must be in the database before
    half(request, user)          the password was right, the code is due
    verified(request, user)      the code was typed in, too

and, where it has codes, the steps that are timed. `fresh(user)` is not: it forgets limits.

    issue(request, user) -> code     make a code answerable, without carrying it to anybody
    send(request, user) -> code      the same, with the mail
    verify(request, user, code)      the right one: the session is verified afterwards, and saved
    refuse(request, user)            a wrong one
"""
