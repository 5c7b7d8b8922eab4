"""Who may ask for what in the console, written down a second time: a route that is not here fails the tests.

V viewer, F front desk, M marketer, O operator, A admin; `anyone` needs no account, `staff` means all five.
"""

from __future__ import annotations

STAFF = "VFMOA"
ANYONE = "anyone"

WHO_MAY = {
    "GET /": STAFF,
    "GET /live": STAFF,
    "GET /upcoming": STAFF,
    "GET /upcoming/{day}": STAFF,
    "GET /parked": "OA",
    "GET /parked/cause": "OA",
    "GET /parked/items/{id}": "OA",
    "POST /parked/decide": "OA",
    "GET /unknown": "OA",
    "GET /unknown/{id}": "OA",
    "POST /unknown/{id}/ask": "OA",
    "POST /unknown/{id}/decide": "OA",
    "GET /unknown/{id}/resend": "OA",
    "POST /unknown/{id}/resend": "OA",
    "GET /pauses": "OA",
    "POST /pauses/add": "OA",
    "POST /pauses/lift": "OA",
    "GET /pauses/confirm": "OA",
    "POST /pauses/confirm": "OA",
    "GET /audit": "OA",
    "GET /users": "A",
    "GET /users/add": "A",
    "POST /users/add": "A",
    "GET /users/{name}": "A",
    "POST /users/{name}": "A",
    "GET /account": STAFF,
    "POST /account/password": STAFF,
    "POST /account/codes": STAFF,
    "POST /account/sign-out": STAFF,
    "POST /account/sign-out-everywhere": STAFF,
    "GET /sign-in": ANYONE,
    "POST /sign-in": ANYONE,
    "POST /sign-out": STAFF,
    "GET /prove": STAFF,
    "POST /prove": STAFF,
    "GET /welcome/{token}": ANYONE,
    "POST /welcome/{token}": ANYONE,
}
