"""django-allauth headless: the session that a request of its "app" client names in a header.

The views of that client put another session in place of `request.session`, after both doors of the
gate. The gate finds that session by allauth's own token strategy, before the view runs, and judges
it; and the client types the code in at the gate's own pages. Nothing of it is imported where
`allauth.account`, without which no view of allauth headless can be, is not installed.
"""
