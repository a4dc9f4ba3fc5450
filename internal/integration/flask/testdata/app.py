"""The Flask application that the tests compare with package flask.

One process serves many applications: POST /__app makes one from options, and the header
X-App of every other request names the one that answers.

    python3 app.py PORT
"""

import json
import sys
from datetime import timedelta

import flask_jwt_extended as fje
from flask import Flask, current_app, jsonify, request
from werkzeug.serving import WSGIRequestHandler, make_server

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]

# The guarded routes and the arguments of their jwt_required.
GUARDS = {
    "/access": {},
    "/optional": {"optional": True},
    "/fresh": {"fresh": True},
    "/refresh": {"refresh": True},
    "/any": {"verify_type": False},
    "/headers": {"locations": "headers"},
    "/cookies": {"locations": ["cookies"]},
    "/query": {"locations": ["query_string"]},
    "/json": {"locations": ["json"]},
    "/two": {"locations": ["query_string", "headers"]},
    "/refresh-fresh": {"refresh": True, "fresh": True},
}

apps = {}


def revive(value):
    """Options come as JSON; {"$seconds": n} is a timedelta."""
    if isinstance(value, dict) and "$seconds" in value:
        return timedelta(seconds=value["$seconds"])
    return value


def who():
    return jsonify(
        identity=fje.get_jwt_identity(),
        claims=fje.get_jwt(),
        header=fje.get_jwt_header(),
        location=fje.get_jwt_request_location(),
    )


def view():
    """A view that checks the token itself."""
    fje.verify_jwt_in_request(optional=request.args.get("optional") == "1")
    return who()


def user():
    return jsonify(user=fje.get_current_user())


def create(kind, args):
    make = fje.create_access_token if kind == "access" else fje.create_refresh_token
    args = {name: revive(value) for name, value in args.items()}
    return make(args.pop("identity", "alice"), **args)


def make():
    args = request.get_json()
    return jsonify(token=create(args.pop("kind"), args))


def login():
    args = request.get_json()
    response = jsonify(ok=True)
    for kind, set_cookies in (("access", fje.set_access_cookies), ("refresh", fje.set_refresh_cookies)):
        set_cookies(response, create(kind, args.get(kind, {})), max_age=args.get("max_age"), domain=args.get("domain"))
    return response


def logout():
    args = request.get_json()
    response = jsonify(ok=True)
    unset = {"access": fje.unset_access_cookies, "refresh": fje.unset_refresh_cookies, "both": fje.unset_jwt_cookies}
    unset[args["which"]](response, domain=args.get("domain"))
    return response


@fje.jwt_required(refresh=True)
def renew():
    return jsonify(token=fje.create_access_token(fje.get_jwt_identity()))


def inspect():
    """The functions that read a token which no guard has checked."""
    args = request.get_json()
    do, token = args["do"], args["token"]
    if do == "decode":
        return jsonify(claims=fje.decode_token(token, args.get("csrf_value"), args.get("allow_expired", False)))
    if do == "jti":
        return jsonify(jti=fje.get_jti(token))
    if do == "csrf":
        return jsonify(csrf=fje.get_csrf_token(token))
    return jsonify(header=fje.get_unverified_jwt_headers(token))


@fje.jwt_required(verify_type=False)
def revoke():
    current_app.revoked(fje.get_jwt())
    return jsonify(revoked=fje.get_jwt()["type"])


def in_memory(app, jwt):
    app.jtis = {"revoked-id"}
    app.revoked = lambda claims: app.jtis.add(claims["jti"])
    jwt.token_in_blocklist_loader(lambda header, claims: claims["jti"] in app.jtis)


def load_users(app, jwt):
    users = {"alice": {"name": "Alice", "id": 1}}
    jwt.user_lookup_loader(lambda header, claims: users.get(claims[app.config["JWT_IDENTITY_CLAIM"]]))


def verify_claims(app, jwt):
    jwt.token_verification_loader(lambda header, claims: claims.get("tenant") != "closed")


def text(identity):
    return identity if isinstance(identity, str) else json.dumps(identity, separators=(",", ":"))


def add_claims(app, jwt):
    jwt.additional_claims_loader(lambda identity: {"role": "reader", "for": identity})
    jwt.additional_headers_loader(lambda identity: {"kid": "first"})
    jwt.user_identity_loader(lambda identity: "user:" + text(identity))


def own_answers(app, jwt):
    jwt.expired_token_loader(lambda header, claims: (jsonify(code="late", sub=claims.get("sub")), 419))
    jwt.unauthorized_loader(lambda error: (jsonify(code="login", why=error), 403))
    jwt.revoked_token_loader(lambda header, claims: (jsonify(code="gone"), 410))
    jwt.needs_fresh_token_loader(lambda header, claims: (jsonify(code="again"), 402))


LOADERS = {
    "blocklist": in_memory,
    "users": load_users,
    "verify": verify_claims,
    "claims": add_claims,
    "answers": own_answers,
}


def build(spec):
    app = Flask(__name__)
    for name, value in spec["options"].items():
        app.config[name] = revive(value)
    jwt = fje.JWTManager(app)
    for name in spec.get("loaders", []):
        LOADERS[name](app, jwt)
    for path, arguments in GUARDS.items():
        guarded = fje.jwt_required(**arguments)(who)
        app.add_url_rule(path, path, guarded, methods=METHODS)
    app.add_url_rule("/options", "options", fje.jwt_required()(lambda: jsonify(ok=True)), methods=["GET", "OPTIONS"])
    app.add_url_rule("/view", "view", view, methods=METHODS)
    app.add_url_rule("/user", "user", fje.jwt_required(optional=True)(user))
    app.add_url_rule("/revoke", "revoke", revoke, methods=["POST"])
    app.add_url_rule("/renew", "renew", renew, methods=["POST"])
    for path, function in (("/make", make), ("/login", login), ("/logout", logout), ("/inspect", inspect)):
        app.add_url_rule(path, path, function, methods=["POST"])
    return app


def serve(environ, start_response):
    if environ["PATH_INFO"] != "/__app":
        return apps[environ["HTTP_X_APP"]](environ, start_response)
    spec = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
    apps[spec["name"]] = build(spec)
    start_response("204 No Content", [])
    return []


class Quiet(WSGIRequestHandler):
    def log_request(self, *args):
        pass


if __name__ == "__main__":
    make_server("127.0.0.1", int(sys.argv[1]), serve, request_handler=Quiet).serve_forever()
