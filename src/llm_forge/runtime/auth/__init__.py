"""How requests get their credentials: one policy a file, chosen by `resolve.py`.

    none     policy.py      AuthPolicy itself: nothing is added
    api-key  api_key.py     ApiKey: a header, a query parameter or a cookie (R-020)
    bearer   bearer.py      Bearer: `Authorization: Bearer <token>` (R-021)
    basic    basic.py       Basic: user and password (R-021)
    oauth2   oauth2.py      OAuth2: client credentials or a refresh token (R-023 to R-030)
    custom   custom.py      AuthProvider: an object of the user's own (R-031)

Rules of this folder:
- A policy gets a request and returns a copy with its credential; nobody keeps the copy (R-020).
- It runs on every attempt, after the limiter, and only for trusted origins (R-031, R-032).
- What it adds is told to the call, so that no text of that call shows it (R-242).
"""
