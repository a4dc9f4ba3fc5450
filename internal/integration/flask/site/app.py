from datetime import timedelta
from os import environ

import redis
from flask import Flask, jsonify, request
from flask_jwt_extended import (
    JWTManager, create_access_token, create_refresh_token, get_jwt, get_jwt_identity, jwt_required,
    set_access_cookies, set_refresh_cookies, unset_jwt_cookies,
)

app = Flask(__name__)
app.config["JWT_SECRET_KEY"] = environ["JWT_SECRET_KEY"]
app.config["JWT_TOKEN_LOCATION"] = ["cookies"]
app.config["JWT_ACCESS_TOKEN_EXPIRES"] = timedelta(hours=1)
jwt = JWTManager(app)
revoked = redis.from_url(environ["REDIS_URL"])


@jwt.token_in_blocklist_loader
def is_revoked(header, claims):
    return revoked.get(claims["jti"]) is not None


@app.post("/login")
def login():
    user, password = request.json["user"], request.json["password"]
    if (user, password) != ("alice", "secret"):
        return jsonify(msg="Bad username or password"), 401
    response = jsonify(msg="welcome")
    set_access_cookies(response, create_access_token(user))
    set_refresh_cookies(response, create_refresh_token(user))
    return response


@app.get("/orders")
@jwt_required()
def orders():
    return jsonify(orders_of=get_jwt_identity())


@app.post("/logout")
@jwt_required()
def logout():
    revoked.set(get_jwt()["jti"], "", ex=app.config["JWT_ACCESS_TOKEN_EXPIRES"])
    response = jsonify(msg="goodbye")
    unset_jwt_cookies(response)
    return response


if __name__ == "__main__":
    app.run(port=5000)
